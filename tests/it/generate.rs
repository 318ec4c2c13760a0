//! Generated shops: the same bytes on any number of threads, rows that every table takes, and a truth that fits them.

use crate::harness::Database;
use proptest::prelude::*;
use quintile::analytics::generate::{Parameters, Process};
use quintile::ingest::generate::{FileFormat, GenerateRequest, GeneratedFile, load, write};
use std::collections::BTreeMap;
use std::path::Path;

fn small(seed: u64, customers: u32) -> Parameters {
    let mut parameters = Parameters::new(seed, customers);
    parameters.products = 100;
    parameters
}

fn files(parameters: Parameters, folder: &Path, format: FileFormat, threads: usize) -> Vec<GeneratedFile> {
    write(&GenerateRequest { parameters, folder: folder.into(), format, threads }, &mut |_| ()).unwrap()
}

/// Contents by name of the table.
fn contents(files: &[GeneratedFile]) -> BTreeMap<&'static str, Vec<u8>> {
    files.iter().map(|file| (file.table, std::fs::read(&file.path).unwrap())).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(6))]
    #[test]
    fn the_number_of_threads_changes_no_byte(
        seed: u64, customers in 1u32..12_000, threads in 2usize..9, is_parquet: bool, is_pareto: bool, season in 0.0f64..=1.0,
    ) {
        let folder = tempfile::tempdir().unwrap();
        let format = if is_parquet { FileFormat::Parquet } else { FileFormat::Csv };
        let mut parameters = small(seed, customers);
        parameters.days = 200;
        parameters.acquisition_days = 150;
        parameters.season = season;
        parameters.process = if is_pareto { Process::PARETO_NBD } else { Process::BG_NBD };
        let one = files(parameters.clone(), &folder.path().join("one"), format, 1);
        let many = files(parameters, &folder.path().join("many"), format, threads);
        prop_assert_eq!(one.len(), 9);
        prop_assert!(contents(&one) == contents(&many));
    }
}

/// Rows of a CSV file by column.
fn rows(file: &GeneratedFile) -> Vec<BTreeMap<String, String>> {
    let mut reader = csv::Reader::from_path(&file.path).unwrap();
    reader.deserialize().map(|row| row.unwrap()).collect()
}

#[test]
fn rows_stand_by_time_and_refer_to_each_other() {
    let folder = tempfile::tempdir().unwrap();
    let files = files(small(7, 2_000), folder.path(), FileFormat::Csv, 2);
    let table = |name: &str| rows(files.iter().find(|file| file.table == name).unwrap());
    for file in &files {
        assert_eq!(rows(file).len() as u64, file.rows, "{}", file.table);
    }
    let orders = table("orders");
    assert!(orders.len() > 20_000, "{}", orders.len());
    assert!(orders.windows(2).all(|pair| pair[0]["ordered_at"] <= pair[1]["ordered_at"]));
    assert!(orders.windows(2).all(|pair| pair[0]["order_id"] <= pair[1]["order_id"]));
    let ids = |rows: &[BTreeMap<String, String>], column: &str| -> std::collections::BTreeSet<String> {
        rows.iter().map(|row| row[column].clone()).filter(|id| !id.is_empty()).collect()
    };
    let customers = table("customers");
    assert!(customers.windows(2).all(|pair| pair[0]["signed_up_at"] <= pair[1]["signed_up_at"]));
    let known = ids(&customers, "customer_id");
    assert_eq!(known.len(), 2_000);
    // Everybody has a first order, and nobody else has one.
    assert_eq!(ids(&orders, "customer_id"), known);
    assert!(ids(&table("campaign_members"), "customer_id").is_subset(&known));
    assert!(ids(&orders, "product_id").is_subset(&ids(&table("products"), "product_id")));
    let campaigns = ids(&table("campaigns"), "campaign_id");
    assert!(ids(&customers, "acquisition_campaign_id").is_subset(&campaigns));
    assert!(ids(&table("campaign_members"), "campaign_id").is_subset(&campaigns));
    assert!(orders.iter().any(|row| row["customer_id"].is_empty()), "guests");
    // The monster order and its cancellation.
    let monsters: Vec<&str> = orders.iter().map(|row| &*row["quantity"]).filter(|units| units.len() > 4).collect();
    assert_eq!(monsters, ["80995", "-80995"]);
}

