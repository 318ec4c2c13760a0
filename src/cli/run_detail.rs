//! `quintile runs RUN`: one run with its models, its tests and its publish.

use super::session::Session;
use super::{Format, Global, print};
use crate::error::Result;
use crate::warehouse::run_detail::{ModelDetail, RunDetail, TestDetail};
use chrono::{DateTime, Utc};
use std::process::ExitCode;
use std::time::Duration;

/// Prints the run of this number.
pub async fn run(global: &Global, run_id: i64) -> Result<ExitCode> {
    let session = Session::open(global).await?;
    let detail = session.warehouse.run_detail(run_id).await;
    session.close().await;
    let detail = detail?;
    match global.format {
        Format::Json => print::json(&detail),
        Format::Text => print::data(&text(&detail)),
    }
    Ok(ExitCode::SUCCESS)
}

fn text(run: &RunDetail) -> String {
    let attempt = run.attempt.filter(|n| *n > 1).map(|n| format!(", attempt {n}")).unwrap_or_default();
    let mut parts = vec![
        format!("run {} {}, as of {}, trigger {}{attempt}", run.run_id, run.state, instant(run.as_of), run.trigger),
        format!("began {}, made by {}", instant(run.started_at), run.process),
    ];
    parts.extend(run.finished_at.map(|end| {
        let took = (end - run.started_at).to_std().map(print::duration).unwrap_or_default();
        format!("ended {} after {took}", instant(end))
    }));
    parts.extend(run.published_at.map(|at| publish(run, at)));
    parts.extend(run.error.clone());
    if !run.models.is_empty() {
        let head = ["model", "materialization", "state", "rows", "bytes", "took", "attempt", "error"];
        let lines: Vec<Vec<String>> = run.models.iter().map(model).collect();
        parts.push(format!("\n{}", print::table(&head, &lines)));
    }
    if !run.tests.is_empty() {
        let passed = run.tests.iter().filter(|test| test.state == "passed").count();
        parts.push(format!("\n{passed} of {} data tests passed", run.tests.len()));
        let others: Vec<Vec<String>> = run.tests.iter().filter(|test| test.state != "passed").map(test).collect();
        if !others.is_empty() {
            parts.push(print::table(&["test", "model", "severity", "state", "rows", "took", "error"], &others));
        }
    }
    parts.join("\n")
}

fn publish(run: &RunDetail, at: DateTime<Utc>) -> String {
    let standing = match (run.is_live, run.is_rollback_target, run.withdrawn_at) {
        (true, _, _) => "live".to_owned(),
        (_, true, Some(at)) => format!("turned away from at {}, and one can go back to it", instant(at)),
        (_, true, None) => "one can go back to it".to_owned(),
        _ => "not kept any more, or moved nothing".to_owned(),
    };
    let mut text = format!("published {}: {standing}", instant(at));
    if !run.moved.is_empty() {
        text.push_str(&format!("\nmoved {}: {}", run.moved.len(), run.moved.join(", ")));
    }
    if !run.carried.is_empty() {
        text.push_str(&format!("\ncarried {}: {}", run.carried.len(), run.carried.join(", ")));
    }
    text
}

fn model(model: &ModelDetail) -> Vec<String> {
    vec![
        model.model.clone(),
        model.materialization.clone(),
        model.state.clone(),
        model.rows.map(print::grouped).unwrap_or_default(),
        model.bytes.map(print::grouped).unwrap_or_default(),
        took(model.elapsed_ms),
        model.attempt.unwrap_or(1).to_string(),
        first_line(model.error.as_deref()),
    ]
}

fn test(test: &TestDetail) -> Vec<String> {
    vec![
        test.test.clone(),
        test.model.clone(),
        test.severity.clone(),
        test.state.clone(),
        test.failure_count.map(print::grouped).unwrap_or_default(),
        took(test.elapsed_ms),
        first_line(test.error.as_deref()),
    ]
}

fn took(milliseconds: Option<i64>) -> String {
    let elapsed = milliseconds.and_then(|ms| u64::try_from(ms).ok()).map(Duration::from_millis);
    elapsed.map(print::duration).unwrap_or_default()
}

fn first_line(error: Option<&str>) -> String {
    error.and_then(|e| e.lines().next()).unwrap_or_default().chars().take(60).collect()
}

fn instant(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%d %H:%M:%S UTC").to_string()
}
