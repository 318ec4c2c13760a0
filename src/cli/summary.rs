//! The end of a run for people: what failed, where its SQL lies, the next command, one line of counts.

use super::node_line::name;
use super::print::{self, Colour};
use crate::pipeline::in_place::{self, DbtLayout, NodeResult, Report, Status, counts, is_good};

/// The summary of a run.
#[must_use]
pub fn summary(project: &DbtLayout, report: &Report, is_coloured: bool) -> String {
    let manifest = &project.manifest;
    let mut lines = Vec::new();
    let is_bad = |result: &&NodeResult| !is_good(result.status) && result.status != Status::Skipped;
    let bad: Vec<&NodeResult> = report.results.iter().filter(is_bad).collect();
    if !bad.is_empty() {
        lines.push(String::new());
        let title = format!("{} failed:", print::count(bad.len(), "node"));
        lines.push(print::coloured(&title, Colour::Red, is_coloured));
        for result in &bad {
            let node = manifest.nodes.get(&result.id);
            let file = node.map(|node| manifest.shown_file(node)).unwrap_or_default();
            lines.push(format!("  {} ({file})", name(manifest, &result.id)));
            let first = result.message.lines().next().unwrap_or_default();
            lines.push(format!("    {}", first.strip_prefix("error: ").unwrap_or(first)));
            if let (Some(node), Some(_)) = (node, &result.compiled) {
                let path = project.target_dir.join(in_place::compiled_path(node));
                lines.push(format!("    compiled SQL: {}", print::short_path(&path)));
            }
        }
        lines.push("next: mend them, then quintile retry runs these and what was skipped".to_owned());
        lines.push(String::new());
    }
    lines.push(count_line(report));
    lines.join("\n")
}

/// `3 built, 2 passed, 1 failed, 0.31 s`
fn count_line(report: &Report) -> String {
    let counts = counts(&report.results);
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
    format!("{told}, {}", print::duration(report.elapsed))
}
