//! What a run would meet, found without making one: rights, sources, and the models that read them.

use super::carry::Decision;
use super::plan::Plan;
use super::prepare::trials;
use super::read_project::read_project;
use super::sources::SourceReads;
use crate::config::Settings;
use crate::error::Result;
use crate::warehouse::Warehouse;
use std::collections::{BTreeMap, BTreeSet};

/// Something that was looked at.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Finding {
    /// `workspace`, `rights`, `source` or `models`.
    pub what: &'static str,
    /// What was found, as a phrase or a whole error.
    pub found: String,
    /// Whether a run would fail of it.
    pub is_wrong: bool,
}

/// Looks at everything that can be seen without building; the database is left as it was.
pub async fn preflight(warehouse: &Warehouse, settings: &Settings) -> Result<Vec<Finding>> {
    let project = read_project(settings)?;
    if !warehouse.has_workspace().await? {
        let found = format!("\"{}\" has nothing yet: the first load or build makes it", settings.workspace);
        return Ok(vec![Finding { what: "workspace", found, is_wrong: false }]);
    }
    let mut findings = vec![rights(warehouse).await?];
    let live = warehouse.live().await?;
    let plan = Plan::new(&project, warehouse, &[], &[], &live)?;
    let reads = SourceReads::of(&plan);
    let mut is_readable = true;
    for source in &reads.tables {
        let (found, is_wrong) = match warehouse.look_at_source(source).await {
            Ok(()) => (format!("{} can be read", source.name), false),
            Err(e) => (e.report(), true),
        };
        is_readable &= !is_wrong;
        findings.push(Finding { what: "source", found, is_wrong });
    }
    if !is_readable || findings.iter().any(|finding| finding.is_wrong) {
        return Ok(findings);
    }
    let names: BTreeSet<String> = plan.steps.iter().map(|step| step.name.clone()).collect();
    let decisions: BTreeMap<String, Decision> = names.iter().map(|name| (name.clone(), Decision::Build)).collect();
    let as_of = warehouse.last_midnight().await?;
    // No run has the number 0.
    let context = plan.build_context(&project, warehouse, 0, as_of, &decisions);
    let tried = trials(&plan, &project, &context, &reads, &names);
    let wrong = warehouse.try_out(0, &tried).await?;
    if wrong.is_empty() {
        let found = format!("{} that read sources can be planned", tried.len());
        findings.push(Finding { what: "models", found, is_wrong: false });
    }
    findings.extend(wrong.into_iter().map(|(_, e)| Finding { what: "models", found: e.report(), is_wrong: true }));
    Ok(findings)
}

async fn rights(warehouse: &Warehouse) -> Result<Finding> {
    let missing = warehouse.missing_rights().await?;
    let found = match missing.as_slice() {
        [] => "all that a run needs".to_owned(),
        _ => format!("missing: {}", missing.join(", ")),
    };
    Ok(Finding { what: "rights", found, is_wrong: !missing.is_empty() })
}
