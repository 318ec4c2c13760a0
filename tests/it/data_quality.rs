//! What is told about the data: figures of sources and columns, anomalies, pseudonyms, and what may forbid a publish.

use crate::harness::Database;
use crate::shop;
use quintile::config::Settings;
use quintile::error::Kind;
use quintile::ingest::{IngestRequest, ingest, rejected_files, retry};
use quintile::pipeline;
use quintile::warehouse::Warehouse;

/// A shop of 150 customers, and the bundled project over it.
async fn filled() -> (Database, Warehouse, Settings) {
    let db = Database::new().await;
    let warehouse = db.warehouse().await;
    shop::fill_orders(&warehouse, 150).await;
    let settings = db.settings();
    (db, warehouse, settings)
}

async fn build(warehouse: &Warehouse, settings: &Settings) -> quintile::pipeline::RunReport {
    shop::build(
        warehouse,
        settings,
        &["+data_quality", "+data_quality_sources", "+data_quality_columns", "data_quality_samples"],
    )
    .await
}

/// `status|finding` of one check.
async fn check(warehouse: &Warehouse, source: &str, name: &str) -> String {
    let sql = format!(
        "SELECT status || '|' || coalesce(finding, '') FROM marts.data_quality WHERE source = '{source}' AND check_name = '{name}'"
    );
    shop::value(warehouse, &sql).await
}

