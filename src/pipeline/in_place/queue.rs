//! Which node may start next: each as soon as all it waits for has ended well.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

/// How a node of the queue ended, as far as the nodes behind it care.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// Those that wait for it may start.
    Well,
    /// Those that wait for it are skipped.
    Badly,
}

/// The selected nodes with what each still waits for.
#[derive(Debug, Default)]
pub struct Queue {
    /// Place of each node in the order in which ready ones are taken.
    rank: HashMap<String, usize>,
    waits_for: HashMap<String, HashSet<String>>,
    blocks: HashMap<String, Vec<String>>,
    ready: BTreeSet<(usize, String)>,
}

impl Queue {
    /// A queue of these nodes, each with the selected nodes that it waits for, in the order in which ready ones start.
    ///
    /// What an edge's source is not among the nodes is nothing to wait for.
    pub fn new(nodes: &[String], waits_for: &BTreeMap<String, BTreeSet<String>>) -> Queue {
        let rank: HashMap<String, usize> = nodes.iter().enumerate().map(|(place, id)| (id.clone(), place)).collect();
        let mut queue = Queue::default();
        for id in nodes {
            let before: HashSet<String> = waits_for
                .get(id)
                .into_iter()
                .flatten()
                .filter(|other| rank.contains_key(*other) && *other != id)
                .cloned()
                .collect();
            for other in &before {
                queue.blocks.entry(other.clone()).or_default().push(id.clone());
            }
            if before.is_empty() {
                queue.ready.insert((rank[id], id.clone()));
            }
            queue.waits_for.insert(id.clone(), before);
        }
        queue.rank = rank;
        queue
    }

    /// Takes the next node that may start.
    pub fn next(&mut self) -> Option<String> {
        let (_, id) = self.ready.pop_first()?;
        Some(id)
    }

    /// Notes how a node ended; returns those that are skipped because of it, in order.
    pub fn finish(&mut self, id: &str, ended: Ended) -> Vec<String> {
        match ended {
            Ended::Well => {
                for next in self.blocks.remove(id).unwrap_or_default() {
                    if let Some(before) = self.waits_for.get_mut(&next) {
                        before.remove(id);
                        if before.is_empty() {
                            self.ready.insert((self.rank[&next], next));
                        }
                    }
                }
                Vec::new()
            }
            Ended::Badly => {
                let mut skipped = BTreeSet::new();
                let mut pending = vec![id.to_owned()];
                while let Some(bad) = pending.pop() {
                    for next in self.blocks.remove(&bad).unwrap_or_default() {
                        if self.waits_for.remove(&next).is_some() {
                            skipped.insert((self.rank[&next], next.clone()));
                            pending.push(next);
                        }
                    }
                }
                skipped.into_iter().map(|(_, id)| id).collect()
            }
        }
    }

    /// Takes all that has not started, in order: the run was stopped.
    pub fn drain(&mut self) -> Vec<String> {
        let waiting = self.waits_for.iter().filter(|(_, before)| !before.is_empty());
        let mut rest: Vec<(usize, String)> = waiting.map(|(id, _)| (self.rank[id], id.clone())).collect();
        rest.extend(self.ready.iter().cloned());
        rest.sort();
        self.ready.clear();
        self.waits_for.clear();
        rest.into_iter().map(|(_, id)| id).collect()
    }
}

/// What each node waits for: the selected nodes it descends from most closely, and, when `tests_first`, the tests whose
/// subjects are all among its ancestors (so that nothing is built on rows that a test refuses).
pub fn edges(
    selected: &BTreeSet<String>,
    parents: &dyn Fn(&str) -> Vec<String>,
    is_test: &dyn Fn(&str) -> bool,
    tests_first: bool,
) -> BTreeMap<String, BTreeSet<String>> {
    let ancestry = Ancestry::of(selected, parents);
    let mut edges: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for id in selected {
        let mut nearest = BTreeSet::new();
        let mut pending = parents(id);
        let mut seen = HashSet::new();
        while let Some(parent) = pending.pop() {
            if selected.contains(&parent) {
                nearest.insert(parent);
            } else if seen.insert(parent.clone()) {
                pending.extend(parents(&parent));
            }
        }
        edges.insert(id.clone(), nearest);
    }
    if tests_first {
        let tests: Vec<(&String, Vec<String>)> = selected
            .iter()
            .filter(|id| is_test(id))
            .map(|id| (id, parents(id)))
            .filter(|(_, s)| !s.is_empty())
            .collect();
        for id in selected.iter().filter(|id| !is_test(id)) {
            let behind = tests.iter().filter(|(_, subjects)| subjects.iter().all(|subject| ancestry.has(id, subject)));
            edges.entry(id.clone()).or_default().extend(behind.map(|(test, _)| (*test).clone()));
        }
    }
    edges
}

