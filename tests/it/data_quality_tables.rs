//! What is told about customers, products, campaigns and their members: figures, ids that do not fit the orders, samples.

use crate::harness::Database;
use crate::shop;
use quintile::config::Settings;
use quintile::error::Result;
use quintile::pipeline::{self, RunReport};
use quintile::warehouse::Warehouse;
use quintile::warehouse::erase::EraseRequest;
use quintile::warehouse::person::Person;

const RELATIONS: [&str; 6] = [
    "+data_quality",
    "+data_quality_sources",
    "+data_quality_tables",
    "data_quality_table_columns",
    "data_quality_table_samples",
    "data_quality_rejects",
];

/// Two orders of a till, and tables of a CRM that fit them only in part.
const ROWS: &str = "
    INSERT INTO raw.orders (source, order_id, line, customer_id, id_is_synthetic, ordered_at, product_id, quantity, unit_price, currency, load_id)
    VALUES ('till', 'o1', 1, 'ann', false, '2025-06-01 10:00+00', 'p1', 1, 5, 'EUR', 1),
        ('till', 'o2', 1, 'dan', false, '2025-06-30 10:00+00', 'p9', 1, 5, 'EUR', 1),
        ('till', 'o3', 1, NULL, false, '2025-06-30 10:00+00', NULL, 1, 5, 'EUR', 1),
        ('stall', 's1', 1, 'synthetic-1', true, '2025-06-30 10:00+00', 'p1', 1, 5, 'EUR', 1);
    INSERT INTO raw.customers (source, customer_id, email, name, birth_date, country, signed_up_at, load_id)
    VALUES ('crm', 'ann', 'ann@shop.com', 'Ann Lee', '1980-02-29', 'FR', '2025-01-01', 2),
        ('crm', 'bob', 'bob@shop.com', 'Bob Ray', NULL, 'DE', '2025-06-20 12:00+00', 2),
        ('crm', 'bob', 'rob@shop.com', 'Bob Ray', NULL, 'DE', '2030-01-01', 2);
    INSERT INTO raw.products (source, product_id, name, unit_price, currency, load_id)
    VALUES ('erp', 'p1', 'Pen', 2.50, 'EUR', 3), ('erp', 'p2', 'Ink', 12, 'EUR', 3);
    INSERT INTO raw.campaigns (source, campaign_id, name, starts_at, ends_at, load_id)
    VALUES ('crm', 'spring', 'Spring', '2025-03-01', '2025-02-01', 4), ('crm', 'summer', 'Summer', '2025-06-01', NULL, 4);
    INSERT INTO raw.campaign_members (source, campaign_id, customer_id, arm, assigned_at, responded_at, load_id)
    VALUES ('crm', 'spring', 'ann', 'treated', '2025-03-02', '2025-03-01', 5),
        ('crm', 'spring', 'bob', 'control', '2025-03-02', NULL, 5),
        ('crm', 'autumn', 'eve', 'treated', '2025-03-02', '2025-03-03', 5);
    INSERT INTO raw.loads (load_id, source, table_name, file_name, checksum, mapping_checksum, rows_read, rows_loaded, rows_rejected, finished_at)
    OVERRIDING SYSTEM VALUE
    VALUES (2, 'crm', 'customers', 'people.csv', '', '', 6, 3, 3, '2025-06-21'), (3, 'erp', 'products', 'p.csv', '', '', 5, 2, 1, '2025-06-01');
    INSERT INTO raw.rejected_rows (source, file_name, line, column_name, reason, raw_text, load_id)
    VALUES ('crm', 'people.csv', 4, 'Born', '\"29.2.81\" is not a date of the form %Y-%m-%d', 'eve,29.2.81', 2),
        ('crm', 'people.csv', 5, 'Born', '\"of \"Eve\" Hill\" is not a date of the form %Y-%m-%d', 'eve,x', 2),
        ('erp', 'p.csv', 4, NULL, 'the row has 3 fields and the file has 6 columns', 'x', 3)";

async fn filled() -> (Database, Warehouse, Settings) {
    let db = Database::new().await;
    let warehouse = db.warehouse().await;
    shop::execute(&warehouse, ROWS).await;
    let settings = db.settings();
    (db, warehouse, settings)
}

async fn build(warehouse: &Warehouse, settings: &Settings) -> RunReport {
    let report = shop::build(warehouse, settings, &RELATIONS).await;
    assert_eq!(report.state, "published", "{:?}", report.failed);
    report
}

/// `status failing looked-at` of a check.
async fn check(warehouse: &Warehouse, source: &str, name: &str) -> String {
    let sql = format!(
        "SELECT concat_ws(' ', status, failing_lines, line_count) FROM marts.data_quality WHERE source = '{source}' AND check_name = '{name}'"
    );
    shop::value(warehouse, &sql).await
}