#[test]
fn the_truth_is_that_of_the_rows() {
    let folder = tempfile::tempdir().unwrap();
    let mut parameters = small(7, 3_000);
    parameters.campaigns.count = 0;
    parameters.returns.share = 0.0;
    let files = files(parameters, folder.path(), FileFormat::Csv, 2);
    let table = |name: &str| rows(files.iter().find(|file| file.table == name).unwrap());
    let mut orders: BTreeMap<String, std::collections::BTreeSet<String>> = BTreeMap::new();
    let mut last: BTreeMap<String, String> = BTreeMap::new();
    for row in table("orders").into_iter().filter(|row| row["quantity"].len() < 4) {
        orders.entry(row["customer_id"].clone()).or_default().insert(row["order_id"].clone());
        last.insert(row["customer_id"].clone(), row["ordered_at"].clone());
    }
    let truth = table("truth_customers");
    let (mut alive, mut gone) = (0, 0);
    for row in &truth {
        let id = &row["customer_id"];
        assert_eq!(orders[id].len() - 1, row["repeat_purchases"].parse::<usize>().unwrap(), "{id}");
        let promised: f64 = row["expected_purchases_90d"].parse().unwrap();
        let later: f64 = row["expected_purchases_365d"].parse().unwrap();
        if row["is_alive"] == "true" {
            alive += 1;
            assert!(row["dropped_out_at"].is_empty() && 0.0 < promised && promised < later, "{row:?}");
        } else {
            gone += 1;
            // BG/NBD: customers drop out with a purchase.
            assert_eq!((&row["dropped_out_at"], promised), (&last[id], 0.0), "{row:?}");
        }
    }
    assert!(alive > 500 && gone > 500, "{alive} alive, {gone} gone");
    let parameters = table("truth_parameters");
    assert!(parameters.iter().any(|row| row["name"] == "process.alpha" && row["value"] == "7.9"), "{parameters:?}");
}

#[test]
fn files_of_others_are_not_replaced() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("orders.csv"), "mine").unwrap();
    let request =
        GenerateRequest { parameters: small(1, 10), folder: folder.path().into(), format: FileFormat::Csv, threads: 1 };
    let error = write(&request, &mut |_| ()).unwrap_err();
    assert!(error.message.ends_with("holds orders that were not generated"), "{}", error.report());
    assert_eq!(std::fs::read_to_string(folder.path().join("orders.csv")).unwrap(), "mine");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shop_loads_into_every_table_and_again_changes_nothing() {
    let database = Database::new().await;
    let warehouse = database.warehouse().await;
    let folder = tempfile::tempdir().unwrap();
    let mappings = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/sources");
    let files = files(small(3, 300), folder.path(), FileFormat::Csv, 2);
    let count = |name: &str| files.iter().find(|file| file.table == name).unwrap().rows as i64;
    let mut told = Vec::new();
    let loaded = load(&warehouse, &files, &mappings, &mut |table, step| told.push((table, step))).await.unwrap();
    assert_eq!(loaded.len(), 5);
    for report in &loaded {
        let (_, last) = told.iter().rev().find(|(table, _)| *table == report.table).expect("steps of every table");
        let read = (last.rows_read as i64, last.bytes_read);
        assert_eq!(read, (report.counts.rows_read, report.bytes), "{}: the last step is the whole", report.table);
    }
    assert!(loaded.iter().all(|report| report.counts.rows_rejected == 0 && !report.is_unchanged), "{loaded:?}");
    assert!(
        load(&warehouse, &files, &mappings, &mut |_, _| ()).await.unwrap().iter().all(|report| report.is_unchanged)
    );
    let client = warehouse.client().await.unwrap();
    let raw = &warehouse.schemas.raw;
    for table in ["orders", "customers", "products", "campaigns", "campaign_members"] {
        let sql = format!("SELECT count(*) FILTER (WHERE source = 'generated') FROM \"{raw}\".{table}");
        let found: i64 = client.query(&sql, &[]).await.unwrap()[0].get(0);
        assert_eq!(found, count(table), "{table}");
    }
    for table in ["truth_customers", "truth_campaigns", "truth_channels", "truth_parameters"] {
        let sql = format!("SELECT count(*) FROM \"{raw}\".generated_{table}");
        let found: i64 = client.query(&sql, &[]).await.unwrap()[0].get(0);
        assert_eq!(found, count(table), "{table}");
    }
    let sql = format!(
        "SELECT count(*) FROM \"{raw}\".generated_truth_customers t JOIN \"{raw}\".customers c USING (customer_id) \
         WHERE t.acquired_at = c.signed_up_at"
    );
    let joined: i64 = client.query(&sql, &[]).await.unwrap()[0].get(0);
    assert_eq!(joined, 300);
}
