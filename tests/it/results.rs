//! docs/results.md: what the bundled models say about data that everybody knows. Every figure of its table is read from the
//! published relations here, and what can be said in naive SQL is said a second time from the raw lines.
//!
//! Superstore is read from the folder `QUINTILE_TEST_DATA` where that is set; CDNOW and the generated shop are left to
//! `cargo test --release --test it results -- --include-ignored`.

use crate::harness::Database;
use crate::shop;
use quintile::ingest::{IngestRequest, ingest};
use quintile::warehouse::Warehouse;
use std::path::PathBuf;

/// The relations that the table is read from, with all that they need.
const SELECTED: [&str; 5] =
    ["+concentration", "+segment_summary", "+cluster_quality", "+persona_summary", "+cohort_cells"];

/// Lines as the models count them, customers from them, and scores by the definition.
const NAIVE: &str = "
WITH lines AS (
    SELECT customer_id, order_id, (ordered_at AT TIME ZONE 'UTC')::date AS day,
        quantity * unit_price * (1 - discount) AS revenue, quantity < 0 AS is_return
    FROM raw.orders
    WHERE customer_id <> '' AND ordered_at < (SELECT max(as_of) FROM marts.customers)
        AND (quantity > 0 AND (unit_price > 0 OR unit_price = 0 AND source IN ('cdnow', 'retail_orders'))
            OR quantity < 0 AND unit_price >= 0)
),
buyers AS (
    SELECT customer_id, count(DISTINCT order_id) FILTER (WHERE NOT is_return) AS orders, sum(revenue) AS revenue,
        max(day) FILTER (WHERE NOT is_return) AS last_day
    FROM lines
    GROUP BY customer_id
    HAVING bool_or(NOT is_return)
),
codes AS (
    SELECT *,
        100 * LEAST(5, 1 + floor(5 * percent_rank() OVER (ORDER BY last_day)))
        + 10 * LEAST(5, 1 + floor(5 * percent_rank() OVER (ORDER BY orders)))
        + LEAST(5, 1 + floor(5 * percent_rank() OVER (ORDER BY revenue))) AS code,
        row_number() OVER (ORDER BY revenue) AS place,
        count(*) OVER () AS n
    FROM buyers
)
SELECT concat_ws(' | ',
    count(*), sum(orders), to_char(sum(revenue), 'FM999999990.00'),
    to_char(100.0 * count(*) FILTER (WHERE orders = 1) / count(*), 'FM990.0'),
    to_char(100.0 * sum(revenue) FILTER (WHERE place > n - ceil(n / 100.0)) / sum(revenue), 'FM990.0'),
    to_char(sum((2 * place - n - 1) * revenue) / (max(n) * sum(abs(revenue))), 'FM0.000'),
    count(*) FILTER (WHERE code IN (555, 554, 544, 545, 454, 455, 445)),
    count(*) FILTER (WHERE code IN (111, 112, 121, 131, 141, 151)))
FROM codes";

/// The same from what is published.
const PUBLISHED: &str = "
SELECT concat_ws(' | ',
    (SELECT count(*) FROM marts.customers), (SELECT sum(order_count) FROM marts.customers),
    (SELECT to_char(sum(net_revenue), 'FM999999990.00') FROM marts.customers),
    (SELECT to_char(100.0 * count(*) FILTER (WHERE frequency = 1) / count(*), 'FM990.0') FROM marts.rfm_scores),
    (SELECT to_char(100 * top_amount_share, 'FM990.0') FROM marts.concentration WHERE basis = 'revenue' AND top_share = 0.01),
    (SELECT to_char(max(gini), 'FM0.000') FROM marts.concentration WHERE basis = 'revenue'),
    (SELECT customers FROM marts.segment_summary WHERE scheme = 'classic11' AND segment = 'Champions'),
    (SELECT customers FROM marts.segment_summary WHERE scheme = 'classic11' AND segment = 'Lost'))";

