//! What each step's rows are made from, as one hash: equal hashes make equal rows, so the rows need not be made again.
//!
//! A hash holds the hashes of the parents, down to the versions of the sources. What nobody can vouch for (the clock,
//! chance, a template that asks the database) takes the run's number into the hash and so is equal to nothing.

use super::plan::{Plan, Step, StepKind};
use crate::project::{Context, Project, volatile_word};
use crate::warehouse::runs::Live;
use std::collections::BTreeMap;

/// What is known when the hashes are made.
pub struct Known<'a> {
    /// The project.
    pub project: &'a Project,
    /// The run's instant, as templates see it.
    pub as_of: &'a str,
    /// What [`constant_statements`] tells.
    pub statements: &'a BTreeMap<String, Option<String>>,
    /// Versions of the sources by name; none for those that cannot tell.
    pub sources: &'a BTreeMap<String, Option<String>>,
    /// What is published, by name.
    pub live: &'a BTreeMap<String, Live>,
    /// The run's number.
    pub run_id: i64,
    /// Which attempt at the run this is.
    pub attempt: i32,
}

/// The SQL of each model of the plan, if it is the same for every run over the same inputs. `context` is that of no run.
#[must_use]
pub fn constant_statements(plan: &Plan, project: &Project, context: &Context) -> BTreeMap<String, Option<String>> {
    let models = plan.steps.iter().filter(|step| !matches!(step.kind, StepKind::Seed));
    models.map(|step| (step.name.clone(), constant_sql(&step.name, project, context))).collect()
}

/// The hash of each step of the plan, by name.
#[must_use]
pub fn hashes(plan: &Plan, known: &Known<'_>) -> BTreeMap<String, String> {
    let mut found: BTreeMap<String, String> = BTreeMap::new();
    for step in &plan.steps {
        let hash = hash_of(step, known, &found);
        found.insert(step.name.clone(), hash);
    }
    found
}

fn hash_of(step: &Step, known: &Known<'_>, found: &BTreeMap<String, String>) -> String {
    let mut hasher = blake3::Hasher::new();
    // Each part goes in with its length, so that text moved from one part to the next changes the hash.
    let mut part = |text: &str| {
        hasher.update(&(text.len() as u64).to_le_bytes());
        hasher.update(text.as_bytes());
    };
    part(env!("CARGO_PKG_VERSION"));
    part(step.kind.name());
    part(&step.fingerprint);
    if !matches!(step.kind, StepKind::Seed) {
        part(known.as_of);
        match known.statements.get(&step.name).and_then(Option::as_ref) {
            Some(sql) => part(sql),
            None => part(&format!("of run {}", known.run_id)),
        }
    }
    for parent in known.project.parents(&step.name) {
        part(&parent);
        match (found.get(&parent), known.live.get(&parent)) {
            (Some(hash), _) => part(hash),
            (None, Some(Live { inputs: Some(inputs), .. })) => part(inputs),
            (None, live) => part(&format!("rows of run {}", live.map_or(0, |live| live.run_id))),
        }
    }
    for (source, table) in sources_of(step, known.project) {
        let name = format!("{source}.{table}");
        part(&name);
        match known.sources.get(&name).and_then(Option::as_ref) {
            Some(version) => part(version),
            // A later attempt reads anew, perhaps other rows.
            None => part(&format!("as run {} attempt {} saw it", known.run_id, known.attempt)),
        }
    }
    hasher.finalize().to_hex()[..32].to_owned()
}

fn sources_of<'a>(step: &Step, project: &'a Project) -> impl Iterator<Item = &'a (String, String)> + use<'a> {
    project.models.get(&step.name).into_iter().flat_map(|model| &model.sources).filter(|(source, table)| {
        // The facts of a fit belong to the model that was fitted, which is a parent as well; the secrets never change.
        source != "quintile" || !["fits", "person_keys"].contains(&table.as_str())
    })
}

fn constant_sql(name: &str, project: &Project, context: &Context) -> Option<String> {
    let compile = |run_id| project.compile(name, &Context { run_id, ..context.clone() }).ok();
    let sql = compile(0)?;
    (compile(1)? == sql && volatile_word(&sql).is_none()).then_some(sql)
}
