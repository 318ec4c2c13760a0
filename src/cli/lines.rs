//! How a run in place is shown while it goes on: one line a node, a bar on a terminal, plain lines in a pipe, JSON lines
//! if asked for.

use super::messages::{self, Level};
use super::node_line::Lines;
use super::print;
use super::selection::LogFormat;
use crate::pipeline::in_place::{Event, NodeResult, Progress, Status, is_good};
use crate::project::context;
use crate::project::manifest::Manifest;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::json;
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
        let mut lines = Lines::new(manifest.clone(), print::is_coloured(&std::io::stderr()));
        let mut running: Vec<String> = Vec::new();
        while let Some(event) = receiver.recv().await {
            match event {
                Event::Started { id, total, .. } => {
                    bar.set_length(total as u64);
                    if style.format == LogFormat::Json && !style.is_quiet {
                        let facts = json!({"unique_id": id, "name": lines.name(&id)});
                        messages::json(Level::Info, "node_started", &lines.name(&id), &facts);
                    }
                    running.push(id);
                    bar.set_message(now(&lines, &running));
                }
                Event::Said { level: context::Level::Debug, text } => tracing::debug!("{text}"),
                // What a template prints is a result.
                Event::Said { level: context::Level::Print, text } => bar.suspend(|| print::data(&text)),
                Event::Said { level, text } => bar.suspend(|| say(style, level, &text)),
                Event::Finished { result, total, .. } => {
                    running.retain(|id| *id != result.id);
                    // Hooks of the project have a count of their own.
                    if !result.id.starts_with("operation.") {
                        bar.set_length(total as u64);
                        bar.inc(1);
                    }
                    bar.set_message(now(&lines, &running));
                    let line = lines.finished(&result, total);
                    match style.format {
                        _ if style.is_quiet && is_good(result.status) => {}
                        LogFormat::Json => tell(&lines, &result),
                        LogFormat::Text => bar.suspend(|| print::note(&line)),
                    }
                }
            }
        }
        bar.finish_and_clear();
    });
    (Progress::to(sender), task)
}

/// A message of a template.
fn say(style: Style, level: context::Level, text: &str) {
    let is_warning = level == context::Level::Warn;
    match style.format {
        _ if style.is_quiet && !is_warning => {}
        LogFormat::Json if is_warning => messages::json(Level::Warn, "message", text, &json!({})),
        LogFormat::Json => messages::json(Level::Info, "message", text, &json!({})),
        LogFormat::Text if is_warning => print::note(&format!("warning: {text}")),
        LogFormat::Text => print::note(text),
    }
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

fn now(lines: &Lines, running: &[String]) -> String {
    running.iter().map(|id| lines.name(id)).collect::<Vec<_>>().join(", ")
}

/// The same for programs.
fn tell(lines: &Lines, result: &NodeResult) {
    let level = match result.status {
        Status::Warn | Status::PartialSuccess => Level::Warn,
        status if is_good(status) || status == Status::Skipped => Level::Info,
        _ => Level::Error,
    };
    let facts = json!({
        "unique_id": result.id,
        "name": lines.name(&result.id),
        "status": result.status.as_str(),
        "failures": result.failures,
        "rows": result.rows,
        "execution_time": result.elapsed.as_secs_f64(),
    });
    messages::json(level, "node_finished", &result.message, &facts);
}