/// Loads of `made_up` of these sizes, the newest last.
async fn loads(warehouse: &Warehouse, sizes: &[i64]) {
    let sizes: Vec<String> = sizes.iter().map(ToString::to_string).collect();
    let sql = format!(
        "DELETE FROM raw.loads;
         INSERT INTO raw.loads (source, file_name, checksum, mapping_checksum, rows_read, rows_loaded, rows_rejected)
         SELECT 'made_up', 'f' || n, '', '', size, size, 0 FROM unnest(ARRAY[{}]::bigint[]) WITH ORDINALITY AS s (size, n)",
        sizes.join(", ")
    );
    shop::execute(warehouse, &sql).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn figures_are_those_of_the_raw_lines() {
    let (_db, warehouse, settings) = filled().await;
    shop::execute(
        &warehouse,
        "INSERT INTO raw.orders (source, order_id, line, customer_id, id_is_synthetic, ordered_at, product_id, quantity, unit_price, currency, load_id)
         SELECT 'till', 't' || n, 1, 'synthetic-' || n % 3, true, timestamptz '2024-06-01', 'p', 1, 5, 'EUR', 9 FROM generate_series(1, 12) AS n
         UNION ALL SELECT 'till', 't1', 2, 'synthetic-1', true, timestamptz '2024-06-01', 'p', 1, 5, 'EUR', 9",
    )
    .await;
    let report = build(&warehouse, &settings).await;
    assert_eq!(report.state, "published", "{:?}", report.failed);
    let days = shop::value(
        &warehouse,
        "SELECT max((ordered_at AT TIME ZONE 'UTC')::date) - date '2024-06-01' FROM raw.orders",
    )
    .await;
    let told = "SELECT format('%s %s %s %s %s %s', line_count, order_count, customer_count, first_order_date, freshness_days, one_line_order_share = 11/12.0::float8) FROM marts.data_quality_sources WHERE source = 'till'";
    assert_eq!(shop::value(&warehouse, told).await, format!("13 12 3 2024-06-01 {days} t"));
    let expected = "SELECT count(*) || ' ' || count(DISTINCT customer_id) || ' ' || count(DISTINCT order_id) FROM raw.orders WHERE source = 'made_up'";
    let found = "SELECT line_count || ' ' || customer_count || ' ' || order_count FROM marts.data_quality_sources WHERE source = 'made_up'";
    assert_eq!(shop::value(&warehouse, found).await, shop::value(&warehouse, expected).await);
    assert_eq!(check(&warehouse, "till", "repeated_lines").await, "info|1 of 13 (7.7%).");
    assert_eq!(
        check(&warehouse, "till", "stale").await,
        format!("warn|The latest order is {days} days older than the last day of the run.")
    );
    assert_eq!(
        check(&warehouse, "made_up", "stale").await,
        "ok|The latest order is 0 days older than the last day of the run."
    );
    let meaningless = check(&warehouse, "till", "synthetic_customer").await;
    assert!(
        meaningless.starts_with(
            "warn|3 made-up ids for 12 orders: each gathers 4.0 orders of people who need not know each other."
        ),
        "{meaningless}"
    );
    assert_eq!(check(&warehouse, "made_up", "synthetic_customer").await, "ok|");
}

#[tokio::test(flavor = "multi_thread")]
async fn columns_are_profiled_exactly_and_persons_are_not_shown() {
    let (_db, warehouse, settings) = filled().await;
    let report = build(&warehouse, &settings).await;
    assert_eq!(report.state, "published", "{:?}", report.failed);
    for (column, is_personal) in
        [("customer_id", true), ("product_id", false), ("unit_price", false), ("category", false)]
    {
        let shown = if is_personal { "NULL, NULL" } else { "min(X::text COLLATE \"C\"), max(X::text COLLATE \"C\")" };
        let shown = if column == "unit_price" { "min(X)::text, max(X)::text" } else { shown };
        let counted = format!("SELECT ROW(count(*) - count(X), count(DISTINCT X), {shown})::text FROM raw.orders")
            .replace('X', column);
        let told = format!(
            "SELECT ROW(null_count, distinct_count, minimum, maximum)::text FROM marts.data_quality_columns WHERE column_name = '{column}'"
        );
        assert_eq!(shop::value(&warehouse, &told).await, shop::value(&warehouse, &counted).await, "{column}");
    }
    let described = "SELECT description FROM marts.data_quality_columns WHERE column_name = 'currency'";
    assert_eq!(shop::value(&warehouse, described).await, "ISO 4217 code of all amounts of the line");
    let raw = "SELECT count(*) FROM marts.data_quality_samples AS s JOIN raw.orders AS o ON s.customer_id IN (o.customer_id, o.order_id) OR s.order_id IN (o.customer_id, o.order_id)";
    assert_eq!(shop::value(&warehouse, raw).await, "0", "no sample shows an id");
    assert_eq!(shop::value(&warehouse, "SELECT count(*) FROM marts.data_quality_samples").await, "5");
    // The command asks the same SQL, without a run.
    let profiled = pipeline::profile(&warehouse, &settings, Some("made_up")).await.expect("a profile");
    let price = profiled.iter().find(|column| column.column_name == "unit_price").expect("a column");
    let told = shop::value(&warehouse, "SELECT ROW(distinct_count, minimum, maximum)::text FROM marts.data_quality_columns WHERE column_name = 'unit_price'").await;
    let (low, high) = (price.minimum.as_deref().unwrap_or(""), price.maximum.as_deref().unwrap_or(""));
    assert_eq!(format!("({},{low},{high})", price.distinct_count), told);
    let none = pipeline::profile(&warehouse, &settings, Some("nobody")).await.expect_err("no such source");
    assert_eq!(none.message, "source \"nobody\" has no rows");
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_were_rejected_and_fit_now_are_not_counted_any_more() {
    let (_db, warehouse, settings) = filled().await;
    let folder = tempfile::tempdir().expect("a folder");
    let mapping = "description = \"a till\"\n[defaults]\ncurrency = \"EUR\"\ntimezone = \"UTC\"\n[columns]\n\
        order_id = \"Order\"\ncustomer_id = \"Customer\"\nordered_at = \"Date\"\nquantity = \"Qty\"\nunit_price = \"Price\"\n";
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).expect("written");
    write("till.toml", mapping);
    // Customers of the same source: their rejected rows are none of the orders'.
    write(
        "till_customers.toml",
        "description = \"a till\"\nsource = \"till\"\ntable = \"customers\"\n[defaults]\ncurrency = \"EUR\"\ntimezone = \"UTC\"\n\
         [columns]\ncustomer_id = \"Customer\"\nbirth_date = \"Born\"\n",
    );
    write("orders.csv", "Order,Customer,Date,Qty,Price\n1,a,2025-01-01,1,5\n2,b,2025-01-02,one,5\n3,c,soon,1,5\n");
    write("customers.csv", "Customer,Born\na,1980-01-01\nb,never\n");
    let request = |file: &str, source: &str| IngestRequest {
        file: folder.path().join(file),
        source: source.into(),
        mapping_dir: folder.path().into(),
        ..IngestRequest::default()
    };
    for (file, source) in [("orders.csv", "till"), ("customers.csv", "till_customers")] {
        ingest(&warehouse, &request(file, source), &mut |_| {}).await.unwrap_or_else(|e| panic!("{}", e.report()));
    }
    assert_eq!(build(&warehouse, &settings).await.state, "published");
    assert_eq!(check(&warehouse, "till", "rejected_rows").await, "warn|2 of 3 (66.7%).");
    write("till.toml", &mapping.replace("\"Qty\"", "{ constant = 1 }"));
    let files = rejected_files(&warehouse, folder.path(), "till").await.expect("files");
    assert_eq!(files.len(), 1, "that of the customers is none of this mapping's: {files:?}");
    let tried = retry(&warehouse, folder.path(), "till", &files[0]).await.unwrap_or_else(|e| panic!("{}", e.report()));
    assert_eq!((tried.counts.rows_loaded, tried.counts.rows_rejected), (1, 1));
    assert_eq!(build(&warehouse, &settings).await.state, "published");
    assert_eq!(check(&warehouse, "till", "rejected_rows").await, "warn|1 of 3 (33.3%).");
    // The other mapping of the source has its own.
    let files = rejected_files(&warehouse, folder.path(), "till_customers").await.expect("files");
    assert!(files.len() == 1 && files[0].file_name.ends_with("customers.csv"), "{files:?}");
    let tried = retry(&warehouse, folder.path(), "till_customers", &files[0]).await;
    assert_eq!(tried.unwrap_or_else(|e| panic!("{}", e.report())).counts.rows_rejected, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn volumes_are_judged_by_what_is_usual() {
    let (_db, warehouse, settings) = filled().await;
    let cases: [(&[i64], &str, &str); 6] = [
        (&[100, 101], "ok", "Too few loads to tell: 1 before the newest, 5 are needed."),
        (&[100, 110, 90, 105, 95, 104], "ok", "robust deviations more."),
        (
            &[100, 110, 90, 105, 95, 20],
            "warn",
            "The newest load has 20 rows, those before usually 100: 10.8 robust deviations fewer.",
        ),
        (&[100, 110, 90, 105, 95, 0], "warn", "The newest load has 0 rows"),
        // One wrong load of the past hides nothing, and loads that never differed do not make all differences count.
        (&[100, 110, 90_000, 105, 95, 100, 900], "warn", "robust deviations more."),
        (&[100, 100, 100, 100, 100, 108], "ok", "1.6 robust deviations more."),
    ];
    for (sizes, status, finding) in cases {
        loads(&warehouse, sizes).await;
        let report = build(&warehouse, &settings).await;
        assert_eq!(report.state, "published", "{:?}", report.failed);
        let told = check(&warehouse, "made_up", "volume").await;
        assert!(told.starts_with(&format!("{status}|")) && told.contains(finding), "{sizes:?}: {told}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn named_checks_forbid_the_publish_and_others_only_warn() {
    let (_db, warehouse, mut settings) = filled().await;
    loads(&warehouse, &[100, 110, 90, 105, 95, 20]).await;
    let warned = build(&warehouse, &settings).await;
    assert_eq!(warned.state, "published", "{:?}", warned.failed);
    settings.vars.insert("data_quality_blocks".into(), serde_json::json!(["stale", "volume"]));
    let blocked = build(&warehouse, &settings).await;
    assert_eq!(blocked.state, "failed");
    assert_eq!(blocked.failed.len(), 1, "{:?}", blocked.failed);
    assert!(blocked.failed[0].1.contains("data_quality_blocks"), "{:?}", blocked.failed);
    assert_eq!(
        shop::value(&warehouse, "SELECT max(run_id) FROM marts.data_quality").await,
        warned.run_id.to_string(),
        "readers keep what they had"
    );
    settings.vars.insert("data_quality_blocks".into(), serde_json::json!(["rejected_rows"]));
    assert_eq!(build(&warehouse, &settings).await.state, "published");
    // A name that is no check would block nothing for ever.
    settings.vars.insert("data_quality_blocks".into(), serde_json::json!(["volumes"]));
    let wrong = shop::try_build(&warehouse, &settings, &["+data_quality"]).await.expect_err("a mistyped check is told");
    assert_eq!(wrong.kind, Kind::Config);
    assert!(wrong.message.contains("data_quality_blocks names \"volumes\", which is no check"), "{}", wrong.report());
}

#[tokio::test(flavor = "multi_thread")]
async fn masks_leave_nothing_to_know_a_person_by() {
    let db = Database::new().await;
    let warehouse = db.warehouse().await;
    let folder = tempfile::tempdir().expect("a folder");
    shop::copy_folder(&shop::project_folder().join("macros"), &folder.path().join("macros"));
    std::fs::create_dir(folder.path().join("models")).expect("a folder");
    let model = "{{ config(materialized='table') }}
        SELECT email, {{ masked('email', 'email') }} AS masked_email, {{ masked('name', 'name') }} AS masked_name, {{ masked('name') }} AS masked_text
        FROM (VALUES ('ann.lee@shop.co.uk', ' Ann  van Lee'), ('no address', 'Ünal'), (NULL, NULL)) AS p (email, name)";
    std::fs::write(folder.path().join("models/people.sql"), model).expect("written");
    let settings = Settings { project_dir: folder.path().into(), ..db.settings() };
    let report = shop::build(&warehouse, &settings, &[]).await;
    assert_eq!(report.state, "published", "{:?}", report.failed);
    let told = "SELECT string_agg(concat_ws('|', masked_email, masked_name, masked_text), ' / ' ORDER BY email NULLS LAST) FROM marts.people";
    assert_eq!(shop::value(&warehouse, told).await, "a***@s***.uk|A. v. L.|*** / ***|Ü.|*** / ");
}
