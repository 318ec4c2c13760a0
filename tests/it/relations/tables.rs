//! Customers and members of campaigns, and customers that are made up: not only orders may stand in a relation.

use super::project_of;
use crate::harness::Database;
use crate::shop;
use quintile::ingest::{IngestRequest, ingest};

const CUSTOMERS: &str = r#"
table = "customers"
PLACE
[columns]
customer_id = "id"
birth_date = { column = "born", format = ["%d.%m.%Y", "iso"] }
gender = { column = "sex", values = { W = "female" } }
signed_up_at = "since"
has_consent = { column = "consent", values = { ja = "yes", nein = "no" } }
"#;
const MEMBERS: &str = r#"
table = "campaign_members"
PLACE
[columns]
campaign_id = { join = ["id", "sex"] }
customer_id = "id"
arm = "consent"
"#;
/// Id, day of birth, sex, since when, consent.
const ROWS: [[&str; 5]; 12] = [
    ["1", "24.12.1980", "W", "2024-01-01", "ja"],
    ["2", "1980-12-24", "M", "", "NEIN"],
    ["3", "31.02.1980", "M", "2024-01-01", "yes"],
    ["4", "1899-12-31", "M", "2024-01-01", "yes"],
    ["5", "", "", "1969-01-01", "1"],
    ["6", "", "", "2024-01-01 10:00+01:00", "perhaps"],
    ["", "", "", "", ""],
    ["7", "", "", "", "treated"],
    ["8", "", "X", "", "control"],
    ["9", "", "X", "", "nein"],
    ["9", "", "Y", "", "nein"],
    ["1", "24.12.1980", "W", "2024-01-01", "ja"],
];
const ALL: &str = "{{ config(materialized='table') }}
SELECT customer_id, concat_ws(' ', birth_date, gender, signed_up_at AT TIME ZONE 'UTC', has_consent) AS told FROM {{ raw_rows('customers') }}
UNION ALL
SELECT customer_id, concat_ws(' ', campaign_id, arm) AS told FROM {{ raw_rows('campaign_members') }}";

#[tokio::test(flavor = "multi_thread")]
async fn customers_and_members_are_read_as_from_files() {
    let (of_files, of_tables) = (Database::new().await, Database::new().await);
    let mut found = Vec::new();
    for (db, is_table) in [(&of_files, false), (&of_tables, true)] {
        let warehouse = db.warehouse().await;
        // The project reads orders, and without any there is no day to run for.
        shop::fill_orders(&warehouse, 3).await;
        let (folder, settings) = project_of(db);
        std::fs::write(folder.path().join("models/everybody.sql"), ALL).expect("written");
        let lines: Vec<String> = ROWS.iter().map(|row| row.join(",")).collect();
        let values: Vec<String> = ROWS.iter().map(|row| format!("('{}')", row.join("', '"))).collect();
        let sql = format!(
            "CREATE TABLE public.people (id text, born text, sex text, since text, consent text); INSERT INTO public.people VALUES {}",
            values.join(", ")
        );
        shop::execute(&warehouse, &sql).await;
        for (source, mapping) in [("people", CUSTOMERS), ("members", MEMBERS)] {
            let place = if is_table { "[relation]\nname = \"people\"" } else { "[file]" };
            let path = folder.path().join(format!("config/sources/{source}.toml"));
            std::fs::write(path, mapping.replace("PLACE", place)).expect("written");
            if !is_table {
                let file = folder.path().join("people.csv");
                std::fs::write(&file, format!("id,born,sex,since,consent\n{}\n", lines.join("\n"))).expect("written");
                let mapping_dir = folder.path().join("config/sources");
                let request = IngestRequest { file, source: source.into(), mapping_dir, ..IngestRequest::default() };
                ingest(&warehouse, &request, &mut |_| {}).await.unwrap_or_else(|e| panic!("{}", e.report()));
            }
        }
        let run = shop::build(&warehouse, &settings, &["+everybody"]).await;
        assert_eq!((run.state.as_str(), &run.failed), ("published", &Vec::new()));
        let all = "SELECT string_agg(concat_ws('|', customer_id, told), E'\\n' ORDER BY customer_id, told) FROM marts.everybody";
        found.push(shop::value(&warehouse, all).await);
    }
    assert_eq!(found[0], found[1]);
    insta::assert_snapshot!(found[1]);
}

const SALES: &str = "[relation]\nname = \"sales\"\n[defaults]\ncurrency = \"EUR\"\n[columns]\norder_id = \"id\"\nordered_at = \"at\"\nquantity = { constant = 1 }\nunit_price = \"price\"\n[synthetic_customer]\nhash_of = [\"id\"]\nmodulo = 20\n";

#[tokio::test(flavor = "multi_thread")]
async fn made_up_customers_say_so_and_stay_the_same() {
    let db = Database::new().await;
    let warehouse = db.warehouse().await;
    let (folder, settings) = project_of(&db);
    std::fs::write(folder.path().join("config/sources/sales.toml"), SALES).expect("written");
    let sql = "CREATE TABLE public.sales AS SELECT i AS id, date '2024-01-01' + i AS at, 5 AS price FROM generate_series(1, 200) AS i";
    shop::execute(&warehouse, sql).await;
    let told = "SELECT count(*) || ' ' || min(customer_id) || ' ' || max(customer_id) || ' ' || bool_and(id_is_synthetic) || ' ' || \
                md5(string_agg(customer_id || order_count, ',' ORDER BY customer_id)) FROM marts.customers";
    let mut seen = Vec::new();
    for _ in 0..2 {
        let run = shop::build(&warehouse, &settings, &["+customers"]).await;
        assert_eq!((run.state.as_str(), &run.failed), ("published", &Vec::new()));
        seen.push(shop::value(&warehouse, told).await);
    }
    assert!(seen[0].starts_with("20 synthetic-00 synthetic-19 true "), "{}", seen[0]);
    assert_eq!(seen[0], seen[1]);
}
