//! What has not changed is carried on, what a crash left is taken up again, and a run reads one state of its sources.

use crate::harness::Database;
use crate::shop::{execute, value};
use quintile::config::Settings;
use quintile::pipeline::{self, BuildRequest, RunReport};
use quintile::warehouse::Warehouse;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;
use tokio::sync::watch;

const SCHEMA: &str = "
sources:
  - name: shop
    schema: shop
    tables: [{name: sales}, {name: rates}]
models:
  - name: sales
    columns: [{name: id, tests: [unique, not_null]}]
  - name: totals
    columns: [{name: total, tests: [not_null]}]
";

/// `staged` (view) -> `sales` -> `totals`, the seed `units` beside them, and `rated` over a second source.
const MODELS: [(&str, &str); 4] = [
    (
        "staged",
        "{{ config(materialized='view', access='private') }}\nSELECT id, amount FROM {{ source('shop', 'sales') }}",
    ),
    (
        "sales",
        "{{ config(materialized='table') }}\nSELECT s.id, s.amount, u.unit FROM {{ ref('staged') }} AS s CROSS JOIN {{ ref('units') }} AS u",
    ),
    (
        "totals",
        "{{ config(materialized='table') }}\nSELECT sum(amount) AS total, count(*) AS number FROM {{ ref('sales') }}",
    ),
    ("rated", "{{ config(materialized='table') }}\nSELECT rate FROM {{ source('shop', 'rates') }}"),
];

struct Shop {
    db: Database,
    warehouse: Warehouse,
    folder: tempfile::TempDir,
}

impl Shop {
    async fn new() -> Shop {
        let db = Database::new().await;
        let warehouse = db.warehouse().await;
        let folder = tempfile::tempdir().expect("a folder");
        for (name, text) in MODELS {
            write(folder.path(), &format!("models/{name}.sql"), text);
        }
        write(folder.path(), "models/schema.yml", SCHEMA);
        write(folder.path(), "seeds/units.csv", "unit\npiece\n");
        execute(&warehouse, "CREATE SCHEMA shop").await;
        execute(
            &warehouse,
            "CREATE TABLE shop.sales AS SELECT n AS id, n * 10 AS amount FROM generate_series(1, 5) AS n",
        )
        .await;
        execute(&warehouse, "CREATE TABLE shop.rates AS SELECT 1.5 AS rate").await;
        Shop { db, warehouse, folder }
    }

    fn settings(&self) -> Settings {
        Settings { project_dir: self.folder.path().to_path_buf(), ..self.db.settings() }
    }

    async fn build(&self) -> RunReport {
        self.build_with(BuildRequest { trigger: "test".into(), ..BuildRequest::default() }).await
    }

    async fn build_with(&self, request: BuildRequest) -> RunReport {
        let (_keep, stop) = watch::channel(false);
        let built = pipeline::build(&self.warehouse, &self.settings(), &request, stop).await;
        let mut report = built.unwrap_or_else(|e| panic!("{}", e.report()));
        report.built.sort();
        report
    }

    fn program(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_quintile"));
        command
            .args(["build", "--project-dir"])
            .arg(self.folder.path())
            .env("DATABASE_URL", self.db.url())
            .env("QUINTILE__RUN__LEASE_SECONDS", "2")
            .env("QUINTILE__RUN__THREADS", "1")
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        command
    }
}

fn write(folder: &Path, name: &str, text: &str) {
    let path = folder.join(name);
    std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
    std::fs::write(path, text).expect("a file");
}

