//! Sources that are tables of the database: the same shop as a file and as a table gives the same figures.

mod corpus;
mod tables;

use crate::harness::Database;
use crate::shop;
use quintile::config::Settings;
use quintile::error::Kind;
use quintile::ingest::{IngestRequest, ingest};
use quintile::pipeline;
use quintile::warehouse::Warehouse;
use std::fmt::Write;

/// What the mapping of the file and that of the table have in common. Names of columns are as hostile as a shop may have them.
const COLUMNS: &str = r#"
[defaults]
currency = "EUR"
timezone = "Europe/Berlin"
[columns]
order_id = "Order \"no\" {{ 1 }}"
customer_id = { column = "Kunde; --", strip_suffix = ".0", nulls = ["guest"] }
ordered_at = { column = "Datum {% x %}", format = ["%d.%m.%Y %H:%M", "iso"] }
product_id = "SELECT"
quantity = "Menge"
unit_price = { expression = "\"Preis €\" * (1 - \"Rabatt %\" / 100)" }
unit_cost = { column = "Kosten", scale = 0.5 }
channel = { column = "Kanal", values = { W = "it's web" } }
"#;
const FILE: &str = "[file]\nnulls = [\"\", \"N/A\"]\ndecimal = \",\"\nthousands = \".\"\ncurrency_signs = [\"€\"]\n";
const TABLE: &str = "[relation]\nname = \"shop.\\\"Order lines\\\"\"\nnulls = [\"\", \"N/A\"]\ndecimal = \",\"\nthousands = \".\"\ncurrency_signs = [\"€\"]\n";
const HEADER: [&str; 9] =
    ["Order \"no\" {{ 1 }}", "Kunde; --", "Datum {% x %}", "SELECT", "Menge", "Preis €", "Rabatt %", "Kosten", "Kanal"];

/// Lines of the shop; every 40th does not fit, each for another reason.
fn lines() -> Vec<[String; 9]> {
    (0..800_usize)
        .map(|i| {
            let mut line = [
                format!("A{}", i / 2),
                if i % 50 == 0 { " guest ".into() } else { format!("C{}.0", (i / 2) % 61) },
                match i % 3 {
                    // The clocks show half past two twice on that day.
                    0 if i % 9 == 0 => "29.10.2023 02:30".to_owned(),
                    0 => format!("{}.{}.2023 10:05", 1 + i % 28, 1 + i % 12),
                    _ => format!("2024-{:02}-{:02}T08:00:00.5+02:00", 1 + i % 12, 1 + i % 28),
                },
                format!("p{}", i % 7),
                if i % 30 == 7 { "-1".into() } else { format!("{}", 1 + i % 4) },
                format!("{}1.2{}0,5{} €", if i % 11 == 0 { "-" } else { "" }, i % 10, i % 10),
                format!("{}", i % 15),
                if i % 5 == 0 { "N/A".into() } else { format!("{},25", i % 90) },
                if i % 2 == 0 { "W".into() } else { "store".into() },
            ];
            if i % 40 == 39 {
                match (i / 40) % 6 {
                    0 => line[0] = " ".into(),
                    1 => line[2] = "31.02.2023 10:00".into(),
                    2 => line[2] = "26.03.2023 02:30".into(),
                    3 => line[4] = "many".into(),
                    4 => line[5] = "1.23 €".into(),
                    _ => line[2] = "1.1.1969 00:00".into(),
                }
            }
            line
        })
        .collect()
}

fn csv(lines: &[[String; 9]]) -> String {
    let quoted = |field: &str| format!("\"{}\"", field.replace('"', "\"\""));
    let row = |fields: Vec<&str>| fields.into_iter().map(quoted).collect::<Vec<_>>().join(",") + "\n";
    let mut text = row(HEADER.to_vec());
    lines.iter().for_each(|line| text.push_str(&row(line.iter().map(String::as_str).collect())));
    text
}

