//! A publish among readers that hold locks: the usual one needs none of theirs, a changed view waits and names them.

use crate::small::Small;
use std::time::Duration;

#[tokio::test(flavor = "multi_thread")]
async fn a_usual_publish_passes_a_reader_that_stays_in_its_transaction() {
    let small = Small::new().await;
    small.table("a", "SELECT 1 AS n");
    small.publish(&[]).await;
    let reader = small.db.client().await;
    reader.batch_execute("BEGIN; SELECT * FROM marts.a").await.expect("begun");
    let second = small.publish(&[]).await;
    assert_eq!(small.shown().await, format!("a:{second}"));
    let strong = "
        SELECT count(*) FROM pg_locks
        WHERE mode = 'AccessExclusiveLock'
            AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
    assert_eq!(small.value(strong).await, "0");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_view_is_tried_until_time_is_up_and_then_names_who_holds_it() {
    let mut small = Small::new().await;
    small.settings.run.publish_patience_seconds = 1;
    small.table("a", "SELECT 1 AS n");
    let first = small.publish(&[]).await;
    let reader = small.db.client().await;
    reader.batch_execute("BEGIN; SELECT * FROM marts.a").await.expect("begun");
    let pid: i32 = reader.query_one("SELECT pg_backend_pid()", &[]).await.expect("a pid").get(0);
    small.table("a", "SELECT 1 AS n, 2 AS m");
    let refused = crate::shop::try_build(&small.warehouse, &small.settings, &[]).await.expect_err("held");
    let holder = format!("marts.a is held by process {pid} (user quintile)");
    assert!(refused.report().contains(&holder), "{}", refused.report());
    assert!(refused.report().contains("run.publish_patience_seconds"), "{}", refused.report());
    assert_eq!(small.shown().await, format!("a:{first}"));
    small.settings.run.publish_patience_seconds = 60;
    let waiting = small.build(&[]);
    let ending = async {
        tokio::time::sleep(Duration::from_millis(700)).await;
        reader.batch_execute("COMMIT").await.expect("the end");
    };
    let (report, ()) = tokio::join!(waiting, ending);
    assert_eq!(report.state, "published", "{:?}", report.failed);
    assert_eq!(small.value("SELECT m FROM marts.a").await, "2");
}

#[tokio::test(flavor = "multi_thread")]
async fn limits_of_the_role_do_not_break_the_publish() {
    let small = Small::new().await;
    small.table("a", "SELECT 1 AS n");
    let first = small.publish(&[]).await;
    // The build itself is not under test: the limits begin with the publish.
    let run = quintile::warehouse::runs::NewRun {
        trigger: "test".into(),
        as_of: chrono::DateTime::UNIX_EPOCH,
        lease: "run:default".into(),
        fence: 100,
        process: "a test".into(),
        request: String::new(),
        slot: None,
    };
    let run_id = small.warehouse.start_run(&run).await.expect("a run");
    let name = small.value("SELECT current_database()").await;
    small.execute(&format!("ALTER DATABASE {name} SET statement_timeout = '20ms'")).await;
    small.execute(&format!("ALTER DATABASE {name} SET lock_timeout = '1ms'")).await;
    let limited = small.db.warehouse().await;
    let holder = small.db.client().await;
    let row =
        format!("BEGIN; SET LOCAL statement_timeout = 0; SELECT FROM quintile.runs WHERE run_id = {run_id} FOR UPDATE");
    holder.batch_execute(&row).await.expect("held");
    let publishing = limited.publish(run_id, &[], &[], Duration::from_secs(30));
    let ending = async {
        tokio::time::sleep(Duration::from_millis(60)).await;
        holder.batch_execute("COMMIT").await.expect("the end");
    };
    let (published, ()) = tokio::join!(publishing, ending);
    published.expect("a publish");
    small.execute(&format!("ALTER DATABASE {name} RESET ALL")).await;
    assert_eq!(small.shown().await, format!("a:{first}"));
}
