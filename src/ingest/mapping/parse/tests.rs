//! Mappings that are right are read whole, and of others every problem is told.

use super::*;
use crate::ingest::instant::InstantFormat;
use crate::ingest::mapping::{FileFormat, Recipe};
use crate::ingest::number::NumberFormat;
use chrono_tz::Tz;
use rust_decimal::Decimal;

const GOOD: &str = r#"
    description = "a shop"
    [file]
    delimiter = ";"
    nulls = ["", "N/A"]
    [defaults]
    currency = "EUR"
    timezone = "Europe/Berlin"
    [columns]
    order_id = { join = ["customer", "date"], row_number = true }
    customer_id = { column = "customer", strip_suffix = ".0" }
    ordered_at = { column = "date", format = "%d.%m.%Y" }
    quantity = { constant = "1" }
    unit_price = "total"
    discount = { column = "percent", scale = 0.01 }
"#;

fn report(text: &str) -> String {
    parse("config/sources/shop.toml", "shop", text).unwrap_err().report()
}

#[test]
fn a_right_mapping_is_read_whole() {
    let mapping = parse("shop.toml", "shop", GOOD).unwrap();
    assert_eq!((mapping.file.delimiter, mapping.file.has_header), (b';', true));
    assert_eq!(mapping.timezone, Tz::Europe__Berlin);
    assert_eq!(mapping.recipe("quantity"), Some(&Recipe::ConstantNumber(Decimal::ONE)));
    let (format, nulls) = (NumberFormat::default(), Vec::new());
    let discount = Recipe::Number { column: "percent".into(), scale: Some(Decimal::new(1, 2)), format, nulls };
    assert_eq!(mapping.recipe("discount"), Some(&discount));
    assert_eq!(mapping.file_columns(), ["customer", "date", "total", "percent"]);
}

#[test]
fn every_problem_is_told_at_once() {
    insta::assert_snapshot!(report(
        r#"
        colour = "red"
        [file]
        format = "xml"
        delimiter = ",,"
        header = "yes"
        encoding = "latin-1"
        nulls = "N/A"
        [defaults]
        currency = "pounds"
        timezone = "London"
        [columns]
        customer_id = { column = "a", constant = "b" }
        ordered_at = "date"
        quantity = { column = "q", scale = "much", format = "%d" }
        unit_price = { constant = "free" }
        channel = 3
        shop = "Shop"
        [synthetic_customer]
        modulo = -1
        "#
    ));
}

#[test]
fn what_is_missing_is_told() {
    insta::assert_snapshot!(report("description = \"nothing\""));
}

#[test]
fn a_format_that_strftime_does_not_know_is_told() {
    let report = report(&GOOD.replace("%d.%m.%Y", "%d.%Q"));
    assert!(report.contains("columns.ordered_at.format: \"%d.%Q\" is not a strftime format, nor iso"), "{report}");
}

#[test]
fn broken_toml_is_told_with_its_place() {
    insta::assert_snapshot!(report("[file]\nformat = csv\n"));
}

/// What the columns and the file may say beyond the first example.
const RICH: &str = r#"
    [file]
    delimiter = "\t"
    encoding = "windows-1252"
    decimal = ","
    thousands = "."
    currency_signs = ["€", "EUR"]
    [defaults]
    currency = "EUR"
    earliest = "2000-01-01"
    latest = "2030-12-31"
    [columns]
    order_id = "id"
    line = "position"
    customer_id = "customer"
    ordered_at = { column = "at", format = ["%d.%m.%Y", "iso", "epoch_seconds"], nulls = ["-"] }
    quantity = "units"
    unit_price = { expression = "list * (1 - \"rebate %\" / 100)", thousands = " " }
    channel = { column = "shop", values = { "W" = "web", "S" = "store" } }
"#;

#[test]
fn numbers_dates_and_words_are_read_as_the_mapping_says() {
    let mapping = parse("shop.toml", "shop", RICH).unwrap();
    let euro = NumberFormat { decimal: ',', thousands: Some('.'), currency_signs: vec!["€".into(), "EUR".into()] };
    assert_eq!((mapping.file.encoding, &mapping.file.numbers), (encoding_rs::WINDOWS_1252, &euro));
    let Some(Recipe::Expression { expression, format }) = mapping.recipe("unit_price") else { panic!("no expression") };
    assert_eq!(expression.columns(), ["list", "rebate %"]);
    assert_eq!(*format, NumberFormat { thousands: Some(' '), ..euro });
    let Some(Recipe::Instant { formats, nulls, .. }) = mapping.recipe("ordered_at") else { panic!("no instant") };
    assert_eq!(formats[1..], [InstantFormat::Iso, InstantFormat::EpochSeconds]);
    assert_eq!(nulls, &["-"]);
    let Some(Recipe::Text { values, .. }) = mapping.recipe("channel") else { panic!("no text") };
    assert_eq!(values["W"], "web");
    let window = mapping.window("2024-06-01T12:00:00Z".parse().unwrap());
    assert_eq!(window.earliest.to_rfc3339(), "2000-01-01T00:00:00+00:00");
    assert_eq!(window.latest.to_rfc3339(), "2030-12-31T23:59:59.999999999+00:00");
    assert_eq!(mapping.file_columns(), ["id", "position", "customer", "at", "units", "list", "rebate %", "shop"]);
}

