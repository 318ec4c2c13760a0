//! Files under `target/` that other tools read: written whole, so that a reader never meets half of one.

use super::project::DbtLayout;
use super::report::{NodeResult, Status, is_good};
use super::run::Report;
use crate::error::{Error, Result};
use crate::project::artifact::Invocation;
use crate::project::artifact::manifest::{Artifact, Outcomes, Setting};
use crate::project::artifact::run_results::{self, Span, Timing};
use crate::project::manifest::{Compiled, Node, Outcome, Resource};
use chrono::Utc;
use serde::Serialize;
use serde_json::{Map, Value as Json, json};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

/// What every artifact says about this invocation.
pub fn invocation(project: &DbtLayout) -> Invocation {
    let env = project.world.env.iter().filter_map(|(name, value)| {
        name.strip_prefix("DBT_ENV_CUSTOM_ENV_").map(|name| (name.to_owned(), value.clone()))
    });
    Invocation {
        id: project.world.invocation_id.clone(),
        started_at: project.world.started_at,
        generated_at: project.world.clock.now(),
        env: env.collect(),
    }
}

/// Writes `manifest.json`, with the compiled SQL of these nodes.
pub fn write_manifest(project: &DbtLayout, outcomes: &Outcomes) -> Result<PathBuf> {
    let setting = Setting { quoting: quoting(project), root_paths: project.roots.clone() };
    let invocation = invocation(project);
    let artifact = Artifact::new(&project.manifest, outcomes, &setting, &invocation);
    write(&project.target_dir.join("manifest.json"), &artifact)
}

/// Writes what a run leaves: `manifest.json`, `run_results.json`, the SQL under `compiled/`.
pub fn write_artifacts(project: &DbtLayout, report: &Report, args: &[String]) -> Result<()> {
    let mut outcomes = Outcomes::new();
    for result in &report.results {
        let compiled = result.compiled.as_ref().filter(|_| result.batches.is_none());
        let (Some(node), Some(code)) = (project.manifest.nodes.get(&result.id), compiled) else { continue };
        let path = compiled_path(node);
        if node.resource != Resource::Operation {
            write_text(&project.target_dir.join(&path), code)?;
        }
        let statement = Compiled { code: code.clone(), ctes: result.ctes.clone() };
        for (id, part) in statement.parts(&project.manifest) {
            outcomes.entry(id).or_insert_with(|| outcome(part, None));
        }
        let shown = format!("{}/{}", project.project.paths.target, path.display());
        outcomes.insert(result.id.clone(), outcome(statement, Some(shown)));
    }
    write_manifest(project, &outcomes)?;
    let results: Vec<run_results::NodeResult> =
        report.results.iter().map(|result| converted(project, result)).collect();
    let mut arguments = Map::new();
    arguments.insert("which".into(), json!(project.world.flags.which));
    arguments.insert("invocation_command".into(), json!(format!("quintile {}", args.join(" "))));
    let json = run_results::run_results(&results, report.elapsed.as_secs_f64(), &arguments, &invocation(project));
    write(&project.target_dir.join("run_results.json"), &json)?;
    Ok(())
}

fn outcome(compiled: Compiled, compiled_path: Option<String>) -> Outcome {
    let Compiled { code, ctes } = compiled;
    Outcome { compiled_code: Some(code), extra_ctes: ctes, compiled_path, build_path: None }
}

/// `compiled/shop/models/staging/stg_orders.sql`
pub fn compiled_path(node: &Node) -> PathBuf {
    let is_generic =
        node.test.as_ref().is_some_and(|test| !test.name.is_empty()) || node.resource == Resource::UnitTest;
    let below = Path::new("compiled").join(&node.package).join(&node.file);
    if is_generic { below.join(&node.path) } else { below }
}