/// All ancestors of each node, a bit a node: a project of thousands of models keeps within a megabyte.
struct Ancestry {
    number: HashMap<String, usize>,
    above: Vec<Vec<u64>>,
}

impl Ancestry {
    fn of(ids: &BTreeSet<String>, parents: &dyn Fn(&str) -> Vec<String>) -> Ancestry {
        let mut order = Vec::new();
        let mut number: HashMap<String, usize> = HashMap::new();
        // A stack of its own, because a chain of models may be thousands long; parents come before children.
        let mut stack: Vec<(String, bool)> = ids.iter().map(|id| (id.clone(), false)).collect();
        while let Some((id, is_done)) = stack.pop() {
            if number.contains_key(&id) {
                continue;
            }
            let before = parents(&id);
            if is_done {
                number.insert(id, order.len());
                order.push(before);
            } else {
                stack.push((id, true));
                stack.extend(before.into_iter().filter(|p| !number.contains_key(p)).map(|p| (p, false)));
            }
        }
        let words = order.len().div_ceil(64);
        let mut above: Vec<Vec<u64>> = Vec::with_capacity(order.len());
        for before in &order {
            let mut bits = vec![0_u64; words];
            for parent in before.iter().filter_map(|parent| number.get(parent)).copied() {
                for (bit, other) in bits.iter_mut().zip(above.get(parent).into_iter().flatten()) {
                    *bit |= other;
                }
                bits[parent / 64] |= 1 << (parent % 64);
            }
            above.push(bits);
        }
        Ancestry { number, above }
    }

    fn has(&self, id: &str, ancestor: &str) -> bool {
        let (Some(&id), Some(&ancestor)) = (self.number.get(id), self.number.get(ancestor)) else { return false };
        self.above[id][ancestor / 64] & (1 << (ancestor % 64)) != 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn ids(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    fn graph(edges: &[(&str, &str)]) -> impl Fn(&str) -> Vec<String> {
        let edges: Vec<(String, String)> =
            edges.iter().map(|(from, to)| ((*from).to_owned(), (*to).to_owned())).collect();
        move |id| edges.iter().filter(|(_, to)| to == id).map(|(from, _)| from.clone()).collect()
    }

    #[test]
    fn a_node_waits_for_tests_of_all_that_is_above_it_but_not_for_tests_across() {
        let parents = graph(&[("a", "b"), ("a", "t_a"), ("a", "t_ab"), ("b", "t_ab"), ("b", "c")]);
        let selected: BTreeSet<String> = ids(&["a", "b", "c", "t_a", "t_ab"]).into_iter().collect();
        let edges = edges(&selected, &parents, &|id| id.starts_with("t_"), true);
        assert_eq!(edges["b"].iter().cloned().collect::<Vec<_>>(), ["a", "t_a"]);
        assert_eq!(edges["c"].iter().cloned().collect::<Vec<_>>(), ["b", "t_a", "t_ab"]);
    }

    #[test]
    fn an_unselected_node_between_two_does_not_part_them() {
        let parents = graph(&[("a", "b"), ("b", "c")]);
        let selected: BTreeSet<String> = ids(&["a", "c"]).into_iter().collect();
        let edges = edges(&selected, &parents, &|_| false, true);
        assert_eq!(edges["c"].iter().cloned().collect::<Vec<_>>(), ["a"]);
    }

    #[test]
    fn a_bad_end_skips_all_behind_it_and_nothing_else() {
        let nodes = ids(&["a", "b", "c", "d"]);
        let edges = BTreeMap::from([
            ("b".to_owned(), BTreeSet::from(["a".to_owned()])),
            ("c".to_owned(), BTreeSet::from(["b".to_owned()])),
        ]);
        let mut queue = Queue::new(&nodes, &edges);
        assert_eq!(queue.next().as_deref(), Some("a"));
        assert_eq!(queue.finish("a", Ended::Badly), ["b", "c"]);
        assert_eq!(queue.next().as_deref(), Some("d"));
        assert_eq!(queue.next(), None);
    }

    proptest! {
        #[test]
        fn every_node_comes_after_all_it_waits_for(raw in proptest::collection::vec((0_usize..12, 0_usize..12), 0..40)) {
            let nodes: Vec<String> = (0..12).map(|n| format!("n{n:02}")).collect();
            let mut edges: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
            for (a, b) in raw.into_iter().filter(|(a, b)| a < b) {
                edges.entry(nodes[b].clone()).or_default().insert(nodes[a].clone());
            }
            let mut queue = Queue::new(&nodes, &edges);
            let mut done: BTreeSet<String> = BTreeSet::new();
            while let Some(id) = queue.next() {
                prop_assert!(edges.get(&id).is_none_or(|before| before.is_subset(&done)));
                queue.finish(&id, Ended::Well);
                done.insert(id);
            }
            prop_assert_eq!(done.len(), nodes.len());
        }
    }
}
