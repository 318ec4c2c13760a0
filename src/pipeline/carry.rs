//! Which steps of a run are built, and which have rows already: of an earlier attempt, or of the run that is live.

use super::plan::{Plan, Step};
use crate::warehouse::materialize::StoredTable;
use crate::warehouse::run_models::BuiltModel;
use crate::warehouse::runs::Live;
use std::collections::{BTreeMap, BTreeSet};

/// What a run does about a step.
#[derive(Clone, Debug)]
pub enum Decision {
    /// It is built.
    Build,
    /// An earlier attempt at this run has built it from the same inputs.
    Reuse(StoredTable),
    /// Nothing has changed since this run, whose rows stay published.
    Carry(i64),
    /// A view that nothing built in this run reads.
    Leave,
}

/// What is known when it is decided.
pub struct Grounds<'a> {
    /// Hash of what each step's rows are made from.
    pub hashes: &'a BTreeMap<String, String>,
    /// What is published, by name.
    pub live: &'a BTreeMap<String, Live>,
    /// What earlier attempts at this run have finished.
    pub finished: &'a BTreeMap<String, BuiltModel>,
    /// Build also what has not changed.
    pub rebuild: bool,
}

/// What the run does about each step, by name. `is_shown_alike` tells whether the published view needs no change.
pub fn decide(
    plan: &Plan,
    grounds: &Grounds<'_>,
    is_shown_alike: impl Fn(&Step, &Live) -> bool,
) -> BTreeMap<String, Decision> {
    let mut decisions = BTreeMap::new();
    // Equal hashes make equal rows, but not where something is read that no hash holds, nor below it.
    let mut uncertain: BTreeSet<&str> = BTreeSet::new();
    // Of an earlier attempt, and compared with what was live then: that may be something else now.
    let mut outdated: BTreeSet<&str> = BTreeSet::new();
    for step in &plan.steps {
        let hash = grounds.hashes.get(&step.name);
        let same = grounds.live.get(&step.name).filter(|live| live.inputs.as_ref() == hash);
        if step.parents.iter().any(|parent| uncertain.contains(parent.as_str()))
            || same.is_some_and(|live| !live.hidden_reads.is_empty())
        {
            uncertain.insert(&step.name);
            decisions.insert(step.name.clone(), Decision::Build);
            continue;
        }
        let carried = same.filter(|live| {
            !grounds.rebuild
                && step.is_published
                && live.has_rows
                && live.access == step.access.as_str()
                && is_shown_alike(step, live)
        });
        if step.is_comparing || step.parents.iter().any(|parent| outdated.contains(parent.as_str())) {
            outdated.insert(&step.name);
        }
        let finished = grounds.finished.get(&step.name).filter(|done| Some(&done.inputs) == hash);
        let finished = finished.filter(|_| !outdated.contains(step.name.as_str()));
        let decision = match (carried, finished.and_then(|done| done.table.clone())) {
            (Some(live), _) => Decision::Carry(live.run_id),
            (None, Some(table)) if step.kind.is_stored() => Decision::Reuse(table),
            _ => Decision::Build,
        };
        decisions.insert(step.name.clone(), decision);
    }
    make_the_views_that_are_read(plan, &mut decisions);
    decisions
}

