//! Bad input through the real program: one clear error with what to do, the right exit code, nothing published.

use crate::harness::Database;
use crate::shop;
use std::path::Path;
use std::process::{Command, Output};

/// Runs the program in a project folder and returns exit code and the last error told, with what differs masked.
fn told(project: &Path, url: &str, arguments: &[&str]) -> String {
    let output = quintile(project, url, arguments);
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    let error = text.find("error: ").map_or(text.as_str(), |at| &text[at..]);
    format!("exit {}\n{}", output.status.code().unwrap_or(-1), masked(error, project))
}

fn quintile(project: &Path, url: &str, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_quintile"))
        .args(arguments)
        .arg("--project-dir")
        .arg(project)
        .env("DATABASE_URL", url)
        .env("NO_COLOR", "1")
        .output()
        .expect("the program runs")
}

fn masked(text: &str, project: &Path) -> String {
    text.replace(&project.display().to_string(), "PROJECT").trim_end().to_owned()
}

struct Broken {
    db: Database,
    folder: tempfile::TempDir,
}

impl Broken {
    /// A copy of the project on a database with orders and one published run.
    async fn new() -> Broken {
        let db = Database::new().await;
        let folder = tempfile::tempdir().expect("a folder");
        shop::copy_project(folder.path());
        Broken { db, folder }
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.folder.path().join(path);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        std::fs::write(path, text).expect("written");
    }

    fn told(&self, arguments: &[&str]) -> String {
        told(self.folder.path(), self.db.url(), arguments)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_mapping_tells_all_that_is_wrong() {
    let broken = Broken::new().await;
    broken.write("config/sources/shop.toml", "[columns]\norder_id = 7\nprice = \"Price\"\n");
    broken.write("orders.csv", "a,b\n1,2\n");
    let file = broken.folder.path().join("orders.csv").display().to_string();
    insta::assert_snapshot!(broken.told(&["ingest", &file, "--source", "shop"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_source_lists_the_mappings() {
    let broken = Broken::new().await;
    broken.write("orders.csv", "a,b\n1,2\n");
    let file = broken.folder.path().join("orders.csv").display().to_string();
    insta::assert_snapshot!(broken.told(&["ingest", &file, "--source", "online_retial"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_file_is_named() {
    let broken = Broken::new().await;
    let file = broken.folder.path().join("none.csv").display().to_string();
    insta::assert_snapshot!(broken.told(&["ingest", &file, "--source", "online_retail"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_column_lists_those_of_the_file() {
    let broken = Broken::new().await;
    broken.write(
        "orders.csv",
        "InvoiceNo,StockCode,Description,Quantity,InvoiceDat,UnitPrice,CustomerID,Country\n1,2,3,4,5,6,7,8\n",
    );
    let file = broken.folder.path().join("orders.csv").display().to_string();
    insta::assert_snapshot!(broken.told(&["ingest", &file, "--source", "online_retail"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_ref_is_pointed_at() {
    let broken = Broken::new().await;
    broken.write("models/marts/mine.sql", "SELECT customer_id\nFROM {{ ref('rfm_score') }}\n");
    insta::assert_snapshot!(broken.told(&["build"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn no_orders_says_how_to_load_some() {
    let broken = Broken::new().await;
    insta::assert_snapshot!(broken.told(&["build"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_selector_names_the_nearest() {
    let broken = Broken::new().await;
    insta::assert_snapshot!(broken.told(&["build", "--select", "rfm_score"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_database_ends_with_three() {
    let told = told(&shop::project_folder(), "postgres://nobody@127.0.0.1:1/none", &["build"]);
    insta::assert_snapshot!(told);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_url_is_a_matter_of_configuration() {
    insta::assert_snapshot!(told(&shop::project_folder(), "postgres://u:secret@host:port/x", &["runs"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_right_names_the_object() {
    let broken = Broken::new().await;
    let warehouse = broken.db.warehouse().await;
    shop::fill_orders(&warehouse, 120).await;
    let role = format!("weak_{}", std::process::id());
    for sql in [
        format!("CREATE ROLE {role} LOGIN PASSWORD 'weak'"),
        format!("GRANT USAGE ON SCHEMA quintile, raw TO {role}"),
        format!("GRANT SELECT, INSERT, UPDATE ON ALL TABLES IN SCHEMA quintile, raw TO {role}"),
    ] {
        shop::execute(&warehouse, &sql).await;
    }
    let place = broken.db.url().rsplit_once('@').expect("a URL with a password").1;
    let answer = told(broken.folder.path(), &format!("postgres://{role}:weak@{place}"), &["build", "--threads", "1"]);
    shop::execute(&warehouse, &format!("DROP OWNED BY {role}")).await;
    shop::execute(&warehouse, &format!("DROP ROLE {role}")).await;
    let first = answer.lines().take(4).collect::<Vec<_>>().join("\n");
    insta::assert_snapshot!(first.replace(&role, "ROLE"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_port_in_use_is_named() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("an address").to_string();
    let port = address.rsplit_once(':').expect("a port").1.to_owned();
    let answer = told(&shop::project_folder(), "postgres://nobody@127.0.0.1:1/none", &["serve", "--listen", &address]);
    insta::assert_snapshot!(answer.replace(&port, "PORT"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_demo_does_not_mix_with_other_orders() {
    let broken = Broken::new().await;
    let warehouse = broken.db.warehouse().await;
    shop::execute(
        &warehouse,
        "INSERT INTO raw.loads (source, file_name, checksum, mapping_checksum, rows_read, rows_loaded, rows_rejected)
         VALUES ('my_shop', 'orders.csv', '', '', 1, 1, 0)",
    )
    .await;
    insta::assert_snapshot!(broken.told(&["demo", "--once"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_without_a_project_gets_no_server() {
    let folder = tempfile::tempdir().expect("a folder");
    let output = Command::new(env!("CARGO_BIN_EXE_quintile"))
        .args(["runs", "--project-dir"])
        .arg(folder.path())
        .env_remove("DATABASE_URL")
        .output()
        .expect("the program runs");
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("is no project: it has no models/"));
    assert_eq!(std::fs::read_dir(folder.path()).expect("a folder").count(), 0, "nothing was made");
}
