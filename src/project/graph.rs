//! The graph between names: order, levels, ancestors, descendants, and cycles told as paths.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// Edges from each name to the names it refers to; names that are not keys have no edges.
#[derive(Clone, Debug, Default)]
pub(super) struct Graph {
    parents: BTreeMap<String, Vec<String>>,
    children: BTreeMap<String, Vec<String>>,
}

impl Graph {
    /// A graph of these names; edges to unknown names are left out.
    pub fn new(edges: BTreeMap<String, Vec<String>>) -> Self {
        let known: BTreeSet<String> = edges.keys().cloned().collect();
        let mut graph = Graph::default();
        for (name, parents) in edges {
            let parents: Vec<String> = parents.into_iter().filter(|p| known.contains(p)).collect();
            for parent in &parents {
                graph.children.entry(parent.clone()).or_default().push(name.clone());
            }
            graph.parents.insert(name, parents);
        }
        graph
    }

    /// Names that `name` refers to directly, in order of first mention.
    pub fn parents(&self, name: &str) -> &[String] {
        self.parents.get(name).map_or(&[], Vec::as_slice)
    }

    /// Names that refer to `name` directly.
    pub fn children(&self, name: &str) -> &[String] {
        self.children.get(name).map_or(&[], Vec::as_slice)
    }

    /// All names that `name` needs, up to `depth` steps away.
    pub fn ancestors(&self, name: &str, depth: usize) -> BTreeSet<String> {
        reach(name, depth, |n| self.parents(n))
    }

    /// All names that need `name`, up to `depth` steps away.
    pub fn descendants(&self, name: &str, depth: usize) -> BTreeSet<String> {
        reach(name, depth, |n| self.children(n))
    }

    /// Names by distance from the roots: each level needs only levels before it. Names on a cycle come last, together.
    pub fn levels(&self) -> Vec<Vec<String>> {
        let mut waiting: BTreeMap<&str, usize> =
            self.parents.iter().map(|(name, parents)| (name.as_str(), parents.len())).collect();
        let mut level: Vec<&str> = waiting.iter().filter(|(_, left)| **left == 0).map(|(name, _)| *name).collect();
        let mut levels = Vec::new();
        while !level.is_empty() {
            let mut next = Vec::new();
            for name in &level {
                waiting.remove(name);
                for child in self.children(name) {
                    if let Some(left) = waiting.get_mut(child.as_str()) {
                        *left -= 1;
                        if *left == 0 {
                            next.push(child.as_str());
                        }
                    }
                }
            }
            next.sort_unstable();
            levels.push(level.iter().map(ToString::to_string).collect());
            level = next;
        }
        if !waiting.is_empty() {
            levels.push(waiting.keys().map(ToString::to_string).collect());
        }
        levels
    }

    /// All names, each after all it refers to; the same for the same graph.
    pub fn order(&self) -> Vec<String> {
        self.levels().concat()
    }

    /// One shortest cycle through each knot of the graph, as `[a, b, a]`, where a refers to b.
    pub fn cycles(&self) -> Vec<Vec<String>> {
        let mut told: BTreeSet<String> = BTreeSet::new();
        let mut cycles = Vec::new();
        for name in self.parents.keys() {
            if told.contains(name) {
                continue;
            }
            if let Some(cycle) = self.cycle_through(name) {
                let needed = self.ancestors(name, usize::MAX);
                told.extend(self.descendants(name, usize::MAX).intersection(&needed).cloned());
                cycles.push(cycle);
            }
        }
        cycles
    }

    fn cycle_through(&self, start: &str) -> Option<Vec<String>> {
        let mut came_from: BTreeMap<&str, &str> = BTreeMap::new();
        let mut queue = VecDeque::from([start]);
        while let Some(name) = queue.pop_front() {
            for parent in self.parents(name) {
                if parent == start {
                    let mut path = vec![start.to_owned()];
                    let mut step = name;
                    while step != start {
                        path.push(step.to_owned());
                        step = came_from.get(step)?;
                    }
                    path.push(start.to_owned());
                    path.reverse();
                    return Some(path);
                }
                if !came_from.contains_key(parent.as_str()) {
                    came_from.insert(parent, name);
                    queue.push_back(parent);
                }
            }
        }
        None
    }
}

fn reach<'a>(start: &str, depth: usize, next: impl Fn(&str) -> &'a [String]) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut frontier = vec![start.to_owned()];
    for _ in 0..depth {
        frontier = frontier.iter().flat_map(|n| next(n)).filter(|n| found.insert((*n).clone())).cloned().collect();
        if frontier.is_empty() {
            break;
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn graph(edges: &[(&str, &[&str])]) -> Graph {
        Graph::new(edges.iter().map(|(n, p)| ((*n).into(), p.iter().map(ToString::to_string).collect())).collect())
    }

    #[test]
    fn cycles_are_told_once_as_the_shortest_path() {
        let knots = graph(&[("a", &["b"]), ("b", &["c", "a"]), ("c", &["a"]), ("d", &["d"]), ("e", &["a"])]);
        assert_eq!(knots.cycles(), [vec!["a", "b", "a"], vec!["d", "d"]]);
        assert_eq!(knots.order().len(), 5);
    }

    #[test]
    fn reach_counts_steps_and_never_turns_in_circles() {
        let line = graph(&[("a", &[]), ("b", &["a"]), ("c", &["b"]), ("d", &["c", "nowhere"])]);
        assert_eq!(line.ancestors("d", 2), BTreeSet::from(["b".into(), "c".into()]));
        assert_eq!(line.descendants("a", usize::MAX).len(), 3);
        let ring = graph(&[("a", &["b"]), ("b", &["a"])]);
        assert_eq!(ring.ancestors("a", usize::MAX).len(), 2);
    }

    #[test]
    fn levels_hold_what_can_be_built_together() {
        let diamond = graph(&[("top", &[]), ("left", &["top"]), ("right", &["top"]), ("bottom", &["left", "right"])]);
        assert_eq!(diamond.levels(), [vec!["top"], vec!["left", "right"], vec!["bottom"]]);
    }

    proptest! {
        /// Node i may refer to nodes before it only, under shuffled names: a random graph without cycles.
        #[test]
        fn order_puts_every_name_after_all_it_refers_to(
            picks in prop::collection::vec(prop::collection::vec(any::<prop::sample::Index>(), 0..4), 1..30),
            shuffle in prop::collection::vec(any::<u16>(), 30),
        ) {
            let name = |i: usize| format!("m{}_{i}", shuffle[i]);
            let edges: BTreeMap<String, Vec<String>> = picks.iter().enumerate().map(|(i, picks)| {
                let parents: BTreeSet<usize> = picks.iter().filter(|_| i > 0).map(|p| p.index(i)).collect();
                (name(i), parents.into_iter().map(name).collect())
            }).collect();
            let graph = Graph::new(edges.clone());
            let order = graph.order();
            prop_assert_eq!(order.len(), edges.len());
            prop_assert!(graph.cycles().is_empty());
            let place: BTreeMap<&String, usize> = order.iter().enumerate().map(|(i, n)| (n, i)).collect();
            for (name, parents) in &edges {
                for parent in parents {
                    prop_assert!(place[parent] < place[name], "{} before {}", parent, name);
                }
            }
        }
    }
}
