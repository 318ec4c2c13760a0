//! `modules.itertools`; what it makes is counted before it is made.

use crate::project::jinja::callable;
use crate::project::jinja::fault::refuse;
use crate::project::jinja::operators::spend;
use crate::project::jinja::values::{List, items};
use minijinja::value::{Rest, Tuple, Value, ValueOrKwargs};
use minijinja::{Error, State};

type Outcome = Result<Value, Error>;

/// The value of `modules.itertools`.
pub(super) fn module() -> Value {
    Value::from_pairs([
        (
            "chain",
            Value::from_function(|state: &mut State, lists: Rest<Value>| -> Outcome {
                rows(state, lists.iter().map(items).collect::<Result<Vec<_>, _>>()?.concat())
            }),
        ),
        (
            "product",
            Value::from_function(|state: &mut State, args: Rest<ValueOrKwargs>| product(state, &args.into_values())),
        ),
        (
            "zip_longest",
            Value::from_function(|state: &mut State, args: Rest<ValueOrKwargs>| {
                zip_longest(state, &args.into_values())
            }),
        ),
        (
            "accumulate",
            Value::from_function(|state: &mut State, list: Value| -> Outcome {
                let mut sums: Vec<Value> = Vec::new();
                for item in items(&list)? {
                    let sum = match sums.last() {
                        Some(last) => state.apply_filter("__add", &[last.clone(), item])?,
                        None => item,
                    };
                    sums.push(sum);
                }
                rows(state, sums)
            }),
        ),
        (
            "islice",
            Value::from_function(|list: Value, start: Value, stop: Option<Value>, step: Option<Value>| -> Outcome {
                let none = || Value::from(());
                let (start, stop) = stop.map_or_else(|| (none(), start.clone()), |stop| (start.clone(), stop));
                let list = List::new(items(&list)?).into_value();
                crate::project::jinja::values::slice(&list, &start, &stop, &step.unwrap_or_else(none))
            }),
        ),
        (
            "combinations",
            Value::from_function(|state: &mut State, list: Value, size: usize| {
                arrangements(state, &items(&list)?, size, true)
            }),
        ),
        (
            "permutations",
            Value::from_function(|state: &mut State, list: Value, size: Option<usize>| -> Outcome {
                let list = items(&list)?;
                let size = size.unwrap_or(list.len());
                arrangements(state, &list, size, false)
            }),
        ),
    ])
}

fn rows(state: &State<'_, '_>, rows: Vec<Value>) -> Outcome {
    spend(state, rows.len().saturating_mul(24))?;
    Ok(List::new(rows).into_value())
}

fn tuples(found: Vec<Vec<Value>>) -> Value {
    List::new(found.into_iter().map(|row| Value::from(Tuple::from(row))).collect()).into_value()
}

fn product(state: &State<'_, '_>, args: &[Value]) -> Outcome {
    let (lists, named) = callable::arguments(args)?;
    let repeat = named.iter().find(|(name, _)| name == "repeat").and_then(|(_, times)| times.as_usize()).unwrap_or(1);
    let lists: Vec<Vec<Value>> = lists.iter().map(items).collect::<Result<_, _>>()?;
    let width = lists.len().saturating_mul(repeat);
    let mut count = 1_usize;
    for list in (0..repeat.min(64)).flat_map(|_| &lists) {
        count = count.saturating_mul(list.len());
    }
    spend(state, count.saturating_mul(width.max(1)).saturating_mul(24))?;
    let mut found: Vec<Vec<Value>> = vec![Vec::new()];
    for list in (0..repeat).flat_map(|_| &lists) {
        found = found
            .iter()
            .flat_map(|row| list.iter().map(move |item| row.iter().chain([item]).cloned().collect()))
            .collect();
    }
    Ok(tuples(found))
}

fn zip_longest(state: &State<'_, '_>, args: &[Value]) -> Outcome {
    let (lists, named) = callable::arguments(args)?;
    let fill = named.into_iter().find(|(name, _)| name == "fillvalue").map_or(Value::from(()), |(_, value)| value);
    let lists: Vec<Vec<Value>> = lists.iter().map(items).collect::<Result<_, _>>()?;
    let longest = lists.iter().map(Vec::len).max().unwrap_or(0);
    spend(state, longest.saturating_mul(lists.len()).saturating_mul(24))?;
    let row = |at: usize| lists.iter().map(|list| list.get(at).unwrap_or(&fill).clone()).collect();
    Ok(tuples((0..longest).map(row).collect()))
}

/// Combinations (`ordered`) or permutations of `size` items, in the order of their places.
fn arrangements(state: &State<'_, '_>, list: &[Value], size: usize, ordered: bool) -> Outcome {
    if size > list.len() {
        return Ok(tuples(Vec::new()));
    }
    if size > 64 {
        return Err(refuse("at most 64 items can be arranged"));
    }
    let mut picked: Vec<Vec<usize>> = vec![Vec::new()];
    for _ in 0..size {
        let mut longer = Vec::new();
        for row in &picked {
            let first = if ordered { row.last().map_or(0, |last| last + 1) } else { 0 };
            for index in (first..list.len()).filter(|index| ordered || !row.contains(index)) {
                longer.push(row.iter().copied().chain([index]).collect::<Vec<_>>());
            }
            spend(state, list.len().saturating_mul(row.len() + 1).saturating_mul(8))?;
        }
        picked = longer;
    }
    Ok(tuples(picked.into_iter().map(|row| row.into_iter().map(|index| list[index].clone()).collect()).collect()))
}
