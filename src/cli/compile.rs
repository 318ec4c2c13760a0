//! `quintile compile`: the SQL that models are rendered to, as readers' views would run it.

use super::session::{self, Session};
use super::{Format, Global, print};
use crate::error::Result;
use crate::pipeline::{self, plan};
use clap::Args;
use std::collections::{BTreeMap, BTreeSet};
use std::process::ExitCode;

/// Arguments of `compile`.
#[derive(Args, Debug)]
pub struct Arguments {
    /// Models to print, by selectors as of build, or the name of one data test; all models if absent
    #[arg(value_name = "SELECTOR")]
    select: Vec<String>,
}

/// Renders the models and prints their SQL.
pub async fn run(global: &Global, arguments: &Arguments) -> Result<ExitCode> {
    let settings = session::settings(global)?;
    let project = pipeline::read_project(&settings)?;
    let test = arguments.select.iter().find(|name| project.tests.contains_key(*name));
    let names = if test.is_some() { BTreeSet::new() } else { project.select(&arguments.select, &[])? };
    let session = Session::open_with(settings).await?;
    let as_of = session.warehouse.last_midnight().await?;
    let context = plan::published_context(&project, &session.warehouse, 0, as_of);
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
