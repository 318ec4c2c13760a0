//! `quintile show`: the first rows of a model, or of a query that may use `ref()`.

use super::engine::{self, Engine, RunOptions};
use super::selection::{ResultFormat, Selection};
use super::{Format, Global, print};
use crate::error::{Error, Result};
use crate::pipeline::in_place;
use clap::Args;
use std::process::ExitCode;

/// Arguments of `show`.
#[derive(Args, Debug)]
pub struct Arguments {
    #[command(flatten)]
    selection: Selection,
    /// A query to show the rows of, instead of a node
    #[arg(long, value_name = "SQL", conflicts_with = "select")]
    inline: Option<String>,
    /// Rows to show; -1 for all
    #[arg(long, value_name = "N", default_value_t = 5, allow_negative_numbers = true)]
    limit: i64,
    /// How the rows are printed
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t)]
    output: ResultFormat,
    #[command(flatten)]
    run: RunOptions,
}

/// Shows the rows.
pub async fn run(global: &Global, arguments: &Arguments) -> Result<ExitCode> {
    engine::only_dbt(global, "show")?;
    let engine = Engine::open(global, "show", &arguments.run).await?;
    let shown = shown(global, &engine, arguments).await;
    engine.session.close().await;
    print_rows(&shown?, global.format == Format::Json || arguments.output == ResultFormat::Json);
    Ok(ExitCode::SUCCESS)
}

/// Rows of a node, under its name.
type Named = (String, crate::project::Answer);

/// Prints what was found, a table or a JSON document a node.
pub fn print_rows(shown: &[Named], as_json: bool) {
    for (name, answer) in shown {
        if as_json {
            print::json(&in_place::answer_json(name, answer));
            continue;
        }
        let head: Vec<&str> = answer.columns.iter().map(String::as_str).collect();
        let lines: Vec<Vec<String>> = answer.rows.iter().map(|row| row.iter().map(in_place::shown).collect()).collect();
        print::note(&format!("{name}:"));
        print::data(&print::table(&head, &lines));
    }
}

async fn shown(global: &Global, engine: &Engine, arguments: &Arguments) -> Result<Vec<Named>> {
    let (warehouse, project) = (&engine.session.warehouse, &engine.project);
    if let Some(sql) = &arguments.inline {
        return Ok(vec![("inline".into(), in_place::show_inline(warehouse, project, sql, arguments.limit).await?)]);
    }
    if arguments.selection.select.is_empty() && arguments.selection.selector.is_none() {
        return Err(Error::usage("nothing is selected").hint("quintile show --select MODEL, or --inline 'select ...'"));
    }
    rows(global, engine, "show", &arguments.selection, arguments.limit).await
}

/// First rows of the selected nodes, of the kinds that the command works on.
pub async fn rows(
    global: &Global,
    engine: &Engine,
    which: &str,
    selection: &Selection,
    limit: i64,
) -> Result<Vec<Named>> {
    let (warehouse, project) = (&engine.session.warehouse, &engine.project);
    let mut ids = engine::chosen(global, project, which, selection)?;
    // Data tests come along with what they test; who names a node wants to see that one.
    let named = |id: &String| selection.select.contains(&in_place::name_of(project, id));
    if ids.iter().any(named) {
        ids.retain(named);
    }
    let mut shown = Vec::new();
    for id in ids {
        shown.push((in_place::name_of(project, &id), in_place::show_node(warehouse, project, &id, limit).await?));
    }
    Ok(shown)
}