/// A table of texts with these lines.
async fn fill(warehouse: &Warehouse, lines: &[[String; 9]]) {
    let name = |column: &&str| format!("\"{}\" text", column.replace('"', "\"\""));
    let columns: Vec<String> = HEADER.iter().map(name).collect();
    let mut sql = format!("CREATE SCHEMA shop; CREATE TABLE shop.\"Order lines\" ({});\n", columns.join(", "));
    sql.push_str("INSERT INTO shop.\"Order lines\" VALUES\n");
    for (place, line) in lines.iter().enumerate() {
        let values: Vec<String> = line.iter().map(|field| format!("'{}'", field.replace('\'', "''"))).collect();
        let comma = if place == 0 { "" } else { ",\n" };
        write!(sql, "{comma}({})", values.join(", ")).expect("written");
    }
    shop::execute(warehouse, &sql).await;
}

/// A copy of the project, in whose folder a test may write.
fn project_of(db: &Database) -> (tempfile::TempDir, Settings) {
    let folder = tempfile::tempdir().expect("a folder");
    shop::copy_project(folder.path());
    let settings = Settings { project_dir: folder.path().to_path_buf(), ..db.settings() };
    (folder, settings)
}

/// The same with one mapping more.
fn project(mapping: &str, db: &Database) -> (tempfile::TempDir, Settings) {
    let (folder, settings) = project_of(db);
    std::fs::write(folder.path().join("config/sources/till.toml"), mapping).expect("written");
    (folder, settings)
}

const MODELS: [&str; 6] = [
    "+rfm_scores",
    "+data_quality",
    "+data_quality_sources",
    "+data_quality_columns",
    "customers",
    "data_quality_samples",
];

