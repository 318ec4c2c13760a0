//! The command line as people read it: every help text, and results for programs.

use crate::harness::Database;
use crate::shop;
use std::process::Command;

#[test]
fn every_help_text_is_as_reviewed() {
    let mut command = quintile::cli::command().term_width(100);
    command.build();
    let mut text = command.render_long_help().to_string();
    for sub in command.get_subcommands_mut() {
        if sub.get_name() != "help" {
            let name = sub.get_name().to_owned();
            text.push_str(&format!("\n======== {name}\n{}", sub.render_help()));
        }
    }
    let trimmed: Vec<&str> = text.lines().map(str::trim_end).collect();
    insta::assert_snapshot!(trimmed.join("\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn results_are_json_on_standard_output_and_nothing_else_is() {
    let db = Database::new().await;
    let warehouse = db.warehouse().await;
    shop::fill_orders(&warehouse, 150).await;
    let run = |arguments: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_quintile"))
            .args(arguments)
            .args(["--format", "json", "--project-dir"])
            .arg(shop::project_folder())
            .env("DATABASE_URL", db.url())
            .output()
            .expect("the program runs");
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice::<serde_json::Value>(&output.stdout).unwrap_or_else(|e| panic!("{arguments:?}: {e}"))
    };
    assert_eq!(run(&["build"])["state"], "published");
    assert_eq!(run(&["runs"])[0]["is_live"], true);
    assert!(run(&["ls"]).as_array().is_some_and(|items| items.iter().any(|i| i["name"] == "persona_vips")));
    assert!(run(&["test"]).as_array().is_some_and(|tests| tests.iter().all(|t| t["state"] == "passed")));
    assert!(run(&["compile", "rfm_scores"])["rfm_scores"].as_str().is_some_and(|sql| sql.contains("width_bucket")));
    let migrations = std::fs::read_dir(shop::project_folder().join("migrations")).expect("the folder").count();
    assert_eq!(run(&["migrate"])["version"], migrations);
}

/// The dbt project of the fixtures in a folder that a test may change, and its calls.
struct Shop {
    folder: tempfile::TempDir,
    url: String,
}

impl Shop {
    fn new(db: &Database) -> Shop {
        let folder = tempfile::tempdir().expect("a folder");
        shop::copy_folder(&shop::project_folder().join("tests/fixtures/dbt/shop"), folder.path());
        Shop { folder, url: db.url().to_owned() }
    }

    fn write(&self, file: &str, text: &str) -> String {
        let path = self.folder.path().join(file);
        let before = std::fs::read_to_string(&path).unwrap_or_default();
        std::fs::write(path, text).expect("a file");
        before
    }

    /// Exit code, standard output, standard error.
    fn run(&self, arguments: &[&str]) -> (i32, String, String) {
        let output = Command::new(env!("CARGO_BIN_EXE_quintile"))
            .args(arguments)
            .arg("--project-dir")
            .arg(self.folder.path())
            .env("HOME", self.folder.path())
            .env("DATABASE_URL", &self.url)
            .args(["--database-url", &self.url])
            .output()
            .expect("the program runs");
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
        (output.status.code().expect("a code"), text(output.stdout), text(output.stderr))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn retry_goes_on_where_the_last_run_failed_without_its_files() {
    let db = Database::new().await;
    let project = Shop::new(&db);
    let broken = "select 1 / 0 as customer_id, 'x' as name from {{ ref('stg_customers') }}";
    let good = project.write("models/marts/status_counts.sql", broken);
    let (code, _, told) = project.run(&["build", "--vars", "{days: 3, api_token: hush}"]);
    assert_eq!(code, 1, "{told}");
    assert!(told.contains("status_counts (models/marts/status_counts.sql)"), "{told}");
    assert!(told.contains("quintile retry"), "{told}");
    std::fs::remove_dir_all(project.folder.path().join("target")).expect("artifacts are gone");
    let (code, _, told) = project.run(&["retry"]);
    assert_eq!(code, 2, "a hidden variable has to be given again: {told}");
    assert!(told.contains("variable \"api_token\" holds a secret"), "{told}");
    project.write("models/marts/status_counts.sql", &good);
    let (code, _, told) = project.run(&["retry", "--vars", "{days: 3, api_token: hush}"]);
    assert_eq!(code, 0, "{told}");
    assert!(told.contains("retrying 1 node of quintile build of"), "{told}");
    assert!(told.contains("public.status_counts"), "{told}");
    assert!(!told.contains("public.customers "), "only what failed runs again: {told}");
    let (code, _, told) = project.run(&["retry"]);
    assert_eq!((code, told.starts_with("nothing to retry")), (0, true), "{told}");
    let (_, listed, _) = project.run(&["runs", "--format", "json"]);
    let runs: serde_json::Value = serde_json::from_str(&listed).expect("JSON");
    assert_eq!((&runs[0]["state"], &runs[1]["state"]), (&"success".into(), &"error".into()), "{listed}");
    let client = db.client().await;
    let kept = client.query_one("SELECT string_agg(arguments::text, '') FROM quintile.invocations", &[]).await;
    assert!(!kept.expect("a row").get::<_, String>(0).contains("hush"), "secrets are not written down");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dbt_project_is_listed_compiled_and_built_empty() {
    let db = Database::new().await;
    let project = Shop::new(&db);
    let (code, listed, told) = project.run(&["ls"]);
    assert_eq!(code, 0, "{told}");
    insta::assert_snapshot!("ls_of_a_dbt_project", listed);
    let (_, keys, _) = project.run(&[
        "ls",
        "--output",
        "json",
        "--output-keys",
        "name config.materialized",
        "-s",
        "stg_orders",
        "--resource-type",
        "model",
    ]);
    assert_eq!(keys.trim(), r#"{"name":"stg_orders","config.materialized":"view"}"#);
    // The models name what they read themselves, so that a name of ours besides would be an error.
    let (code, _, told) = project.run(&["build", "--empty", "--no-partial-parse", "--printer-width", "80"]);
    assert_eq!(code, 0, "{told}");
    let client = db.client().await;
    let rows = client.query_one("SELECT count(*) FROM public.customers", &[]).await.expect("the table");
    assert_eq!(rows.get::<_, i64>(0), 0);
    let (code, sql, told) = project.run(&["compile", "-s", "stg_orders"]);
    assert_eq!((code, sql.trim_start().starts_with("with")), (0, true), "{told}{sql}");
    let (_, _, lines) = project.run(&["build", "-s", "stg_orders", "--log-format", "json"]);
    for line in lines.lines() {
        let document: serde_json::Value = serde_json::from_str(line).unwrap_or_else(|e| panic!("{line}: {e}"));
        assert!(["timestamp", "level", "event", "message"].iter().all(|key| document[key].is_string()), "{line}");
    }
    assert!(lines.lines().last().is_some_and(|line| line.contains("run_finished")), "{lines}");
}