/// What is built reads the run's own views; a view costs nothing, and one that nobody reads is not worth a statement.
fn make_the_views_that_are_read(plan: &Plan, decisions: &mut BTreeMap<String, Decision>) {
    let mut read_by_any: BTreeSet<&str> = BTreeSet::new();
    let mut read_by_built: BTreeSet<&str> = BTreeSet::new();
    for step in plan.steps.iter().rev() {
        if !step.kind.is_stored() {
            if read_by_built.contains(step.name.as_str()) {
                decisions.insert(step.name.clone(), Decision::Build);
            } else if !step.is_published && read_by_any.contains(step.name.as_str()) {
                decisions.insert(step.name.clone(), Decision::Leave);
            }
        }
        let parents = step.parents.iter().map(String::as_str);
        if matches!(decisions.get(&step.name), Some(Decision::Build)) {
            read_by_built.extend(parents.clone());
        }
        read_by_any.extend(parents);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipeline::plan::StepKind;
    use crate::project::Access;

    fn step(name: &str, kind: StepKind, access: Access, parents: &[&str]) -> Step {
        Step {
            name: name.into(),
            is_published: kind.is_stored() || access == Access::Public,
            kind,
            access,
            indexes: Vec::new(),
            parents: parents.iter().map(|p| (*p).to_owned()).collect(),
            fingerprint: String::new(),
            sources: Vec::new(),
            is_comparing: false,
            limits: Default::default(),
        }
    }

    /// `staged` (private view) -> `a` -> `b`, and a public view `shown` over `b`.
    fn plan() -> Plan {
        Plan {
            steps: vec![
                step("staged", StepKind::View, Access::Private, &[]),
                step("a", StepKind::Table, Access::Public, &["staged"]),
                step("b", StepKind::Table, Access::Public, &["a"]),
                step("shown", StepKind::View, Access::Public, &["b"]),
            ],
        }
    }

    fn live(name: &str, inputs: &str) -> (String, Live) {
        let live = Live {
            relation: name.into(),
            model: name.into(),
            run_id: 5,
            materialization: "table".into(),
            access: "public".into(),
            parent_relation: None,
            view_fingerprint: String::new(),
            row_count: Some(1),
            inputs: Some(inputs.into()),
            recipe: None,
            as_of: chrono::DateTime::UNIX_EPOCH,
            sources_seen: None,
            hidden_reads: Vec::new(),
            has_rows: true,
        };
        (name.to_owned(), live)
    }

    fn told(live: Vec<(String, Live)>, finished: &[&str], rebuild: bool) -> String {
        let plan = plan();
        let hashes = plan.steps.iter().map(|s| (s.name.clone(), format!("{} now", s.name))).collect();
        let finished = finished.iter().map(|name| {
            let table = Some(StoredTable { parent: "p".into(), row_count: 1, byte_count: 1 });
            let model = (*name).to_owned();
            (model.clone(), BuiltModel { inputs: format!("{model} now"), model, table, is_attached: false })
        });
        let (live, finished) = (live.into_iter().collect(), finished.collect());
        let grounds = Grounds { hashes: &hashes, live: &live, finished: &finished, rebuild };
        let decisions = decide(&plan, &grounds, |_, _| true);
        let word = |d: &Decision| match d {
            Decision::Build => "build",
            Decision::Reuse(_) => "reuse",
            Decision::Carry(_) => "carry",
            Decision::Leave => "leave",
        };
        plan.steps.iter().map(|s| word(&decisions[&s.name])).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn what_has_not_changed_is_carried_and_what_reads_changes_is_built() {
        let all = || vec![live("a", "a now"), live("b", "b now"), live("shown", "shown now")];
        assert_eq!(told(Vec::new(), &[], false), "build build build build");
        assert_eq!(told(all(), &[], false), "leave carry carry carry");
        assert_eq!(told(all(), &[], true), "build build build build");
        let changed = vec![live("a", "a now"), live("b", "b before"), live("shown", "shown before")];
        assert_eq!(told(changed, &[], false), "leave carry build build");
    }

    #[test]
    fn below_what_reads_something_unknown_nothing_is_carried() {
        let mut rows = vec![live("a", "a now"), live("b", "b now"), live("shown", "shown now")];
        rows[0].1.hidden_reads = vec!["public.rates".into()];
        assert_eq!(told(rows, &[], false), "build build build build");
    }

    #[test]
    fn rows_that_somebody_dropped_are_made_again() {
        let mut rows = vec![live("a", "a now"), live("b", "b now"), live("shown", "shown now")];
        rows[1].1.has_rows = false;
        assert_eq!(told(rows, &[], false), "leave carry build carry");
    }

    #[test]
    fn a_resumed_run_keeps_what_it_has_finished() {
        assert_eq!(told(Vec::new(), &["a"], false), "leave reuse build build");
        assert_eq!(told(Vec::new(), &["a"], true), "leave reuse build build");
    }
}
