//! Texts of every kind, read by the reader of files and by SQL: both take and refuse the same, and read the same values.

use super::project_of;
use crate::harness::Database;
use crate::shop;
use quintile::ingest::{IngestRequest, ingest};
use std::fmt::Write;

const DATES: [&str; 62] = [
    "2023-07-01",
    "2023-7-1",
    "20230701",
    "2023071",
    "2023-02-29",
    "2024-02-29",
    "1900-02-29",
    "2000-02-29",
    "2023-13-01",
    "2023-00-10",
    "2023-04-31",
    "2023-07-01 10:00",
    "2023-07-01T10:00:30.5",
    "2023-07-01 10:00:60",
    "2023-07-01 24:00",
    "2023-07-01 10:60",
    "2023-07-01T10:00:00Z",
    "2023-07-01 10:00:00 -0400",
    "2023-07-01 10:00:00 utc",
    "2023-07-01 10",
    "2023-07-01T10:00:00+05:30",
    "2023-07-01 10:00:00.123456789",
    "2023-07-01 10:00:00,25",
    "2023-07-01x",
    " 2023-07-01 ",
    "2023-03-26 02:30",
    "2023-10-29 02:30",
    "2023-10-29 01:59:59",
    "2023-10-29 03:00",
    "2023-03-12 02:30:00",
    "2023-11-05 01:30",
    "01/02/2023",
    "13/02/2023",
    "02/13/2023",
    "31/11/2023",
    "1/2/23",
    "0001-01-01",
    "9999-12-31",
    "2101-01-01",
    "1969-12-31",
    "1970-01-01",
    "3 Jan 14 1:05 PM",
    "3 jan 14 12:00 am",
    "03 FEB 70 12:59 pm",
    "3 Foo 14 1:05 PM",
    "30 Feb 14 1:05 PM",
    "3 Jan 14 13:05 PM",
    "3 Jan 69 1:05 AM",
    "1700000000",
    "1700000000.25",
    "-1",
    "1700000000250",
    "1e9",
    "99999999999999",
    "2023-07-01 10:00:00+0500",
    "2023-07-01 10:00:00-11:30",
    "infinity",
    "yesterday",
    "NaN",
    "",
    "N/A",
    "2023-07-01 10:00:00Z",
];
const NUMBERS: [&str; 52] = [
    "1",
    "-2",
    "+3",
    "0",
    "007",
    "1.5",
    ".5",
    "5.",
    "1e3",
    "1E-2",
    "2.5e+1",
    "1,5",
    "1.234,50 €",
    "-€ 12,5",
    "€-12,5",
    "\u{2212}3 €",
    "1.234.567",
    "1234,5",
    "0,001",
    "12.50",
    "1.23",
    "1234.567",
    ".123",
    "1..234",
    "1,2,3",
    "1,234.5",
    "€ € 1",
    "- -1",
    "$ 1",
    "12,50.3",
    "nan €",
    "CHF 12'000.05",
    "12'000",
    "12'00",
    "1'2'3",
    "Fr.5",
    "5 Fr.",
    " 7 ",
    "\t8",
    "--1",
    "1-",
    "abc",
    "NaN",
    "-inf",
    "Infinity",
    "0x1F",
    "1_000",
    "e5",
    ".",
    "-",
    "999999999999999999",
    "1000000000000000000",
];
/// Formats of days, how numbers are written, zone.
const WAYS: [(&str, &str, &str); 7] = [
    ("\"iso\"", "", "Europe/Berlin"),
    (
        "[\"%d/%m/%Y\", \"%m/%d/%Y\", \"iso\"]",
        "decimal = \",\"\nthousands = \".\"\ncurrency_signs = [\"€\"]",
        "Europe/Berlin",
    ),
    ("\"%d %b %y %I:%M %p\"", "thousands = \"'\"\ncurrency_signs = [\"CHF\", \"Fr.\"]", "UTC"),
    ("\"epoch_seconds\"", "decimal = \",\"", "America/New_York"),
    ("\"epoch_milliseconds\"", "thousands = \",\"", "UTC"),
    ("[\"%Y%m%d\", \"%F %T%z\", \"%Y-%m-%d %H:%M:%S\"]", "currency_signs = [\"$\"]", "America/New_York"),
    ("\"%Y-%m-%d %H:%M:%SZ\"", "", "Asia/Kolkata"),
];