/// What naive SQL cannot say: the tests of the clusters hold these against scikit-learn.
const FITTED: &str = "
SELECT concat_ws(' | ',
    (SELECT k || ' | ' || to_char(silhouette, 'FM0.000') FROM marts.cluster_quality WHERE is_chosen),
    string_agg(customers::text, ' | ' ORDER BY array_position(ARRAY['VIPs', 'Loyalists', 'Casual Shoppers', 'At Risk'], persona)))
FROM marts.persona_summary";

/// All figures are equal; but revenue, where orders are rounded to ten-thousandths and prices may have more decimals, to
/// eight digits.
fn assert_alike(published: &str, naive: &str, name: &str) {
    let cells = |text: &str| -> Vec<String> { text.split(" | ").map(str::to_owned).collect() };
    let (mut ours, mut theirs) = (cells(published), cells(naive));
    let revenues = (ours.remove(2), theirs.remove(2));
    assert_eq!(ours, theirs, "{name}");
    let number = |text: &String| text.parse::<f64>().expect("a number");
    let (ours, theirs) = (number(&revenues.0), number(&revenues.1));
    assert!((ours - theirs).abs() <= 2e-8 * theirs, "{name}: {ours} and {theirs}");
}

async fn check(name: &str, warehouse: &Warehouse, database: &Database) {
    let run = shop::build(warehouse, &database.settings(), &SELECTED).await;
    assert_eq!(run.state, "published", "{:?}", run.failed);
    let published = shop::value(warehouse, PUBLISHED).await;
    assert_alike(&published, &shop::value(warehouse, NAIVE).await, name);
    // Customers are customers in every cell: each is active in the period of the first order, of every grain and basis.
    let cohorts = "SELECT bool_and(customers = (SELECT count(*) FROM marts.customers)) FROM (
        SELECT sum(active) AS customers FROM marts.cohort_cells WHERE dimension = 'all' AND period_n = 0 GROUP BY grain, basis) AS t";
    assert_eq!(shop::value(warehouse, cohorts).await, "true", "{name}");
    let row = format!("| {name} | {published} | {} |", shop::value(warehouse, FITTED).await);
    let table = std::fs::read_to_string(shop::project_folder().join("docs/results.md")).expect("docs/results.md");
    assert!(table.lines().any(|line| line == row), "docs/results.md has not the row\n{row}");
}

async fn check_file(name: &str, file: PathBuf, source: &str) {
    let database = Database::new().await;
    let warehouse = database.warehouse().await;
    let mapping_dir = shop::project_folder().join("config/sources");
    let request = IngestRequest { file, source: source.into(), mapping_dir, ..IngestRequest::default() };
    ingest(&warehouse, &request, &mut |_| {}).await.unwrap_or_else(|e| panic!("{}", e.report()));
    check(name, &warehouse, &database).await;
}

fn demo(file: &str) -> PathBuf {
    shop::project_folder().join("seeds/demo").join(file)
}

#[tokio::test(flavor = "multi_thread")]
async fn retail_orders_with_made_up_customers() {
    check_file("Retail Orders (made-up customers)", demo("retail_orders.csv.gz"), "retail_orders").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn online_retail() {
    check_file("Online Retail", demo("online_retail.csv.gz"), "online_retail").await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes minutes without optimisation"]
async fn cdnow() {
    check_file("CDNOW", demo("CDNOW_master.txt.gz"), "cdnow").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn superstore() {
    let Some(folder) = std::env::var_os("QUINTILE_TEST_DATA").map(PathBuf::from) else {
        // Its licence is not known, so it is not shipped.
        return;
    };
    check_file("Superstore", folder.join("superstore.csv.gz"), "superstore").await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes minutes without optimisation"]
async fn generated_50k() {
    let database = Database::new().await;
    let warehouse = database.warehouse().await;
    let done = std::process::Command::new(env!("CARGO_BIN_EXE_quintile"))
        .args(["--database-url", database.url(), "generate", "--customers", "50000"])
        .current_dir(tempfile::tempdir().expect("a folder").path())
        .output()
        .expect("quintile runs");
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    check("generated, 50,000 customers", &warehouse, &database).await;
}
