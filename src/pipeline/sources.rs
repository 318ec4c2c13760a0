//! Which steps read sources, and when: all that can, read them in one snapshot, so that a run shows one state of them.
//!
//! A statement that joins a snapshot sees no table that was made after it. So what those steps need besides sources is
//! built first (`early`), and a step that reads sources beside tables that are made later reads them as they are then
//! (`late`); reading a source through one staging table avoids that.

use super::plan::{Plan, Step, StepKind};
use crate::warehouse::sources::SourceTable;
use std::collections::{BTreeMap, BTreeSet};

/// The steps of a plan by how they read sources.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SourceReads {
    /// All sources that the plan reads.
    pub tables: Vec<SourceTable>,
    /// Built within the snapshot.
    pub within: BTreeSet<String>,
    /// Built before the snapshot: tables that those within it read, and the views in between.
    pub early: BTreeSet<String>,
    /// Read sources, but outside the snapshot.
    pub late: BTreeSet<String>,
}

impl SourceReads {
    /// Sorts the steps of the plan.
    #[must_use]
    pub fn of(plan: &Plan) -> SourceReads {
        let by_name: BTreeMap<&str, &Step> = plan.steps.iter().map(|step| (step.name.as_str(), step)).collect();
        // Steps that read a source themselves or through views only, and tables of the run that hold source rows.
        let (mut reaching, mut fed) = (BTreeSet::new(), BTreeSet::new());
        let mut reads = SourceReads::default();
        for step in &plan.steps {
            let tables = tables_read(step, &by_name);
            let is_view = |name: &String| by_name.get(name.as_str()).is_some_and(|s| !s.kind.is_stored());
            let reaches =
                !step.sources.is_empty() || step.parents.iter().any(|p| is_view(p) && reaching.contains(p.as_str()));
            let is_beside_fed = tables.iter().any(|name| fed.contains(*name));
            if reaches {
                reaching.insert(step.name.as_str());
            }
            if !step.kind.is_stored() {
                continue;
            }
            if reaches || is_beside_fed {
                fed.insert(step.name.as_str());
            }
            match (reaches, is_beside_fed, &step.kind) {
                (false, ..) => {}
                (true, false, StepKind::Table) => {
                    reads.within.insert(step.name.clone());
                }
                (true, ..) => {
                    reads.late.insert(step.name.clone());
                }
            }
        }
        for name in &reads.within {
            collect_early(name, &by_name, &mut reads.early);
        }
        reads.early.retain(|name| {
            let step = by_name.get(name.as_str());
            step.is_some_and(|s| s.kind.is_stored()) || !reaching.contains(name.as_str())
        });
        let tables: BTreeSet<&SourceTable> = plan.steps.iter().flat_map(|step| &step.sources).collect();
        reads.tables = tables.into_iter().cloned().collect();
        reads
    }
}

/// Tables of the run that a step reads, itself or through views.
fn tables_read<'a>(step: &'a Step, by_name: &BTreeMap<&'a str, &'a Step>) -> BTreeSet<&'a str> {
    let mut found = BTreeSet::new();
    for parent in step.parents.iter().filter_map(|name| by_name.get(name.as_str())) {
        if parent.kind.is_stored() {
            found.insert(parent.name.as_str());
        } else {
            found.extend(tables_read(parent, by_name));
        }
    }
    found
}

/// All that a step needs, in the plan.
fn collect_early(name: &str, by_name: &BTreeMap<&str, &Step>, early: &mut BTreeSet<String>) {
    for parent in by_name.get(name).into_iter().flat_map(|step| &step.parents) {
        if early.insert(parent.clone()) {
            collect_early(parent, by_name, early);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::project::Access;

    fn step(name: &str, kind: StepKind, parents: &[&str], sources: &[&str]) -> Step {
        Step {
            name: name.into(),
            is_published: kind.is_stored(),
            kind,
            access: Access::Private,
            indexes: Vec::new(),
            parents: parents.iter().map(|p| (*p).to_owned()).collect(),
            fingerprint: String::new(),
            sources: sources
                .iter()
                .map(|s| SourceTable { name: (*s).to_owned(), schema: "raw".into(), table: (*s).to_owned() })
                .collect(),
            is_comparing: false,
            limits: Default::default(),
        }
    }

    fn names(set: &BTreeSet<String>) -> Vec<&str> {
        set.iter().map(String::as_str).collect()
    }

    #[test]
    fn sources_are_read_within_the_snapshot_after_the_seeds_that_are_read_beside_them() {
        let plan = Plan {
            steps: vec![
                step("countries", StepKind::Seed, &[], &[]),
                step("unread", StepKind::Seed, &[], &[]),
                step("staged", StepKind::View, &["countries"], &["orders"]),
                step("headers", StepKind::Table, &["staged"], &[]),
                step("customers", StepKind::Table, &["headers"], &[]),
            ],
        };
        let reads = SourceReads::of(&plan);
        assert_eq!(names(&reads.within), ["headers"]);
        assert_eq!(names(&reads.early), ["countries"]);
        assert!(reads.late.is_empty());
        assert_eq!(reads.tables.len(), 1);
    }

    #[test]
    fn a_source_beside_a_table_that_holds_its_rows_is_read_late() {
        let plan = Plan {
            steps: vec![
                step("headers", StepKind::Table, &[], &["orders"]),
                step("matched", StepKind::Table, &["headers"], &["orders"]),
            ],
        };
        let reads = SourceReads::of(&plan);
        assert_eq!((names(&reads.within), names(&reads.late)), (vec!["headers"], vec!["matched"]));
    }
}