/// Order, day and number: each text once beside one that is right.
fn rows(right_date: &str) -> Vec<[String; 3]> {
    let dates = DATES.iter().enumerate().map(|(i, date)| [format!("d{i}"), (*date).to_owned(), "1".to_owned()]);
    let numbers =
        NUMBERS.iter().enumerate().map(|(i, number)| [format!("n{i}"), right_date.to_owned(), (*number).to_owned()]);
    dates.chain(numbers).collect()
}

fn mapping(place: &str, way: usize) -> String {
    let (format, numbers, zone) = WAYS[way];
    format!(
        "{place}\nnulls = [\"\", \"N/A\"]\n{numbers}\n[defaults]\ncurrency = \"EUR\"\ntimezone = \"{zone}\"\nlatest = \"2100-12-31\"\n[columns]\n\
         order_id = \"id\"\ncustomer_id = {{ constant = \"c\" }}\nordered_at = {{ column = \"at\", format = {format} }}\n\
         quantity = {{ constant = 1 }}\nunit_price = \"price\"\nunit_cost = {{ expression = \"price * 3 / 7\" }}\n"
    )
}

/// A text that each way reads as a day, so that numbers are looked at.
const RIGHT_DATES: [&str; 7] =
    ["2023-07-01", "01/02/2023", "3 Jan 14 1:05 PM", "1700000000", "1700000000250", "20230701", "2023-07-01 10:00:00Z"];
const ALL: &str = "{{ config(materialized='table') }}\nSELECT source, order_id, ordered_at, unit_price, unit_cost FROM {{ raw_rows('orders') }}";

#[tokio::test(flavor = "multi_thread")]
async fn sql_reads_what_the_reader_of_files_reads() {
    let (of_files, of_tables) = (Database::new().await, Database::new().await);
    let mut found = Vec::new();
    for (db, is_table) in [(&of_files, false), (&of_tables, true)] {
        let warehouse = db.warehouse().await;
        let (folder, settings) = project_of(db);
        std::fs::write(folder.path().join("models/all_orders.sql"), ALL).expect("written");
        for (way, right_date) in RIGHT_DATES.into_iter().enumerate() {
            let (source, rows) = (format!("way_{way}"), rows(right_date));
            let place = if is_table {
                format!("[relation]\nname = \"{source}\"")
            } else {
                "[file]\ndelimiter = \";\"".to_owned()
            };
            let path = folder.path().join(format!("config/sources/{source}.toml"));
            std::fs::write(path, mapping(&place, way)).expect("written");
            let mut text = String::from("id;at;price\n");
            let mut sql = format!("CREATE TABLE public.{source} (id text, at text, price text);\n");
            for [id, at, price] in rows {
                writeln!(text, "{id};{at};{price}").expect("written");
                let price = price.replace('\'', "''");
                writeln!(sql, "INSERT INTO public.{source} VALUES ('{id}', '{at}', '{price}');").expect("written");
            }
            if is_table {
                shop::execute(&warehouse, &sql).await;
                continue;
            }
            let file = folder.path().join(format!("{source}.csv"));
            std::fs::write(&file, text).expect("written");
            let mapping_dir = folder.path().join("config/sources");
            let request = IngestRequest { file, source, mapping_dir, ..IngestRequest::default() };
            ingest(&warehouse, &request, &mut |_| {}).await.unwrap_or_else(|e| panic!("{}", e.report()));
        }
        let run = shop::build(&warehouse, &settings, &["+all_orders"]).await;
        assert_eq!((run.state.as_str(), &run.failed), ("published", &Vec::new()));
        let all = "SELECT string_agg(concat_ws(' ', source, order_id, ordered_at AT TIME ZONE 'UTC', unit_price, round(unit_cost, 20)), E'\\n' \
                   ORDER BY source, order_id) FROM marts.all_orders";
        found.push(shop::value(&warehouse, all).await);
    }
    let lines = |text: &str| text.lines().map(str::to_owned).collect::<std::collections::BTreeSet<String>>();
    let (files, tables) = (lines(&found[0]), lines(&found[1]));
    assert!(files.len() > 150, "{}", found[0]);
    let only = |a: &std::collections::BTreeSet<String>, b: &std::collections::BTreeSet<String>| {
        a.difference(b).cloned().collect::<Vec<_>>().join("\n")
    };
    assert!(files == tables, "only as files:\n{}\nonly as tables:\n{}", only(&files, &tables), only(&tables, &files));
}
