//! Steps over the graph: what comes before a set of nodes, what comes after it.

use super::Graph;
use std::collections::BTreeSet;

/// Ids, borrowed from the graph.
pub(super) type Ids<'g> = BTreeSet<&'g str>;

/// Which way to go.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    Up,
    Down,
}

/// What is reached from `start` in at most `steps`, `start` itself only if another of it leads there; never outside
/// of `members`.
pub(super) fn reach<'g>(graph: &'g dyn Graph, members: &Ids<'g>, start: &Ids<'g>, way: Way, steps: usize) -> Ids<'g> {
    let mut found = Ids::new();
    let mut layer = start.clone();
    let mut step = 0;
    while !layer.is_empty() && step < steps {
        let mut next = Ids::new();
        for id in &layer {
            let neighbours = match way {
                Way::Up => graph.parents(id),
                Way::Down => graph.children(id),
            };
            next.extend(neighbours.into_iter().filter(|id| members.contains(id) && !found.contains(id)));
        }
        found.extend(&next);
        layer = next;
        step += 1;
    }
    found
}