#[tokio::test(flavor = "multi_thread")]
async fn ids_that_do_not_fit_are_counted_both_ways() {
    let (_db, warehouse, settings) = filled().await;
    build(&warehouse, &settings).await;
    for (source, name, expected) in [
        // Dan bought and is not described; who has no id, or a made-up one, is not looked for.
        ("till", "customers_unknown", "info 1 2"),
        ("stall", "customers_unknown", ""),
        ("crm", "customers_without_order", "info 1 2"),
        ("till", "products_unknown", "info 1 2"),
        ("stall", "products_unknown", "ok 0 1"),
        ("erp", "products_without_order", "info 1 2"),
        // Bob is described and Ann bought; Eve is known to nobody.
        ("crm", "members_unknown", "warn 1 3"),
        ("crm", "members_without_order", "info 2 3"),
        ("crm", "members_without_campaign", "warn 1 2"),
        ("crm", "campaigns_without_member", "info 1 2"),
        ("crm", "campaigns_ending_before_start", "warn 1 2"),
        ("crm", "responses_before_assignment", "warn 1 3"),
        ("crm", "customers_repeated", "warn 1 3"),
        ("crm", "campaign_members_repeated", "ok 0 3"),
        ("crm", "customers_rejected", "warn 2 6"),
        ("crm", "customers_unaccounted", "ok 0 6"),
        ("erp", "products_rejected", "warn 1 5"),
        ("erp", "products_unaccounted", "error 2 5"),
        // Those of the orders are theirs alone.
        ("till", "rejected_rows", "ok 0 0"),
    ] {
        assert_eq!(check(&warehouse, source, name).await, expected, "{source} {name}");
    }
    let finding = "SELECT finding FROM marts.data_quality WHERE check_name = 'members_unknown'";
    assert_eq!(shop::value(&warehouse, finding).await, "1 of 3 (33.3%).");
}

#[tokio::test(flavor = "multi_thread")]
async fn tables_tell_their_size_their_reach_and_what_was_refused() {
    let (_db, warehouse, settings) = filled().await;
    let later = "INSERT INTO raw.orders SELECT 'later', 'l1', 1, 'ann', false, '2031-01-01', 'p1', NULL, NULL, 1, 5, 0, NULL, NULL, NULL, 'EUR', 1";
    shop::execute(&warehouse, later).await;
    build(&warehouse, &settings).await;
    let told = "SELECT string_agg(concat_ws('|', source, table_name, row_count, repeated_rows, first_date, last_date, freshness_days,
        rows_read, rows_rejected, ids_without_order, id_count), E'\\n' ORDER BY source, table_name) FROM marts.data_quality_tables";
    let expected = [
        "crm|campaign_members|3|0|2025-03-02|2025-03-02|120|0|0|2|3",
        "crm|campaigns|2|0|2025-03-01|2025-06-01|29|0|0",
        // The registration of 2030 makes nothing fresh.
        "crm|customers|3|1|2025-01-01|2030-01-01|10|6|2|1|2",
        "erp|products|2|0|5|1|1|2",
    ];
    assert_eq!(shop::value(&warehouse, told).await, expected.join("\n"));
    // Nothing comes before as_of: neither fresh nor stale.
    let later = "SELECT freshness_days IS NULL FROM marts.data_quality_sources WHERE source = 'later'";
    assert_eq!(shop::value(&warehouse, later).await, "true");
    let rejects = "SELECT string_agg(concat_ws('|', source, table_name, column_name, reason, row_count), E'\\n' ORDER BY source) FROM marts.data_quality_rejects";
    let expected = "crm|customers|Born|... is not a date of the form %Y-%m-%d|2\nerp|products|the row has ... fields and the file has ... columns|1";
    assert_eq!(shop::value(&warehouse, rejects).await, expected, "no value of a person is told, quoted or not");
}