fn converted(project: &DbtLayout, result: &NodeResult) -> run_results::NodeResult {
    let span = |times: Option<(chrono::DateTime<Utc>, chrono::DateTime<Utc>)>| {
        times.map(|(started_at, completed_at)| Span { started_at, completed_at })
    };
    let node = project.manifest.nodes.get(&result.id);
    // The batches of a model are compiled one by one: there is no statement of the whole.
    let compiled = result.compiled.as_ref().filter(|_| result.batches.is_none());
    run_results::NodeResult {
        unique_id: result.id.clone(),
        status: result.status,
        timing: Timing { compile: span(result.compiled_at), execute: span(result.executed_at) },
        thread_id: format!("Thread-{} (worker)", result.worker.max(1)),
        execution_time_seconds: result.elapsed.as_secs_f64(),
        adapter_response: result.tag.as_deref().map(run_results::adapter_response).unwrap_or_default(),
        message: message(result, node),
        // Rows that a test finds are failures only if its conditions say so.
        failures: result
            .failures
            .map(|rows| if result.status == Status::Pass { 0 } else { rows })
            .or_else(|| counts_failures(result, node).then_some(0)),
        compiled: node.filter(|node| node.resource != Resource::Seed).map(|_| compiled.is_some()),
        compiled_code: compiled.cloned(),
        relation_name: result.relation.clone().filter(|_| node.is_none_or(|node| node.resource != Resource::Seed)),
        batch_results: result.batches.clone(),
    }
}

/// One line: the words of dbt, which other tools know, for all that ended well.
fn message(result: &NodeResult, node: Option<&Node>) -> Option<String> {
    if is_good(result.status) {
        if let Some(hook) = node.filter(|node| node.resource == Resource::Operation) {
            let list = hook.tags().into_iter().next().unwrap_or_default().to_owned();
            let index = hook.extra.get("index").cloned().unwrap_or_default();
            return Some(format!("{}.{list}.{index} passed", hook.package));
        }
        if result.batches.is_some() {
            return Some("SUCCESS".to_owned());
        }
        if let Some(tag) = result.tag.as_ref().filter(|_| result.failures.is_none()) {
            return Some(tag.clone());
        }
    }
    (!result.message.is_empty()).then(|| result.message.clone())
}

/// What has no rows that could fail says so with a nought: hooks, exposures, models in batches.
fn counts_failures(result: &NodeResult, node: Option<&Node>) -> bool {
    let is_hook = node.is_some_and(|node| node.resource == Resource::Operation);
    is_good(result.status) && (is_hook || node.is_none() || result.batches.is_some())
}

/// Writes JSON beside the file, then renames.
pub fn write(path: &Path, json: &impl Serialize) -> Result<PathBuf> {
    write_with(path, |file| serde_json::to_writer(file, json).map_err(Into::into))?;
    Ok(path.to_path_buf())
}

/// Writes a text, unless it is there already: most of thousands of files are as the run before left them, and to make
/// and rename a file costs a file system far more than to read one.
fn write_text(path: &Path, text: &str) -> Result<()> {
    if std::fs::read(path).is_ok_and(|there| there == text.as_bytes()) {
        return Ok(());
    }
    write_with(path, |file| file.write_all(text.as_bytes()))
}

fn write_with(path: &Path, fill: impl FnOnce(&mut BufWriter<std::fs::File>) -> std::io::Result<()>) -> Result<()> {
    let failed = |e: std::io::Error| {
        Error::failed(format!("file \"{}\" cannot be written", path.display()))
            .source(e)
            .hint("let --target-path name a folder that this user may write to")
    };
    let beside = path.with_extension(format!("part{}", std::process::id()));
    let mut created = std::fs::File::create(&beside);
    if let (Err(e), Some(folder)) = (&created, path.parent())
        && e.kind() == std::io::ErrorKind::NotFound
    {
        std::fs::create_dir_all(folder).map_err(failed)?;
        created = std::fs::File::create(&beside);
    }
    let mut file = BufWriter::new(created.map_err(failed)?);
    fill(&mut file).and_then(|()| file.flush()).map_err(failed)?;
    std::fs::rename(&beside, path).map_err(failed)
}

/// `quoting:` of the project as written.
fn quoting(project: &DbtLayout) -> Map<String, Json> {
    let quoting = &project.project.quoting;
    let parts = [("database", quoting.database), ("schema", quoting.schema), ("identifier", quoting.identifier)];
    parts.into_iter().filter_map(|(part, value)| Some((part.to_owned(), json!(value?)))).collect()
}
