//! What a pointer view costs its readers against a plain table; prints figures and asserts only that answers agree.
//!
//! `cargo test --test it read_cost -- --ignored --nocapture`

#![allow(clippy::print_stdout)] // Its figures are what it is for.

use crate::small::Small;
use quintile::warehouse::Warehouse;
use std::time::{Duration, Instant};
use tokio_postgres::{Client, SimpleQueryMessage};

const ROWS: usize = 500_000;
const KEPT_RUNS: usize = 3;

/// Name, statement (`{s}` is the schema, `{id}` a customer), and how often it is asked.
const QUESTIONS: [(&str, &str, usize); 5] = [
    ("point look-up", "SELECT revenue FROM {s}.customers WHERE customer_id = {id}", 400),
    (
        "3-way point join",
        "SELECT c.revenue, s.score, v.value FROM {s}.customers AS c JOIN {s}.scores AS s USING (customer_id)
         JOIN {s}.worth AS v USING (customer_id) WHERE customer_id = {id}",
        400,
    ),
    ("scan", "SELECT count(*), sum(revenue) FROM {s}.customers", 15),
    ("group-by", "SELECT region, count(*), avg(revenue) FROM {s}.customers GROUP BY region ORDER BY region", 15),
    (
        "3-way join with group-by",
        "SELECT c.region, s.score, count(*), sum(v.value) FROM {s}.customers AS c JOIN {s}.scores AS s USING (customer_id)
         JOIN {s}.worth AS v USING (customer_id) GROUP BY 1, 2 ORDER BY 1, 2",
        15,
    ),
];

#[tokio::test(flavor = "multi_thread")]
#[ignore = "measures for a minute"]
async fn pointer_views_against_plain_tables() {
    let mut small = Small::new().await;
    small.settings.run.keep_runs = KEPT_RUNS;
    small.warehouse =
        Warehouse::connect(&small.settings, small.db.url()).await.unwrap_or_else(|e| panic!("{}", e.report()));
    let unique = "materialized='table', indexes=[{'columns': ['customer_id'], 'unique': true}]";
    let from = format!("FROM generate_series(1, {ROWS}) AS n");
    for (name, columns) in [
        ("customers", "n AS customer_id, n % 50 AS region, (n % 9973)::numeric / 7 AS revenue"),
        ("scores", "n AS customer_id, n % 5 + 1 AS score"),
        ("worth", "n AS customer_id, (n % 701)::float8 AS value"),
    ] {
        small.model(name, unique, &format!("SELECT {columns} {from}"));
    }
    for _ in 0..KEPT_RUNS {
        small.publish(&[]).await;
    }
    small.collect().await;
    small.execute("CREATE SCHEMA plain").await;
    for name in ["customers", "scores", "worth"] {
        small.execute(&format!("CREATE TABLE plain.{name} AS SELECT * FROM marts.{name}")).await;
        small.execute(&format!("CREATE UNIQUE INDEX ON plain.{name} (customer_id)")).await;
        small.execute(&format!("VACUUM ANALYZE plain.{name}")).await;
    }
    small.execute("VACUUM").await;
    let client = small.db.client().await;
    println!("{ROWS} rows, {KEPT_RUNS} runs kept; medians, planning included");
    for (name, sql, times) in QUESTIONS {
        let (mut plain, mut pointer) = (Vec::new(), Vec::new());
        for round in 0..times {
            let id = 1 + round * 7919 % ROWS;
            let (one, answer) = ask(&client, sql, "plain", id).await;
            let (other, same) = ask(&client, sql, "marts", id).await;
            assert_eq!(answer, same, "{name}");
            plain.push(one);
            pointer.push(other);
        }
        let (plain, pointer) = (median(plain), median(pointer));
        println!(
            "{name:<26} plain {:>9.3} ms  pointer {:>9.3} ms  difference {:>7.3} ms  ratio {:.3}",
            plain * 1e3,
            pointer * 1e3,
            (pointer - plain) * 1e3,
            pointer / plain
        );
    }
}

async fn ask(client: &Client, sql: &str, schema: &str, id: usize) -> (Duration, String) {
    let sql = sql.replace("{s}", schema).replace("{id}", &id.to_string());
    let began = Instant::now();
    let rows = client.simple_query(&sql).await.expect("rows");
    let elapsed = began.elapsed();
    let text = rows.iter().filter_map(|message| match message {
        SimpleQueryMessage::Row(row) => {
            Some((0..row.len()).map(|n| row.get(n).unwrap_or_default()).collect::<Vec<_>>().join(" "))
        }
        _ => None,
    });
    (elapsed, text.collect::<Vec<_>>().join("\n"))
}

fn median(mut times: Vec<Duration>) -> f64 {
    times.sort();
    times[times.len() / 2].as_secs_f64()
}