#[test]
fn without_a_last_day_two_days_ahead_are_borne() {
    let mapping = parse("shop.toml", "shop", GOOD).unwrap();
    let window = mapping.window("2024-06-01T12:00:00Z".parse().unwrap());
    assert_eq!(window.latest.to_rfc3339(), "2024-06-03T12:00:00+00:00");
    assert_eq!(window.earliest.to_rfc3339(), "1970-01-01T00:00:00+00:00");
}

#[test]
fn customers_are_lent_by_a_file() {
    let lent = GOOD.replace("customer_id = { column = \"customer\", strip_suffix = \".0\" }", "")
        + "[lent_customer]\nfile = \"superstore.csv.gz\"\ncolumn = \"Customer ID\"\nencoding = \"latin-1\"";
    let mapping = parse("shop.toml", "shop", &lent).unwrap();
    assert!(mapping.has_synthetic_customers());
    let format = FileFormat { encoding: encoding_rs::WINDOWS_1252, ..FileFormat::default() };
    assert_eq!(mapping.lent_customer.unwrap().format, format);
}

#[test]
fn every_problem_of_the_richer_keys_is_told() {
    insta::assert_snapshot!(report(
        r#"
        table = "orders"
        [file]
        format = "fixed_blanks"
        delimiter = ";"
        encoding = "klingon"
        decimal = ";"
        thousands = "12"
        currency_signs = ["1"]
        [defaults]
        currency = "EUR"
        earliest = 2020
        latest = "soon"
        [columns]
        order_id = { expression = "a + b" }
        line = { join = ["a"] }
        ordered_at = { column = "d", format = ["%Y", "%Q"], values = { a = "b" } }
        quantity = { expression = "a +" }
        unit_price = { column = "p", decimal = ",", thousands = "," }
        channel = { column = "c", values = ["a"] }
        [lent_customer]
        file = 3
        [synthetic_customer]
        hash_of = ["a"]
        rule = "md5"
        modulo = 10
        "#
    ));
    insta::assert_snapshot!(report("table = \"invoices\"\n[defaults]\ncurrency = \"EUR\""));
    let customers =
        "table = \"customers\"\n[columns]\ncustomer_id = \"id\"\n[lent_customer]\nfile = \"a\"\ncolumn = \"b\"";
    insta::assert_snapshot!(report(customers));
}

#[test]
fn a_column_may_have_several_names() {
    let text = GOOD.replace("\"customer\", strip_suffix", "[\"customer\", \"Customer ID\"], strip_suffix");
    let mapping = parse("shop.toml", "shop", &text.replace("\"total\"", "[\"total\", \"Price\"]")).unwrap();
    assert_eq!(mapping.file_columns(), ["customer", "date", "total", "percent"]);
    assert_eq!(mapping.spellings("customer"), ["customer", "Customer ID"]);
    assert_eq!(mapping.spellings("date"), ["date"]);
    let wrong =
        GOOD.replace("\"total\"", "[]").replace("\"customer\", strip_suffix", "[\"customer\", 3], strip_suffix")
            + "[synthetic_customer]\nrule = \"hashtext\"\nhash_of = [\"a\", \"b\"]\nmodulo = 3\n";
    insta::assert_snapshot!(report(&wrong));
}

#[test]
fn other_files_give_columns() {
    let text = GOOD.to_owned()
        + "[[lookup]]\nfile = \"orders.csv\"\non = \"customer\"\ncolumns = [\"date\"]\ndelimiter = \";\"\n\
           [[lookup]]\nfile = \"people.csv\"\non = \"date\"\ncolumns = [\"total\", \"percent\"]\nencoding = \"latin-1\"";
    let mapping = parse("shop.toml", "shop", &text).unwrap();
    let files: Vec<_> = mapping.lookups.iter().map(|lookup| lookup.file.display().to_string()).collect();
    assert_eq!(files, ["orders.csv", "people.csv"]);
    assert_eq!((mapping.lookups[0].format.delimiter, &mapping.lookups[1].columns[1]), (b';', &"percent".to_owned()));
    let wrong = GOOD.to_owned() + "[[lookup]]\nfile = 3\ncolumns = []\nkey = \"a\"\n[[lookup]]\ncolumns = \"a\"";
    insta::assert_snapshot!(report(&wrong));
    assert!(report(&(GOOD.to_owned() + "[lookup]\nfile = \"a\"")).contains("lookup: must be written as [[lookup]]"));
}
