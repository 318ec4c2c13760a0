//! How a run in place is shown: one line a node, a bar on a terminal, plain lines in a pipe, JSON lines if asked for.

use super::print;
use super::selection::LogFormat;
use crate::pipeline::in_place::{Event, NodeResult, Progress, Status, counts, is_good};
use crate::project::manifest::Manifest;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::IsTerminal;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinHandle;

/// How lines are written.
#[derive(Clone, Copy, Debug)]
pub struct Style {
    /// Text or JSON.
    pub format: LogFormat,
    /// Only what failed.
    pub is_quiet: bool,
}

/// A progress channel and the task that prints what comes through it.
pub fn printer(manifest: &Arc<Manifest>, style: Style) -> (Progress, JoinHandle<()>) {
    let (sender, mut receiver) = tokio::sync::mpsc::unbounded_channel();
    let manifest = manifest.clone();
    let task = tokio::spawn(async move {
        let bar = bar(style);
        let mut running: Vec<String> = Vec::new();
        while let Some(event) = receiver.recv().await {
            match event {
                Event::Started { id, total, .. } => {
                    bar.set_length(total as u64);
                    running.push(id);
                    bar.set_message(now(&manifest, &running));
                }
                Event::Finished { result, place, total } => {
                    running.retain(|id| *id != result.id);
                    bar.set_length(total as u64);
                    bar.inc(1);
                    bar.set_message(now(&manifest, &running));
                    match style.format {
                        LogFormat::Json => print::note(&json(&manifest, &result)),
                        LogFormat::Text if style.is_quiet && is_good(result.status) => {}
                        LogFormat::Text => bar.suspend(|| print::note(&line(&manifest, &result, place, total))),
                    }
                }
            }
        }
        bar.finish_and_clear();
    });
    (Progress::to(sender), task)
}

/// A bar where somebody looks at it.
fn bar(style: Style) -> ProgressBar {
    let is_seen = std::io::stderr().is_terminal() && style.format == LogFormat::Text && !style.is_quiet;
    let bar = if is_seen {
        ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr_with_hz(10))
    } else {
        ProgressBar::hidden()
    };
    if let Ok(template) = ProgressStyle::with_template("  {bar:24} {pos}/{len}  {elapsed}  {wide_msg}") {
        bar.set_style(template.progress_chars("=> "));
    }
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}

fn now(manifest: &Manifest, running: &[String]) -> String {
    running.iter().map(|id| name(manifest, id)).collect::<Vec<_>>().join(", ")
}

/// What a line calls a node: its relation, or its name.
fn name(manifest: &Manifest, id: &str) -> String {
    match manifest.nodes.get(id) {
        Some(node) if node.is_built() => format!("{}.{}", node.schema, node.alias),
        Some(node) => node.name.clone(),
        None => id.rsplit('.').next().unwrap_or(id).to_owned(),
    }
}

fn kind(manifest: &Manifest, id: &str) -> String {
    match manifest.nodes.get(id) {
        Some(node) if node.is_built() => node.materialized().replace('_', " "),
        Some(node) if id.starts_with("operation.") => {
            let list = node.tags().first().map_or("hook", |list| *list);
            list.to_owned()
        }
        Some(node) => node.resource.as_str().replace('_', " "),
        None => id.split('.').next().unwrap_or_default().to_owned(),
    }
}

/// The word before a line.
fn mark(status: Status) -> &'static str {
    match status {
        Status::Success => "ok",
        Status::Error => "ERROR",
        Status::Skipped => "skip",
        Status::Pass => "pass",
        Status::Fail => "FAIL",
        Status::Warn => "warn",
        Status::PartialSuccess => "PART",
        Status::RuntimeError => "ERROR",
        Status::NoOp => "no-op",
    }
}

fn line(manifest: &Manifest, result: &NodeResult, place: usize, total: usize) -> String {
    let rows = match (result.failures, result.rows) {
        (Some(failures), _) if !is_good(result.status) || result.status == Status::Warn => {
            format!("{} rows", print::grouped(failures))
        }
        (None, Some(rows)) => format!("{} rows", print::grouped(i64::try_from(rows).unwrap_or(i64::MAX))),
        _ if result.message == "unchanged" => "unchanged".to_owned(),
        _ => String::new(),
    };
    let head = format!(
        "  {place:>4}/{total} {:<5} {:<12} {:<44} {rows:>15} {:>9}",
        mark(result.status),
        kind(manifest, &result.id),
        name(manifest, &result.id),
        print::duration(result.elapsed)
    );
    match result.status {
        Status::Error | Status::Fail | Status::PartialSuccess if !result.message.is_empty() => {
            format!("{}\n{}", head.trim_end(), indented(&result.message))
        }
        Status::Skipped => {
            format!("  {place:>4}/{total} skip  {:<12} {}", kind(manifest, &result.id), name(manifest, &result.id))
        }
        _ => head.trim_end().to_owned(),
    }
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("      {line}").trim_end().to_owned()).collect::<Vec<_>>().join("\n")
}

fn json(manifest: &Manifest, result: &NodeResult) -> String {
    serde_json::json!({
        "event": "node_finished",
        "unique_id": result.id,
        "name": name(manifest, &result.id),
        "status": result.status.as_str(),
        "message": result.message,
        "failures": result.failures,
        "rows": result.rows,
        "execution_time": result.elapsed.as_secs_f64(),
    })
    .to_string()
}

/// The end of a run: what failed with the next step, then one line of counts.
pub fn summary(manifest: &Manifest, results: &[NodeResult], elapsed: Duration) -> String {
    let mut lines = Vec::new();
    let bad: Vec<&NodeResult> =
        results.iter().filter(|result| !is_good(result.status) && result.status != Status::Skipped).collect();
    if !bad.is_empty() {
        lines.push(format!("{} of {} nodes failed:", bad.len(), results.len()));
        for result in &bad {
            let file = manifest.nodes.get(&result.id).map(|node| manifest.shown_file(node)).unwrap_or_default();
            let first = result.message.lines().next().unwrap_or_default();
            let first = first.strip_prefix("error: ").unwrap_or(first);
            lines.push(format!("  {} ({file}): {first}", name(manifest, &result.id)));
        }
    }
    let counts = counts(results);
    let words = [
        ("success", "built"),
        ("pass", "passed"),
        ("warn", "warned"),
        ("fail", "failed"),
        ("error", "with errors"),
        ("partial success", "in part"),
        ("skipped", "skipped"),
        ("no-op", "nothing to do"),
    ];
    let told: Vec<String> =
        words.iter().filter_map(|(status, word)| counts.get(status).map(|count| format!("{count} {word}"))).collect();
    let told = if told.is_empty() { "nothing to do".to_owned() } else { told.join(", ") };
    lines.push(format!("{told}, {}", print::duration(elapsed)));
    lines.join("\n")
}
