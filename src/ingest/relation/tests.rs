//! What mappings of relations become, and which are refused.

use super::{RelationSource, files};
use crate::ingest::mapping::Mapping;

const SHOP: &str = r#"
    description = "the shop's own table"
    [relation]
    name = "shop.\"Orders {{ x }}\""
    nulls = ["", "N/A"]
    decimal = ","
    [defaults]
    currency = "EUR"
    timezone = "Europe/Berlin"
    [columns]
    order_id = "Order \" -- {% raw %}"
    customer_id = { column = "Customer", strip_suffix = ".0" }
    ordered_at = { column = "Date", format = ["%d.%m.%Y", "iso"] }
    quantity = { constant = 1 }
    unit_price = { expression = "list * (1 - rebate / 100)" }
    channel = { column = "shop", values = { W = "it's web" } }
"#;

fn mapping(name: &str, text: &str) -> crate::error::Result<Mapping> {
    Mapping::parse(&format!("config/sources/{name}.toml"), name, text)
}

#[test]
fn a_mapping_becomes_models_whose_names_and_texts_are_quoted() {
    let source = RelationSource::of("shop", mapping("shop", SHOP).expect("right")).expect("a relation");
    let files = files(&[source]);
    let told: Vec<String> = files.iter().map(|(path, text)| format!("==> {path}\n{text}")).collect();
    insta::assert_snapshot!(told.join("\n"));
}

#[test]
fn without_relations_the_project_has_no_file_more() {
    assert!(files(&[]).is_empty());
    let of_files = SHOP.replace("[relation]\n    name = \"shop.\\\"Orders {{ x }}\\\"\"", "[file]");
    assert!(RelationSource::of("shop", mapping("shop", &of_files).expect("right")).is_none());
}

#[test]
fn what_cannot_be_said_in_sql_is_refused_with_file_key_and_next_step() {
    let wrong = r#"
        [file]
        [relation]
        name = "a.b.c"
        delimiter = ";"
        [defaults]
        currency = "EUR"
        [columns]
        order_id = { join = ["a"], row_number = true }
        ordered_at = { column = "d", format = ["%A %d %B %Y", "iso"] }
        quantity = "q"
        unit_price = "p"
        [[lookup]]
        file = "headers.csv"
        on = "Order"
        columns = ["Day"]
        [lent_customer]
        file = "a.csv"
        column = "c"
    "#;
    insta::assert_snapshot!(mapping("My-Shop", wrong).expect_err("refused").report());
}
