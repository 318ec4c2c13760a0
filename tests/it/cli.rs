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
    assert_eq!(run(&["migrate"])["version"], 4);
}
