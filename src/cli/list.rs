//! `quintile ls`: models, seeds and data tests of the project, without a database.

use super::engine::{self, RunOptions};
use super::listing::{self, Output};
use super::selection::Selection;
use super::{Format, Global, print, session};
use crate::error::Result;
use crate::pipeline;
use crate::project::Access;
use clap::Args;
use std::process::ExitCode;

/// Arguments of `ls`.
#[derive(Args, Debug)]
pub struct Arguments {
    #[command(flatten)]
    selection: Selection,
    /// Of a dbt project: what is told of each node
    #[arg(long, value_enum, value_name = "WHAT", default_value_t)]
    output: Output,
    /// Of a dbt project: keys that --output json shows, as name or config.materialized
    #[arg(long, value_name = "KEY", num_args = 1..)]
    output_keys: Vec<String>,
    /// List the data tests instead
    #[arg(long)]
    tests: bool,
}

#[derive(serde::Serialize)]
struct Item {
    name: String,
    kind: String,
    access: &'static str,
    path: String,
    reads: Vec<String>,
}

#[derive(serde::Serialize)]
struct TestItem {
    name: String,
    kind: String,
    model: String,
}

/// Prints the selected names in the order in which they would be built.
pub fn run(global: &Global, arguments: &Arguments) -> Result<ExitCode> {
    if engine::is_dbt_project(global) {
        return of_dbt_project(global, arguments);
    }
    let settings = session::settings(global)?;
    let project = pipeline::read_project(&settings)?;
    let names = project.select(&arguments.selection.select, &arguments.selection.exclude)?;
    if arguments.tests {
        let tests: Vec<TestItem> = project
            .tests
            .values()
            .filter(|test| names.contains(&test.model))
            .map(|test| TestItem { name: test.name.clone(), kind: test.kind.clone(), model: test.model.clone() })
            .collect();
        print::rows(global.format, &tests, &["test", "kind", "model"], |test| {
            vec![test.name.clone(), test.kind.clone(), test.model.clone()]
        });
        return Ok(ExitCode::SUCCESS);
    }
    let items: Vec<Item> = project
        .order(&names)
        .into_iter()
        .map(|name| {
            let reads = project.parents(&name);
            let word = |access| if access == Access::Public { "public" } else { "private" };
            match (project.models.get(&name), project.seeds.get(&name)) {
                (Some(model), _) => Item {
                    kind: format!("{:?}", model.materialization).to_lowercase(),
                    access: word(model.access),
                    path: model.path.clone(),
                    reads,
                    name,
                },
                (None, Some(seed)) => {
                    Item { kind: "seed".into(), access: word(seed.access), path: seed.path.clone(), reads, name }
                }
                (None, None) => Item { kind: String::new(), access: "", path: String::new(), reads, name },
            }
        })
        .collect();
    print::rows(global.format, &items, &["name", "kind", "access", "reads"], |item| {
        vec![item.name.clone(), item.kind.clone(), item.access.into(), item.reads.join(" ")]
    });
    Ok(ExitCode::SUCCESS)
}

/// Prints what `dbt ls` would.
fn of_dbt_project(global: &Global, arguments: &Arguments) -> Result<ExitCode> {
    let (_, project) = engine::read(global, "list", &RunOptions::default())?;
    let mut selection = arguments.selection.clone();
    if arguments.tests {
        selection.resource_type = vec!["test".into(), "unit_test".into()];
    }
    let mut ids = engine::chosen(global, &project, "list", &selection)?;
    ids.retain(|id| listing::is_listed(id, &selection.resource_type));
    if global.format == Format::Json {
        let items: Vec<_> = ids.iter().map(|id| listing::dictionary(&project.manifest, id, &[])).collect();
        print::json(&items);
        return Ok(ExitCode::SUCCESS);
    }
    for line in listing::lines(&project.manifest, &ids, arguments.output, &arguments.output_keys)? {
        print::data(&line);
    }
    Ok(ExitCode::SUCCESS)
}