#[tokio::test(flavor = "multi_thread")]
async fn unchanged_models_are_left_alone_and_changes_reach_what_reads_them() {
    let shop = Shop::new().await;
    assert_eq!(shop.build().await.built, ["rated", "sales", "staged", "totals", "units"]);

    let again = shop.build().await;
    assert_eq!((again.built.len(), again.published.len(), again.state.as_str()), (0, 0, "published"));
    assert_eq!(again.carried, ["rated", "sales", "totals", "units"]);
    let shown = "SELECT total FROM marts.totals";
    assert_eq!(value(&shop.warehouse, shown).await, "150");

    execute(&shop.warehouse, "UPDATE shop.sales SET amount = 20 WHERE id = 1").await;
    assert_eq!(shop.build().await.built, ["sales", "staged", "totals"], "an update of a source");
    assert_eq!(value(&shop.warehouse, shown).await, "160");
    execute(&shop.warehouse, "DELETE FROM shop.sales WHERE id = 1").await;
    assert_eq!(shop.build().await.built, ["sales", "staged", "totals"], "a delete");
    execute(&shop.warehouse, "ALTER TABLE shop.rates ADD COLUMN note text").await;
    assert_eq!(shop.build().await.built, ["rated"], "another shape of a source");
    let text = "{{ config(materialized='table') }}\nSELECT sum(amount) AS total, count(*) + 0 AS number FROM {{ ref('sales') }}";
    write(shop.folder.path(), "models/totals.sql", text);
    assert_eq!(shop.build().await.built, ["totals"], "an edited model");
    write(shop.folder.path(), "seeds/units.csv", "unit\nbox\n");
    assert_eq!(shop.build().await.built, ["sales", "staged", "totals", "units"], "an edited seed");
    let all = BuildRequest { rebuild: true, ..BuildRequest::default() };
    assert_eq!(shop.build_with(all).await.built.len(), 5, "asked for");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_can_vouch_for_is_built_every_time() {
    let shop = Shop::new().await;
    execute(&shop.warehouse, "CREATE TABLE public.unnamed AS SELECT 1 AS n").await;
    let function =
        "CREATE FUNCTION public.hidden() RETURNS bigint LANGUAGE sql STABLE AS 'SELECT count(*) FROM public.unnamed'";
    execute(&shop.warehouse, function).await;
    let table = |select: &str| format!("{{{{ config(materialized='table') }}}}\n{select}");
    let folder = shop.folder.path();
    write(folder, "models/clock.sql", &table("SELECT now() AS built_at"));
    write(folder, "models/above_clock.sql", &table("SELECT built_at FROM {{ ref('clock') }}"));
    write(folder, "models/unnamed.sql", &table("SELECT n FROM public.unnamed"));
    write(folder, "models/above_unnamed.sql", &table("SELECT n FROM {{ ref('unnamed') }}"));
    write(folder, "models/through_function.sql", &table("SELECT public.hidden() AS n"));
    write(
        folder,
        "models/inner_view.sql",
        "{{ config(materialized='view', access='private') }}\nSELECT n FROM public.unnamed",
    );
    write(folder, "models/over_view.sql", &table("SELECT n FROM {{ ref('inner_view') }}"));
    shop.build().await;
    let again = shop.build().await;
    let expected = ["above_clock", "above_unnamed", "clock", "inner_view", "over_view", "through_function", "unnamed"];
    assert_eq!(again.built, expected);
    assert_eq!(again.carried, ["rated", "sales", "totals", "units"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_test_is_asked_again_only_when_it_or_its_model_changed() {
    let shop = Shop::new().await;
    shop.build().await;
    let asked = "SELECT count(*) FROM quintile.run_tests WHERE run_id = (SELECT max(run_id) FROM quintile.runs)";
    assert_eq!(value(&shop.warehouse, asked).await, "3");
    shop.build().await;
    assert_eq!(value(&shop.warehouse, asked).await, "0");
    let stricter = SCHEMA.replace(
        "{name: total, tests: [not_null]}",
        "{name: total, tests: [not_null, {accepted_values: {values: [1]}}]}",
    );
    write(shop.folder.path(), "models/schema.yml", &stricter);
    let report = shop.build().await;
    assert_eq!(report.state, "failed", "a new test of an unchanged model is asked");
    assert_eq!(value(&shop.warehouse, asked).await, "1");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_run_is_taken_up_under_its_number() {
    let shop = Shop::new().await;
    let killed = shop.program().env("QUINTILE_CRASH_POINT", "model: filled:kill").status().expect("the program runs");
    assert!(!killed.success());
    let runs = "SELECT string_agg(run_id || ' ' || state || ' ' || attempt, ', ' ORDER BY run_id) FROM quintile.runs";
    assert_eq!(value(&shop.warehouse, runs).await, "1 running 1");
    let mut taken_up = shop.program();
    taken_up.env("QUINTILE_CRASH_POINT", "run: tests passed:kill");
    assert!(!taken_up.status().expect("the program runs").success());
    let attempts = "SELECT string_agg(model || ' ' || attempt, ', ' ORDER BY model) FROM quintile.run_models";
    let models = value(&shop.warehouse, attempts).await;
    assert!(shop.program().status().expect("the program runs").success());
    assert_eq!(value(&shop.warehouse, runs).await, "1 published 3");
    assert_eq!(value(&shop.warehouse, attempts).await, models, "the third attempt builds no table again");
    assert_eq!(value(&shop.warehouse, "SELECT total FROM marts.totals").await, "150");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_whose_sources_changed_is_not_taken_up_half() {
    let shop = Shop::new().await;
    let kill = |point: &str| {
        let mut command = shop.program();
        command.env("QUINTILE_CRASH_POINT", format!("{point}:kill"));
        assert!(!command.status().expect("the program runs").success());
    };
    kill("run: tests passed");
    execute(&shop.warehouse, "UPDATE shop.sales SET amount = 20 WHERE id = 1").await;
    kill("model: attached");
    assert_eq!(value(&shop.warehouse, "SELECT max(run_id) FROM quintile.runs").await, "1", "nothing was attached");
    execute(&shop.warehouse, "UPDATE shop.sales SET amount = 30 WHERE id = 1").await;
    assert!(shop.program().status().expect("the program runs").success());
    let runs = "SELECT string_agg(run_id || ' ' || state, ', ' ORDER BY run_id) FROM quintile.runs";
    assert_eq!(value(&shop.warehouse, runs).await, "1 interrupted, 2 published", "a partition is never made anew");
    assert_eq!(value(&shop.warehouse, "SELECT total FROM marts.totals").await, "170");
}

#[tokio::test(flavor = "multi_thread")]
async fn all_models_see_the_sources_of_one_moment() {
    let shop = Shop::new().await;
    let table = "{{ config(materialized='table') }}\n";
    // The first of two readers is slow; meanwhile the source changes.
    let slow =
        "SELECT sum(amount) AS total, (SELECT pg_sleep(1.5)) IS NULL AS slept FROM {{ source('shop', 'sales') }}";
    write(shop.folder.path(), "models/a_slow.sql", &format!("{table}{slow}"));
    let after = "SELECT sum(amount) AS total FROM {{ source('shop', 'sales') }}";
    write(shop.folder.path(), "models/b_after.sql", &format!("{table}{after}"));
    let mut settings = shop.settings();
    settings.run.threads = 1;
    let (_keep, stop) = watch::channel(false);
    let (warehouse, started) =
        (shop.warehouse.clone(), "SELECT count(*) FROM quintile.run_models WHERE model = 'a_slow'");
    let run = tokio::spawn(async move {
        pipeline::build(&warehouse, &settings, &BuildRequest::default(), stop).await.expect("a run").state
    });
    while value(&shop.warehouse, started).await == "0" {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    tokio::time::sleep(Duration::from_millis(300)).await;
    execute(&shop.warehouse, "UPDATE shop.sales SET amount = amount + 1000").await;
    assert_eq!(run.await.expect("joined"), "published");
    let shown = "SELECT concat_ws(' ', (SELECT total FROM marts.a_slow), (SELECT total FROM marts.b_after), (SELECT total FROM marts.totals))";
    assert_eq!(value(&shop.warehouse, shown).await, "150 150 150");
    shop.build().await;
    assert_eq!(value(&shop.warehouse, shown).await, "5150 5150 5150", "the change is news to the next run");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_column_or_right_is_told_before_any_model_is_built() {
    let shop = Shop::new().await;
    shop.build().await;
    execute(&shop.warehouse, "ALTER TABLE shop.sales RENAME COLUMN amount TO price").await;
    write(shop.folder.path(), "seeds/units.csv", "unit\ncrate\n");
    let report = shop.build().await;
    assert_eq!(report.state, "failed");
    assert_eq!(report.failed.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["staged"]);
    assert!(report.failed[0].1.contains("column \"amount\" does not exist"), "{}", report.failed[0].1);
    assert_eq!(value(&shop.warehouse, "SELECT total FROM marts.totals").await, "150");
    execute(&shop.warehouse, "DROP TABLE shop.rates").await;
    let (_keep, stop) = watch::channel(false);
    let lost = pipeline::build(&shop.warehouse, &shop.settings(), &BuildRequest::default(), stop).await;
    let lost = lost.expect_err("a source is gone");
    assert_eq!(lost.message, "source \"shop.rates\" is not there");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_retry_goes_on_where_a_failed_run_ended() {
    let shop = Shop::new().await;
    let broken = "{{ config(materialized='table') }}\nSELECT sum(amount) / 0 AS total, count(*) AS number FROM {{ ref('sales') }}";
    write(shop.folder.path(), "models/totals.sql", broken);
    assert_eq!(shop.build().await.state, "failed");
    write(shop.folder.path(), "models/totals.sql", MODELS[2].1);
    let mut retry = Command::new(env!("CARGO_BIN_EXE_quintile"));
    retry.args(["retry", "--project-dir"]).arg(shop.folder.path()).env("DATABASE_URL", shop.db.url());
    let told = retry.output().expect("the program runs");
    assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
    assert!(String::from_utf8_lossy(&told.stderr).contains("3 were finished by an earlier attempt"));
    let built = "SELECT string_agg(model, ' ' ORDER BY model) FROM quintile.run_models WHERE attempt > 1";
    assert_eq!(value(&shop.warehouse, built).await, "totals");
    assert_eq!(
        value(&shop.warehouse, "SELECT run_id || ' ' || state || ' ' || attempt FROM quintile.runs").await,
        "1 published 2"
    );
    let again = retry.output().expect("the program runs");
    assert!(String::from_utf8_lossy(&again.stderr).contains("nothing to retry"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_snapshot_of_the_sources_is_a_lost_connection_and_no_fault_of_the_models() {
    let shop = Shop::new().await;
    // One model at a time, and the first has joined the snapshot when its session is ended.
    let slow =
        "{{ config(materialized='table') }}\nSELECT count(*) AS n FROM {{ source('shop', 'sales') }}, pg_sleep(2)";
    write(shop.folder.path(), "models/a_slow.sql", slow);
    let mut settings = shop.settings();
    settings.run.threads = 1;
    let (_keep, stop) = watch::channel(false);
    let request = BuildRequest::default();
    let building = pipeline::build(&shop.warehouse, &settings, &request, stop);
    let cutting = async {
        let end =
            "SELECT count(pg_terminate_backend(holder.pid)) FROM pg_stat_activity AS holder, pg_stat_activity AS slow
            WHERE holder.datname = current_database() AND holder.state = 'idle in transaction'
                AND holder.query NOT LIKE 'SET%' AND slow.datname = current_database() AND slow.wait_event = 'PgSleep'";
        let client = shop.db.client().await;
        for _ in 0..500 {
            if client.query_one(end, &[]).await.expect("a count").get::<_, i64>(0) > 0 {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("no session held a snapshot while the slow model ran");
    };
    let (built, ()) = tokio::join!(building, cutting);
    let lost = built.expect_err("the models after the slow one could not join the snapshot");
    assert!(lost.kind == quintile::error::Kind::Unreachable && lost.may_pass(), "{}", lost.report());
    assert!(lost.message.contains("snapshot of the sources is gone"), "{}", lost.message);
    let again = pipeline::build(&shop.warehouse, &settings, &request, watch::channel(false).1).await.expect("a run");
    assert_eq!(again.state, "published", "{:?}", again.failed);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_of_a_killed_process_ends_and_holds_nobody_up() {
    let shop = Shop::new().await;
    let sleeping =
        "{{ config(materialized='table') }}\nSELECT 1 AS total, 1 AS number, pg_sleep(3600) IS NULL AS slept";
    write(shop.folder.path(), "models/totals.sql", sleeping);
    let mut child = shop.program().spawn().expect("the program starts");
    let asleep = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state = 'active' AND wait_event = 'PgSleep'";
    while value(&shop.warehouse, asleep).await == "0" {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    child.kill().expect("kill -9");
    child.wait().expect("its end");
    write(shop.folder.path(), "models/totals.sql", MODELS[2].1);
    // It finds the run, and the name of the table that the dead one was making.
    assert!(shop.program().status().expect("the program runs").success());
    assert_eq!(
        value(&shop.warehouse, "SELECT run_id || ' ' || state || ' ' || attempt FROM quintile.runs").await,
        "1 published 2"
    );
    assert_eq!(value(&shop.warehouse, asleep).await, "0");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_read_beside_sources_fails_once_and_holds_its_readers_back() {
    let shop = Shop::new().await;
    let table = "{{ config(materialized='table') }}\n";
    write(shop.folder.path(), "models/lookup.sql", &format!("{table}SELECT 1 / 0 AS factor"));
    let reader =
        "SELECT s.id * l.factor AS n FROM {{ source('shop', 'sales') }} AS s CROSS JOIN {{ ref('lookup') }} AS l";
    write(shop.folder.path(), "models/beside.sql", &format!("{table}{reader}"));
    let report = shop.build().await;
    assert_eq!(report.state, "failed");
    assert_eq!(report.failed.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["lookup"]);
    let attempts = "SELECT attempt FROM quintile.run_models WHERE model = 'lookup'";
    assert_eq!(value(&shop.warehouse, attempts).await, "1");
}