/// All that is published, as text; without `load_id`s and comments, which only a load and a table have.
async fn published(warehouse: &Warehouse) -> Vec<String> {
    let mut found = Vec::new();
    for select in [
        "SELECT * FROM marts.customers ORDER BY customer_id",
        "SELECT * FROM marts.rfm_scores ORDER BY customer_id",
        "SELECT * FROM marts.data_quality ORDER BY source, check_name",
        "SELECT * FROM marts.data_quality_sources ORDER BY source",
        "SELECT * FROM marts.data_quality_columns ORDER BY source, column_number",
    ] {
        found.push(
            shop::value(warehouse, &format!("SELECT jsonb_pretty(jsonb_agg(to_jsonb(t))) FROM ({select}) AS t")).await,
        );
    }
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shop_in_a_table_is_the_same_shop_as_in_a_file() {
    let lines = lines();
    let (of_file, of_table) = (Database::new().await, Database::new().await);
    let warehouse = of_file.warehouse().await;
    let (folder, settings) = project(&(FILE.to_owned() + COLUMNS), &of_file);
    let file = folder.path().join("orders.csv");
    std::fs::write(&file, csv(&lines)).expect("written");
    let mapping_dir = folder.path().join("config/sources");
    let request = IngestRequest { file, source: "till".into(), mapping_dir, ..IngestRequest::default() };
    let report = ingest(&warehouse, &request, &mut |_| {}).await.expect("loaded");
    assert_eq!((report.counts.rows_read, report.counts.rows_rejected), (800, 20));
    let run = shop::build(&warehouse, &settings, &MODELS).await;
    assert_eq!((run.state.as_str(), &run.failed), ("published", &Vec::new()));
    let expected = published(&warehouse).await;

    let warehouse = of_table.warehouse().await;
    let (_folder, settings) = project(&(TABLE.to_owned() + COLUMNS), &of_table);
    fill(&warehouse, &lines).await;
    let mut models = MODELS.to_vec();
    models.push("data_quality_rejects");
    let run = shop::build(&warehouse, &settings, &models).await;
    assert_eq!((run.state.as_str(), &run.failed), ("published", &Vec::new()));
    assert_eq!(shop::value(&warehouse, "SELECT count(*) FROM raw.orders").await, "0", "nothing is copied");
    for (expected, found) in expected.iter().zip(published(&warehouse).await) {
        assert!(expected.len() > 200, "{expected}");
        pretty_assertions(expected, &found);
    }
    let reasons = "SELECT string_agg(concat_ws(' | ', table_name, column_name, reason, row_count), E'\\n' ORDER BY column_name COLLATE \"C\", reason COLLATE \"C\") FROM marts.data_quality_rejects";
    insta::assert_snapshot!(shop::value(&warehouse, reasons).await);
    let profile = pipeline::profile(&warehouse, &settings, Some("till")).await.expect("a profile");
    assert_eq!(
        profile.iter().find(|column| column.column_name == "order_id").map(|column| column.line_count),
        Some(780)
    );
}

/// Tells the first line that differs, not two long texts.
fn pretty_assertions(expected: &str, found: &str) {
    for (expected, found) in expected.lines().zip(found.lines()) {
        assert_eq!(expected, found);
    }
    assert_eq!(expected.lines().count(), found.lines().count());
}

#[tokio::test(flavor = "multi_thread")]
async fn native_types_are_taken_as_they_are_and_an_erased_person_stays_away() {
    let db = Database::new().await;
    let warehouse = db.warehouse().await;
    shop::execute(
        &warehouse,
        "CREATE TABLE public.sales (id bigint, buyer int, at timestamptz, day date, shown timestamp, n smallint, price numeric, line int, vip boolean);
         INSERT INTO public.sales SELECT i, i % 9, timestamptz '2024-01-01 10:00+02' + make_interval(days => i), date '2024-01-01' + i,
             timestamp '2024-01-01 00:30' + make_interval(days => i), 2, i + 0.25, 1, true FROM generate_series(1, 90) AS i;
         INSERT INTO public.sales VALUES (1, 1, '2024-01-02 10:00+02', '2024-01-02', '2024-01-02 00:30', 2, 1.25, 1, true),
             (2, 2, '2024-01-03', '2024-01-03', '2024-01-03', 7, 9, 1, true), (91, 1, 'infinity', '2024-01-03', '2024-01-03', 7, 9, 1, true)",
    )
    .await;
    let mapping = "[relation]\nname = \"sales\"\ndecimal = \",\"\n[defaults]\ncurrency = \"EUR\"\ntimezone = \"Europe/Berlin\"\n[columns]\norder_id = \"id\"\nline = \"line\"\ncustomer_id = \"buyer\"\nordered_at = { column = \"at\", format = \"%d.%m.%Y\" }\nquantity = \"n\"\nunit_price = \"price\"\n";
    for (column, first) in [("at", "2024-01-02 08:00"), ("day", "2024-01-01 23:00"), ("shown", "2024-01-01 23:30")] {
        let (_folder, settings) = project(&mapping.replace("\"at\"", &format!("\"{column}\"")), &db);
        let run = shop::build(&warehouse, &settings, &["+customers", "+data_quality", "data_quality_rejects"]).await;
        assert_eq!((run.state.as_str(), &run.failed), ("published", &Vec::new()));
        let told = "SELECT min(first_order_at AT TIME ZONE 'UTC') FROM marts.customers";
        assert_eq!(shop::value(&warehouse, told).await, format!("{first}:00"), "{column}");
        // Two contradict each other in their key; one is a copy; and nobody bought at infinity.
        let rejected = "SELECT sum(row_count) FROM marts.data_quality_rejects";
        assert_eq!(shop::value(&warehouse, rejected).await, if column == "at" { "3" } else { "2" }, "{column}");
    }
    let (_folder, settings) = project(mapping, &db);
    let (customer_id, reason) = ("4".to_owned(), None);
    let person = quintile::warehouse::person::Person { customer_id, ..Default::default() };
    let request = quintile::warehouse::erase::EraseRequest { person, reason, ..Default::default() };
    pipeline::erase(&warehouse, &settings, request).await.expect("erased");
    let run = shop::build(&warehouse, &settings, &["+customers", "+data_quality"]).await;
    assert_eq!(run.state, "published", "{:?}", run.failed);
    let left = "SELECT count(*) || ' ' || count(*) FILTER (WHERE customer_id = '4') FROM marts.customers";
    assert_eq!(shop::value(&warehouse, left).await, "8 0");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_relation_that_does_not_fit_its_mapping_is_told_before_anything_is_built() {
    let db = Database::new().await;
    let warehouse = db.warehouse().await;
    shop::fill_orders(&warehouse, 20).await;
    let (_folder, settings) = project(&(TABLE.to_owned() + COLUMNS), &db);
    let error = shop::try_build(&warehouse, &settings, &["+customers"]).await.expect_err("no relation");
    assert_eq!(error.kind, Kind::Config);
    assert_eq!(error.message, "relation \"shop\".\"Order lines\" of mapping \"till\" is not there");
    shop::execute(&warehouse, "CREATE SCHEMA shop; CREATE TABLE shop.\"Order lines\" (\"Kunde\" text, \"Menge\" int)")
        .await;
    let error = shop::try_build(&warehouse, &settings, &["+customers"]).await.expect_err("no columns");
    let told = error.report();
    assert_eq!(error.kind, Kind::Config, "{told}");
    for part in ["config/sources/till.toml", "relation \"shop\".\"Order lines\"", "Column \"Kunde; --\" is missing"] {
        assert!(told.contains(part), "{told}");
    }
    assert!(!told.contains("Column \"Menge\""), "{told}");
    // Where no row fits, the mapping is wrong: readers keep what they have.
    shop::execute(&warehouse, "DROP TABLE shop.\"Order lines\"").await;
    shop::execute(&warehouse, "DROP SCHEMA shop").await;
    let mut lines = lines();
    lines.iter_mut().for_each(|line| line[4] = "many".into());
    fill(&warehouse, &lines).await;
    let run = shop::build(&warehouse, &settings, &["+customers", "+stg_counts_till"]).await;
    assert_eq!(run.state, "failed");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_line_says_what_to_run_and_proposes_a_mapping() {
    let db = Database::new().await;
    let warehouse = db.warehouse().await;
    let (folder, _) = project(&(TABLE.to_owned() + COLUMNS), &db);
    fill(&warehouse, &lines()).await;
    let run = |arguments: &[&str]| {
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_quintile"))
            .args(arguments)
            .arg("--project-dir")
            .arg(folder.path())
            .env("DATABASE_URL", db.url())
            .output()
            .expect("the program runs");
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
        (output.status.code(), text(output.stdout), text(output.stderr))
    };
    let (code, _, told) = run(&["ingest", "--source", "till"]);
    assert_eq!(code, Some(0), "{told}");
    assert!(
        told.contains("source \"till\" is relation \"shop\".\"Order lines\"") && told.contains("quintile build"),
        "{told}"
    );
    let (code, _, told) = run(&["ingest", "orders.csv", "--source", "till"]);
    assert_eq!(code, Some(2), "{told}");
    let (code, _, told) = run(&["ingest", "--source", "cdnow"]);
    assert!(code == Some(2) && told.contains("no file is named"), "{told}");
    let (code, proposed, told) = run(&["ingest", "--infer", "--relation", "shop.\"Order lines\"", "--source", "till"]);
    assert_eq!(code, Some(0), "{told}");
    assert!(proposed.contains("[relation]\nname = \"\\\"shop\\\".\\\"Order lines\\\"\""), "{proposed}");
    let (code, _, told) = run(&["ingest", "--infer", "--relation", "shop.nothing"]);
    assert!(code == Some(2) && told.contains("relation \"shop\".\"nothing\" is not there"), "{told}");
    let (code, listed, _) = run(&["ls", "--select", "+stg_orders"]);
    assert_eq!(code, Some(0));
    for name in ["stg_read_till", "stg_source_till", "stg_raw_orders"] {
        assert!(listed.contains(name), "{listed}");
    }
    let (_, listed, _) = run(&["ls", "--select", "source:till+"]);
    assert!(listed.contains("rfm_scores"), "{listed}");
}
