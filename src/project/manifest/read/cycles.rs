//! Nodes that need each other in a circle: each circle is told once, with its path.

use super::reading::Reading;
use crate::error::Error;
use crate::project::manifest::node::Node;
use std::collections::{BTreeMap, HashMap};

/// Tells every circle.
pub fn refuse(reading: &mut Reading<'_>) {
    let parents: BTreeMap<&str, &[String]> =
        reading.nodes.values().map(|node| (node.id.as_str(), node.depends_on.as_slice())).collect();
    let circles = circles(&parents);
    for circle in circles {
        let nodes: Vec<&Node> = circle.iter().filter_map(|id| reading.nodes.get(id)).collect();
        let names: Vec<&str> = nodes.iter().map(|node| node.name.as_str()).collect();
        let message = match nodes.as_slice() {
            [only, _] => format!("{} refers to itself", only.label()),
            _ => format!("models refer to each other in a circle: {}", names.join(" → ")),
        };
        let steps = nodes.iter().zip(nodes.iter().skip(1));
        let steps: Vec<String> = steps
            .map(|(parent, child)| {
                format!("{}: {} reads {}", reading.line_of(child, &parent.name), child.name, parent.name)
            })
            .collect();
        let hint = match nodes.len() {
            2 => "for rows that it made before, write {{ this }}; else name the model that was meant",
            _ => "take one ref() out of the circle, or move what both need into a model of its own",
        };
        reading.problems.push(Error::config(message).detail(steps.join("\n")).hint(hint));
    }
}

/// One circle for each group of nodes that can reach each other: from its first name round to itself.
fn circles(parents: &BTreeMap<&str, &[String]>) -> Vec<Vec<String>> {
    #[derive(Clone, Copy, PartialEq)]
    enum Mark {
        Open,
        Done,
    }
    let mut marks: HashMap<&str, Mark> = HashMap::new();
    let mut found: Vec<Vec<String>> = Vec::new();
    for start in parents.keys() {
        if marks.contains_key(start) {
            continue;
        }
        // A stack of its own, because a chain of models may be thousands long.
        let mut path: Vec<(&str, usize)> = vec![(start, 0)];
        marks.insert(start, Mark::Open);
        while let Some((id, next)) = path.last_mut() {
            let Some(parent) = parents.get(id).and_then(|list| list.get(*next)) else {
                marks.insert(id, Mark::Done);
                path.pop();
                continue;
            };
            *next += 1;
            match marks.get(parent.as_str()) {
                None if parents.contains_key(parent.as_str()) => {
                    marks.insert(parent, Mark::Open);
                    path.push((parent, 0));
                }
                Some(Mark::Open) => {
                    let from = path.iter().position(|(id, _)| id == parent).unwrap_or(0);
                    let mut circle: Vec<String> = path[from..].iter().map(|(id, _)| (*id).to_owned()).collect();
                    // Told in the direction in which rows flow, from the name that comes first.
                    circle.reverse();
                    let least = circle.iter().enumerate().min_by_key(|(_, id)| (*id).clone()).map_or(0, |(at, _)| at);
                    circle.rotate_left(least);
                    circle.push(circle[0].clone());
                    found.push(circle);
                }
                _ => {}
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_circle_is_told_once_from_its_first_name() {
        let lists: Vec<(&str, Vec<String>)> = vec![
            ("a", vec!["c".into()]),
            ("b", vec!["a".into()]),
            ("c", vec!["b".into()]),
            ("d", vec!["a".into(), "d".into()]),
        ];
        let parents: BTreeMap<&str, &[String]> = lists.iter().map(|(id, list)| (*id, list.as_slice())).collect();
        assert_eq!(circles(&parents), [vec!["a", "b", "c", "a"], vec!["d", "d"]]);
    }
}
