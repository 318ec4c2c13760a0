//! A small project's run, killed once at every point where it changes something: readers and the next run never notice.

use crate::harness::Database;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, Output};

/// No run of this project has more points.
const MOST: u64 = 300;

const FILES: [(&str, &str); 5] = [
    ("seeds/prices.csv", "item,price\npen,2\nink,3\n"),
    (
        "models/schema.yml",
        "version: 2\nmodels:\n  - name: stock\n    columns:\n      - name: item\n        tests: [unique]\n",
    ),
    (
        "models/stock.sql",
        "{{ config(materialized='table', indexes=[{'columns': ['item'], 'unique': true}]) }}\n\n\
         SELECT p.item, p.price * {{ var('factor', 1) }} AS price FROM {{ ref('prices') }} AS p",
    ),
    (
        "models/cheapest.sql",
        "{{ config(materialized='view') }}\n\nSELECT min(s.price) AS price FROM {{ ref('stock') }} AS s",
    ),
    (
        "models/rises.sql",
        "{{ config(materialized='history') }}{% set before = live('stock') %}\n\n\
         SELECT s.item, s.price - {{ 'b.price' if before else '0' }} AS rise FROM {{ ref('stock') }} AS s\n\
         {{ 'JOIN ' ~ before ~ ' AS b ON b.item = s.item' if before }}",
    ),
];

/// Every relation tells which factor it was made with; read in one statement, they must agree.
const FACTOR: &str =
    "SELECT (SELECT max(price) / 3 FROM marts.stock)::bigint, (SELECT price / 2 FROM marts.cheapest)::bigint,
    (SELECT count(*) FROM marts.stock), (SELECT sum(rise) / 5 FROM marts.rises)::bigint";

struct Stock {
    db: Database,
    project: tempfile::TempDir,
}

impl Stock {
    async fn new() -> Stock {
        let project = tempfile::tempdir().expect("a folder");
        for (name, text) in FILES {
            let path = project.path().join(name);
            std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
            std::fs::write(path, text).expect("a file");
        }
        Stock { db: Database::new().await, project }
    }

    /// A build with this factor, with `plan` for its crash point.
    async fn build(&self, factor: i64, plan: Option<&str>) -> Output {
        let settings = self.project.path().join("config/quintile.toml");
        write(&settings, &format!("[run]\nthreads = 1\nkeep_runs = 1\n[vars]\nfactor = {factor}\n"));
        let mut command = Command::new(env!("CARGO_BIN_EXE_quintile"));
        command.arg("build").arg("--project-dir").arg(self.project.path()).env("DATABASE_URL", self.db.url());
        command.envs(plan.map(|plan| ("QUINTILE_CRASH_POINT", plan)));
        tokio::task::spawn_blocking(move || command.output()).await.expect("joined").expect("the program runs")
    }

    /// The factor that readers see, the same in all relations.
    async fn published(&self) -> i64 {
        let row = self.db.client().await.query_one(FACTOR, &[]).await.expect("the public views");
        let seen: (i64, i64, i64) = (row.get(0), row.get(1), row.get(2));
        assert_eq!((seen.1, seen.2), (seen.0, 2), "relations of two runs");
        assert_eq!(row.get::<_, i64>(3), seen.0, "the rises that the history tells, each once, add up to the price");
        seen.0
    }

    /// The dead process cannot come back; waiting for its lease would prove what other tests prove.
    async fn expire_leases(&self) {
        let sql = "UPDATE quintile.leases SET expires_at = clock_timestamp()";
        self.db.client().await.batch_execute(sql).await.expect("expired");
    }

    /// Relations in the store that no run has a use for.
    async fn leftovers(&self) -> Vec<String> {
        let sql = "SELECT relname::text FROM pg_class WHERE relnamespace = 'quintile_store'::regnamespace
            AND relkind IN ('r', 'v') AND relname ~ '__r[0-9]+$'
            AND substring(relname FROM '[0-9]+$')::bigint NOT IN (
                SELECT run_id FROM quintile.live UNION SELECT run_id FROM quintile.runs WHERE published_at IS NOT NULL
            )";
        self.db.client().await.query(sql, &[]).await.expect("names").iter().map(|row| row.get(0)).collect()
    }
}

fn write(path: &Path, text: &str) {
    std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
    std::fs::write(path, text).expect("written");
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_killed_at_any_point_is_made_good_by_the_next() {
    let stock = Stock::new().await;
    assert!(stock.build(1, None).await.status.success());
    let (mut killed, mut after_publish) = (0, 0);
    for number in 1..=MOST {
        let (before, factor) = (stock.published().await, i64::try_from(number).expect("small") + 1);
        let ended = stock.build(factor, Some(&format!("{number}:kill"))).await;
        if ended.status.signal().is_none() {
            assert!(ended.status.success(), "the run that nobody killed: {}", text(&ended));
            break;
        }
        killed += 1;
        let now = stock.published().await;
        assert!(now == before || now == factor, "point {number}: factor {now} is published, not {before} or {factor}");
        after_publish += u64::from(now == factor);
        stock.expire_leases().await;
        let next = stock.build(factor, None).await;
        assert!(next.status.success(), "after point {number}: {}", text(&next));
        assert_eq!(stock.published().await, factor, "after point {number}");
    }
    assert!(
        killed > 20 && after_publish > 0 && after_publish < killed,
        "{killed} points, {after_publish} after publish"
    );
    for factor in [-1, -2] {
        assert!(stock.build(factor, None).await.status.success());
    }
    let left = stock.leftovers().await;
    assert!(left.is_empty(), "{killed} killed runs left {left:?}");
}