#[tokio::test(flavor = "multi_thread")]
async fn columns_and_samples_show_no_person_and_an_erasure_takes_them_along() {
    let (_db, warehouse, settings) = filled().await;
    build(&warehouse, &settings).await;
    let column = async |table: &str, name: &str| {
        let sql = format!(
            "SELECT concat_ws('|', row_count, null_count, distinct_count, minimum, maximum, is_personal, description IS NOT NULL)
             FROM marts.data_quality_table_columns WHERE table_name = '{table}' AND column_name = '{name}'"
        );
        shop::value(&warehouse, &sql).await
    };
    assert_eq!(column("customers", "birth_date").await, "3|2|1|t|t");
    assert_eq!(column("customers", "country").await, "3|0|2|DE|FR|f|t");
    assert_eq!(column("products", "unit_price").await, "2|0|2|2.50|12|f|t");
    assert_eq!(column("campaigns", "ends_at").await, "2|1|1|2025-02-01 00:00:00|2025-02-01 00:00:00|f|t");
    assert_eq!(column("campaign_members", "customer_id").await, "3|0|3|t|t");
    let undescribed = "SELECT string_agg(table_name || '.' || column_name, ' ') FROM marts.data_quality_table_columns WHERE description IS NULL";
    assert_eq!(shop::value(&warehouse, undescribed).await, "");
    let sample = "SELECT string_agg(value, '|' ORDER BY column_number) FROM marts.data_quality_table_samples WHERE table_name = 'customers' AND sample_number = 1 AND column_name <> 'customer_id'";
    assert_eq!(shop::value(&warehouse, sample).await, "a***@s***.com|A. L.|***|FR|2025-01-01 00:00:00");
    let names = "SELECT count(*) FROM marts.data_quality_table_samples WHERE value ~* 'ann|bob|lee|ray|1980'";
    assert_eq!(shop::value(&warehouse, names).await, "0");
    // Ann is in the samples of two tables, and leaves both.
    let of_ann = "SELECT count(DISTINCT table_name) FROM marts.data_quality_table_samples WHERE customer_id = quintile.pseudonym('ann')";
    assert_eq!(shop::value(&warehouse, of_ann).await, "2");
    let person = Person { customer_id: "ann".into(), ..Person::default() };
    let request = EraseRequest { person, ..EraseRequest::default() };
    pipeline::erase(&warehouse, &settings, request).await.expect("erased");
    assert_eq!(shop::value(&warehouse, of_ann).await, "0");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_profile_tells_of_every_table_also_where_nothing_was_ordered() -> Result<()> {
    let (_db, warehouse, settings) = filled().await;
    let tables = async |source| -> Result<Vec<String>> {
        let mut names: Vec<String> = pipeline::profile(&warehouse, &settings, source)
            .await?
            .into_iter()
            .map(|c| format!("{} {}", c.source, c.table_name))
            .collect();
        names.dedup();
        Ok(names)
    };
    let all = ["crm customers", "crm campaigns", "crm campaign_members", "erp products", "stall orders", "till orders"];
    assert_eq!(tables(None).await?, all);
    assert_eq!(tables(Some("erp")).await?, ["erp products"]);
    shop::execute(&warehouse, "DELETE FROM raw.orders").await;
    assert_eq!(tables(Some("crm")).await?, all[..3]);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn empty_tables_add_no_row_and_do_not_have_the_orders_read() {
    let db = Database::new().await;
    let warehouse = db.warehouse().await;
    shop::fill_orders(&warehouse, 60).await;
    build(&warehouse, &db.settings()).await;
    let rows = "SELECT concat_ws(' ', (SELECT count(*) FROM marts.data_quality_tables), (SELECT count(*) FROM marts.data_quality_table_columns),
        (SELECT count(*) FROM marts.data_quality_table_samples), (SELECT count(*) FROM marts.data_quality_rejects),
        (SELECT count(*) FROM marts.data_quality WHERE check_name ~ 'unknown|without_order'))";
    assert_eq!(shop::value(&warehouse, rows).await, "0 0 0 0 0");
    // The plan is what makes it cheap: what is known of the orders is never read.
    let select = std::process::Command::new(env!("CARGO_BIN_EXE_quintile"))
        .args(["compile", "stg_id_matches", "--project-dir", env!("CARGO_MANIFEST_DIR")])
        .env("DATABASE_URL", db.url())
        .output()
        .expect("compiled");
    let select = String::from_utf8(select.stdout).expect("SQL");
    let client = db.client().await;
    let plan = client
        .query(&format!("EXPLAIN (ANALYZE, TIMING OFF, COSTS OFF, SUMMARY OFF) {select}"), &[])
        .await
        .expect("a plan");
    let orders: Vec<String> =
        plan.iter().map(|row| row.get::<_, String>(0)).filter(|line| line.contains(" on stg_line_values")).collect();
    assert!(!orders.is_empty() && orders.iter().all(|line| line.contains("never executed")), "{orders:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn tables_of_an_older_version_get_their_comments() {
    let db = Database::new().await;
    let warehouse = db.warehouse().await;
    let commented = "SELECT count(*) FILTER (WHERE col_description(attrelid, attnum) IS NULL) || ' of ' || count(*) FROM pg_attribute
        WHERE attrelid IN ('raw.orders'::regclass, 'raw.customers'::regclass, 'raw.products'::regclass, 'raw.campaigns'::regclass,
        'raw.campaign_members'::regclass) AND attnum > 0 AND NOT attisdropped";
    assert_eq!(shop::value(&warehouse, commented).await, "0 of 61");
    shop::execute(
        &warehouse,
        "COMMENT ON COLUMN raw.products.brand IS NULL; COMMENT ON COLUMN raw.campaign_members.load_id IS NULL",
    )
    .await;
    let client = warehouse.client().await.expect("a connection");
    warehouse.create_raw_tables(&client).await.expect("brought up to date");
    drop(client);
    assert_eq!(shop::value(&warehouse, commented).await, "0 of 61");
}
