//! `quintile compile`: the SQL that models are rendered to, as readers' views would run it.

use super::engine::{self, Engine, RunOptions};
use super::selection::{ResultFormat, Selection};
use super::session::{self, Session};
use super::{Format, Global, print};
use crate::error::Result;
use crate::pipeline::{self, in_place};
use clap::Args;
use std::collections::{BTreeMap, BTreeSet};
use std::process::ExitCode;

/// Arguments of `compile`.
#[derive(Args, Debug)]
pub struct Arguments {
    /// Models to print, by selectors as of build, or the name of one data test; all models if absent
    #[arg(value_name = "SELECTOR")]
    names: Vec<String>,
    #[command(flatten)]
    selection: Selection,
    /// Of a dbt project: a query to render instead of a node
    #[arg(long, value_name = "SQL", conflicts_with = "select")]
    inline: Option<String>,
    /// Of a dbt project: how a single node is printed
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t)]
    output: ResultFormat,
    #[command(flatten)]
    run: RunOptions,
}

/// Renders the models and prints their SQL.
pub async fn run(global: &Global, arguments: &Arguments) -> Result<ExitCode> {
    if engine::is_dbt_project(global) {
        return of_dbt_project(global, arguments).await;
    }
    let settings = session::settings(global)?;
    let select: Vec<String> = arguments.names.iter().chain(&arguments.selection.select).cloned().collect();
    let project = pipeline::read_project(&settings)?;
    let test = select.iter().find(|name| project.tests.contains_key(*name));
    let names = if test.is_some() { BTreeSet::new() } else { project.select(&select, &arguments.selection.exclude)? };
    let session = Session::open_with(settings).await?;
    let as_of = session.warehouse.last_midnight().await?;
    let context = pipeline::compile_context(&project, &session.warehouse, as_of).await?;
    session.close().await;
    let mut compiled = BTreeMap::new();
    if let Some(name) = test {
        let sql = project.compile_test(name, &context)?;
        if global.format == Format::Text {
            print::data(&format!("-- {name}: every row of this breaks the rule\n{}\n", sql.trim()));
        }
        compiled.insert(name.clone(), sql);
    }
    for name in project.order(&names) {
        if project.models.contains_key(&name) {
            let sql = project.compile(&name, &context)?;
            if global.format == Format::Text {
                print::data(&format!("-- {name}\n{}\n", sql.trim()));
            }
            compiled.insert(name, sql);
        }
    }
    if global.format == Format::Json {
        print::json(&compiled);
    }
    Ok(ExitCode::SUCCESS)
}

/// Writes the SQL of the nodes below `target/compiled`, and prints it where there is but one.
async fn of_dbt_project(global: &Global, arguments: &Arguments) -> Result<ExitCode> {
    let engine = Engine::open(global, "compile", &arguments.run).await?;
    let compiled = compiled(global, &engine, arguments).await;
    engine.session.close().await;
    let (name, sql) = match compiled? {
        Compiled::One { name, sql } => (name, sql),
        Compiled::Many(count) => {
            let folder = engine.project.target_dir.join("compiled");
            if !global.project.quiet {
                print::note(&format!("{} written below {}", print::count(count, "node"), folder.display()));
            }
            return Ok(ExitCode::SUCCESS);
        }
    };
    if global.format == Format::Json || arguments.output == ResultFormat::Json {
        print::json(&serde_json::json!({"node": name, "compiled": sql}));
    } else {
        print::data(sql.trim());
    }
    Ok(ExitCode::SUCCESS)
}

/// What was compiled.
enum Compiled {
    /// One text, for people to read.
    One { name: String, sql: String },
    /// This many files.
    Many(usize),
}

async fn compiled(global: &Global, engine: &Engine, arguments: &Arguments) -> Result<Compiled> {
    let (warehouse, project) = (&engine.session.warehouse, &engine.project);
    if let Some(sql) = &arguments.inline {
        let sql = in_place::compile_inline(warehouse, project, sql).await?;
        return Ok(Compiled::One { name: "inline_query".into(), sql });
    }
    let mut selection = arguments.selection.clone();
    selection.select.extend(arguments.names.iter().cloned());
    let ids = engine::chosen(global, project, "compile", &selection)?;
    let texts = in_place::compile(warehouse, project, &ids).await?;
    let named: Vec<_> = texts.iter().filter(|(id, _)| !id.starts_with("test.")).collect();
    match (selection.select.is_empty(), named.as_slice(), texts.len()) {
        (false, [(id, sql)], _) => Ok(Compiled::One { name: in_place::name_of(project, id), sql: (*sql).clone() }),
        _ => Ok(Compiled::Many(texts.len())),
    }
}
