//! From the tree to a set of ids, and the rules by which tests come along with what they test.
//!
//! Each part of the tree has two sets: what it picks, and tests that touch it but also touch nodes it does not pick.
//! Such a test is taken in as soon as other parts pick the rest.

use super::by_method;
use super::criterion::Criterion;
use super::expression::{Expression, Group, Operator};
use super::past::Past;
use super::walk::{Ids, Way, reach};
use super::{Graph, Indirect};
use crate::error::{Error, Result};
use crate::project::name::did_you_mean;
use std::collections::BTreeMap;

/// One evaluation over one graph.
pub(super) struct Evaluation<'g> {
    graph: &'g dyn Graph,
    past: &'g dyn Past,
    members: Ids<'g>,
    /// Kind of each node.
    kinds: BTreeMap<&'g str, &'g str>,
    warnings: Vec<Error>,
}

/// What a part picks, and the tests that wait for other parts.
struct Picked<'g> {
    direct: Ids<'g>,
    waiting: Ids<'g>,
}

impl<'g> Evaluation<'g> {
    pub fn new(graph: &'g dyn Graph, past: &'g dyn Past) -> Self {
        let kinds: BTreeMap<_, _> =
            graph.nodes().into_iter().map(|node| (node.unique_id(), node.resource_type())).collect();
        Evaluation { graph, past, members: kinds.keys().copied().collect(), kinds, warnings: Vec::new() }
    }

    /// The ids that the tree picks.
    pub fn pick(&mut self, expression: &Expression) -> Result<Ids<'g>> {
        Ok(self.evaluate(expression)?.direct)
    }

    /// Words that picked nothing.
    pub fn into_warnings(self) -> Vec<Error> {
        self.warnings
    }

    fn evaluate(&mut self, expression: &Expression) -> Result<Picked<'g>> {
        match expression {
            Expression::Criterion(criterion) => self.criterion(criterion),
            Expression::Group(group) => self.group(group),
        }
    }

    fn group(&mut self, group: &Group) -> Result<Picked<'g>> {
        let mut direct = Vec::new();
        let mut touched = Vec::new();
        for part in &group.parts {
            let picked = self.evaluate(part)?;
            touched.push(picked.direct.union(&picked.waiting).copied().collect());
            direct.push(picked.direct);
        }
        let direct = combine(group.operator, direct);
        let waiting = combine(group.operator, touched);
        let direct = self.take_in_waiting(direct, &waiting, group.indirect);
        if let (Some(word), true) = (&group.asked, direct.is_empty()) {
            let warning = self.nothing(word, group)?;
            self.warnings.push(warning);
        }
        Ok(Picked { direct, waiting })
    }

    fn criterion(&mut self, criterion: &Criterion) -> Result<Picked<'g>> {
        let found = by_method::find(self.graph, self.past, criterion)?;
        let mut selected = found.clone();
        if criterion.childrens_parents {
            let mut below = self.reach(&found, Way::Down, usize::MAX);
            below.extend(&found);
            selected.extend(self.reach(&below, Way::Up, usize::MAX));
            selected.extend(below);
        }
        if let Some(steps) = criterion.parents {
            selected.extend(self.reach(&found, Way::Up, steps));
        }
        if let Some(steps) = criterion.children {
            selected.extend(self.reach(&found, Way::Down, steps));
        }
        Ok(self.with_tests(&selected, criterion.indirect))
    }

    fn reach(&self, start: &Ids<'g>, way: Way, steps: usize) -> Ids<'g> {
        reach(self.graph, &self.members, start, way, steps)
    }

    /// The selected nodes with the tests on them that come along at once, and those that wait.
    fn with_tests(&self, selected: &Ids<'g>, indirect: Indirect) -> Picked<'g> {
        let mut picked = Picked { direct: selected.clone(), waiting: Ids::new() };
        if indirect == Indirect::Empty {
            return picked;
        }
        let mut buildable = selected.clone();
        if indirect == Indirect::Buildable {
            buildable.extend(self.reach(selected, Way::Up, usize::MAX));
            buildable.extend(self.kinds.iter().filter(|(_, kind)| **kind == "source").map(|(id, _)| *id));
        }
        for test in self.reach(selected, Way::Down, 1) {
            if !matches!(self.kinds.get(test), Some(&("test" | "unit_test"))) {
                continue;
            }
            let comes_along = indirect == Indirect::Eager || self.needs_only(test, &buildable);
            if comes_along { &mut picked.direct } else { &mut picked.waiting }.insert(test);
        }
        picked
    }

    /// Adds the waiting tests whose nodes are all there now.
    fn take_in_waiting(&self, mut direct: Ids<'g>, waiting: &Ids<'g>, indirect: Indirect) -> Ids<'g> {
        let mut present = direct.clone();
        match indirect {
            Indirect::Cautious => {}
            Indirect::Buildable => present.extend(self.reach(&direct, Way::Up, usize::MAX)),
            Indirect::Eager | Indirect::Empty => return direct,
        }
        // A unit test has one model, so it never waits for another one.
        for test in waiting.iter().filter(|id| self.kinds.get(*id) == Some(&"test")) {
            if self.needs_only(test, &present) {
                direct.insert(test);
            }
        }
        direct
    }

    fn needs_only(&self, test: &str, present: &Ids<'g>) -> bool {
        self.graph.parents(test).iter().all(|parent| present.contains(parent))
    }

    /// The warning about a word that picks nothing, with the nearest name for the part that is to blame.
    fn nothing(&self, word: &str, group: &Group) -> Result<Error> {
        let warning = Error::usage(format!("selector \"{word}\" picks nothing"));
        for part in &group.parts {
            let Expression::Criterion(criterion) = part else { continue };
            if !by_method::find(self.graph, self.past, criterion)?.is_empty() {
                continue;
            }
            let value = criterion.text();
            let known = by_method::known(self.graph, criterion.method);
            let hint = did_you_mean(&value, known.iter().map(String::as_str)).unwrap_or_else(|| {
                "list what there is with ls, or begin the word with tag:, path: or source:".to_owned()
            });
            let noun = criterion.method.as_str();
            return Ok(warning.detail(format!("No enabled node has the {noun} \"{value}\".")).hint(hint));
        }
        Ok(warning.hint("each part finds something, but no node is in all of them: write a space for a union"))
    }
}

fn combine<'g>(operator: Operator, sets: Vec<Ids<'g>>) -> Ids<'g> {
    let mut sets = sets.into_iter();
    let Some(first) = sets.next() else { return Ids::new() };
    sets.fold(first, |left, right| match operator {
        Operator::Union => left.union(&right).copied().collect(),
        Operator::Intersection => left.intersection(&right).copied().collect(),
        Operator::Difference => left.difference(&right).copied().collect(),
    })
}
