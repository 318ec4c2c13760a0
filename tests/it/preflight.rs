//! What a run needs and does not have: told before work where it can be seen, by name, and readers keep what they have.

use crate::harness::Database;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

/// Roles belong to the server, not to a test's database, so each has a name of its own.
static NEXT: AtomicU32 = AtomicU32::new(1);
const PASSWORD: &str = "of a test";

const SOURCES: &str = "
version: 2
sources:
  - name: erp
    schema: erp
    tables:
      - name: orders
";
const ORDER_TOTALS: &str = "{{ config(materialized='table') }}

SELECT o.customer, sum(o.amount) AS total FROM {{ source('erp', 'orders') }} AS o GROUP BY o.customer
";

/// A project that reads a table of somebody else's, as a role with no more rights than it needs.
struct Borrowed {
    db: Database,
    project: tempfile::TempDir,
    role: String,
    url: String,
}

impl Borrowed {
    async fn new() -> Borrowed {
        let db = Database::empty().await;
        let role = format!("runner_{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let name = db.url().rsplit_once('/').expect("a URL").1.to_owned();
        let client = db.client().await;
        for sql in [
            format!("CREATE ROLE {role} LOGIN PASSWORD '{PASSWORD}'"),
            format!("GRANT CREATE ON DATABASE {name} TO {role}"),
            "CREATE SCHEMA erp".into(),
            "CREATE TABLE erp.orders AS SELECT n % 5 AS customer, n AS amount, now() AS at FROM generate_series(1, 50) AS n"
                .into(),
            format!("GRANT USAGE ON SCHEMA erp TO {role}; GRANT SELECT ON erp.orders TO {role}"),
        ] {
            client.batch_execute(&sql).await.unwrap_or_else(|e| panic!("{sql}: {e:?}"));
        }
        let place = db.url().split_once('@').expect("a URL").1.to_owned();
        let url = format!("postgres://{role}:{}@{place}", PASSWORD.replace(' ', "%20"));
        let project = tempfile::tempdir().expect("a folder");
        let borrowed = Borrowed { db, project, role, url };
        borrowed.write("sources.yml", SOURCES);
        borrowed.write("order_totals.sql", ORDER_TOTALS);
        borrowed
    }

    fn write(&self, name: &str, text: &str) {
        let folder = self.project.path().join("models");
        std::fs::create_dir_all(&folder).expect("a folder");
        std::fs::write(folder.join(name), text).expect("a model");
    }

    async fn execute(&self, sql: &str) {
        let sql = sql.replace("{role}", &self.role);
        self.db.client().await.batch_execute(&sql).await.unwrap_or_else(|e| panic!("{sql}: {e:?}"));
    }

    fn command(&self) -> Command {
        quintile(self.project.path(), &self.url)
    }

    /// Exit code and all that was told.
    fn build(&self) -> (i32, String) {
        ended(&self.command().output().expect("the program runs"))
    }

    /// The newest published run and the sum that readers see.
    async fn published(&self) -> (i64, String) {
        let sql = "SELECT max(run_id), sum(total)::text FROM marts.order_totals";
        let row = self.db.client().await.query_one(sql, &[]).await.expect("the public view");
        (row.get(0), row.get(1))
    }

    async fn drop_role(self) {
        self.execute("REASSIGN OWNED BY {role} TO CURRENT_USER; DROP OWNED BY {role}; DROP ROLE {role}").await;
    }
}

fn quintile(project: &Path, url: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_quintile"));
    command.arg("build").arg("--project-dir").arg(project).env("DATABASE_URL", url).env("NO_COLOR", "1");
    command
}

fn ended(output: &Output) -> (i32, String) {
    let text = [&output.stdout[..], &output.stderr[..]].concat();
    (output.status.code().unwrap_or(-1), String::from_utf8_lossy(&text).into_owned())
}

#[track_caller]
fn assert_told(told: &(i32, String), words: &[&str]) {
    let (code, text) = told;
    assert_eq!(*code, 1, "{text}");
    let missing: Vec<_> = words.iter().filter(|word| !text.contains(**word)).collect();
    assert!(missing.is_empty(), "{missing:?} not told:\n{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_that_went_away_is_named_and_readers_keep_what_they_have() {
    let shop = Borrowed::new().await;
    assert_eq!(shop.build().0, 0);
    let before = shop.published().await;
    shop.execute("ALTER SCHEMA erp RENAME TO erp_old").await;
    assert_told(&shop.build(), &["source \"erp.orders\" is not there", "create it"]);
    assert_eq!(shop.published().await, before);
    shop.execute("ALTER SCHEMA erp_old RENAME TO erp").await;
    assert_eq!(shop.build().0, 0, "the next run needs no help");
    shop.drop_role().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forbidden_source_is_named_with_the_right_that_is_missing() {
    let shop = Borrowed::new().await;
    assert_eq!(shop.build().0, 0);
    let before = shop.published().await;
    shop.execute("REVOKE SELECT ON erp.orders FROM {role}").await;
    assert_told(&shop.build(), &["source \"erp.orders\" may not be read", "SELECT", "GRANT SELECT"]);
    shop.execute("GRANT SELECT ON erp.orders TO {role}; REVOKE USAGE ON SCHEMA erp FROM {role}").await;
    assert_told(&shop.build(), &["source \"erp.orders\"", "GRANT USAGE"]);
    assert_eq!(shop.published().await, before);
    shop.execute("GRANT USAGE ON SCHEMA erp TO {role}").await;
    assert_eq!(shop.build().0, 0, "the next run needs no help");
    shop.drop_role().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_that_may_not_create_is_told_before_work() {
    let shop = Borrowed::new().await;
    let name = shop.db.url().rsplit_once('/').expect("a URL").1.to_owned();
    shop.execute(&format!("REVOKE CREATE ON DATABASE {name} FROM {{role}}")).await;
    assert_told(&shop.build(), &["permission denied", "42501", "grant the missing right"]);
    let sql = "SELECT count(*) FROM pg_class WHERE relnamespace::regnamespace::text LIKE 'quintile%'";
    assert_eq!(
        shop.db.client().await.query_one(sql, &[]).await.expect("a row").get::<_, i64>(0),
        0,
        "nothing was begun"
    );
    shop.drop_role().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_that_loses_a_right_of_the_store_changes_nothing() {
    let shop = Borrowed::new().await;
    assert_eq!(shop.build().0, 0);
    let before = shop.published().await;
    shop.execute("ALTER SCHEMA quintile_store OWNER TO CURRENT_USER").await;
    shop.execute("GRANT USAGE ON SCHEMA quintile_store TO {role}").await;
    shop.execute("UPDATE erp.orders SET amount = amount + 1").await;
    assert_told(&shop.build(), &["permission denied", "quintile_store", "42501"]);
    assert_eq!(shop.published().await, before);
    shop.execute("ALTER SCHEMA quintile_store OWNER TO {role}").await;
    assert_eq!(shop.build().0, 0, "the next run needs no help");
    shop.drop_role().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_column_dropped_between_runs_is_named_with_its_model_and_place() {
    let shop = Borrowed::new().await;
    assert_eq!(shop.build().0, 0);
    let before = shop.published().await;
    shop.execute("ALTER TABLE erp.orders RENAME COLUMN amount TO value").await;
    assert_told(&shop.build(), &["\"order_totals\"", "column o.amount does not exist", "sum(o.amount)", "^"]);
    assert_eq!(shop.published().await, before);
    shop.execute("ALTER TABLE erp.orders RENAME COLUMN value TO amount").await;
    assert_eq!(shop.build().0, 0, "the next run needs no help");
    shop.drop_role().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_column_dropped_in_the_midst_of_a_run_publishes_nothing() {
    let shop = Borrowed::new().await;
    assert_eq!(shop.build().0, 0);
    let before = shop.published().await;
    // The first model tells where the run stands by what it waits for; the second is not read before it is done.
    shop.write("slow.sql", "{{ config(materialized='table') }}\n\nSELECT 1 AS n, pg_sleep(3)::text AS slept");
    shop.write(
        "after_slow.sql",
        "{{ config(materialized='table') }}\n\nSELECT o.amount, s.n FROM {{ source('erp', 'orders') }} AS o CROSS JOIN {{ ref('slow') }} AS s",
    );
    let mut command = shop.command();
    let running = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program starts");
    let client = shop.db.client().await;
    let asleep = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'PgSleep'";
    for _ in 0..600 {
        if client.query_one(asleep, &[]).await.expect("a row").get::<_, i64>(0) > 0 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    // Taken back at the end, so that the run which fails is the only one that saw it.
    let dropped =
        client.batch_execute("SET lock_timeout = '20s'; ALTER TABLE erp.orders RENAME COLUMN amount TO value");
    dropped.await.expect("renamed");
    let output =
        tokio::task::spawn_blocking(move || running.wait_with_output()).await.expect("joined").expect("its end");
    assert_told(&ended(&output), &["\"after_slow\"", "column o.amount does not exist"]);
    assert_eq!(shop.published().await, before);
    shop.execute("ALTER TABLE erp.orders RENAME COLUMN value TO amount").await;
    assert_eq!(shop.build().0, 0, "the next run needs no help");
    shop.drop_role().await;
}
