//! The contract with readers: every published relation and column, as a golden file.

use crate::harness::Database;
use crate::shop;

#[tokio::test(flavor = "multi_thread")]
async fn published_columns_are_those_agreed() {
    let db = Database::new().await;
    let warehouse = db.warehouse().await;
    shop::fill_orders(&warehouse, 150).await;
    let report = shop::build(&warehouse, &db.settings(), &[]).await;
    assert_eq!(report.state, "published", "{:?}", report.failed);
    let sql = "SELECT string_agg(format('%s.%s %s', table_name, column_name, data_type), E'\\n' ORDER BY table_name, ordinal_position)
        FROM information_schema.columns WHERE table_schema = 'marts'";
    insta::assert_snapshot!(shop::value(&warehouse, sql).await);
}

/// Statement files that take parameters and no identifiers must be right for the migrated tables.
#[tokio::test(flavor = "multi_thread")]
async fn every_statement_without_placeholders_can_be_prepared() {
    let db = Database::new().await;
    let client = db.client().await;
    let folder = shop::project_folder().join("src/warehouse/sql");
    let mut prepared = 0;
    for entry in std::fs::read_dir(folder).expect("the statements") {
        let path = entry.expect("a file").path();
        let text = std::fs::read_to_string(&path).expect("text");
        if text.contains('{') || text.contains("[") {
            continue;
        }
        if let Err(e) = client.prepare(&text).await {
            panic!("{}: {e:?}", path.display());
        }
        prepared += 1;
    }
    assert!(prepared > 20, "only {prepared} statements were found");
}
