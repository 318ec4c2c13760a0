//! `diff_of_two_dicts`: what of the grants of a config the database has not, or the other way round.

use super::containers::{dict, list};
use minijinja::{Error, Value};

/// `diff_of_two_dicts(a, b)`: lists of `a` by key, without what `b` has under the same key; case does not count.
pub fn diff_of_two_dicts() -> Value {
    Value::from_function(difference)
}

// The engine hands arguments of a function by value.
#[allow(clippy::needless_pass_by_value)]
fn difference(left: Value, right: Value) -> Result<Value, Error> {
    let mut taken: Vec<(String, Vec<String>)> = Vec::new();
    for key in right.try_iter()? {
        let values = right.get_item(&key)?.try_iter()?.map(|value| value.to_string().to_lowercase()).collect();
        taken.push((key.to_string().to_lowercase(), values));
    }
    let mut remaining = Vec::new();
    for key in left.try_iter()? {
        let name = key.to_string().to_lowercase();
        let known = taken.iter().find(|(known, _)| *known == name);
        let has = |value: &Value| known.is_some_and(|(_, values)| values.contains(&value.to_string().to_lowercase()));
        let values: Vec<Value> = left.get_item(&key)?.try_iter()?.filter(|value| !has(value)).collect();
        if known.is_none() || !values.is_empty() {
            remaining.push((key, list(values)));
        }
    }
    Ok(dict(remaining))
}

#[cfg(test)]
mod tests {
    use super::super::fake;

    #[test]
    fn what_is_on_both_sides_is_left_out_in_any_case() {
        let text = "{{ diff_of_two_dicts({'select': ['Ann', 'bob'], 'insert': ['ann']}, {'SELECT': ['ann'], 'insert': ['ann']}) }}";
        assert_eq!(fake::render(&fake::parsing(), text), "{'select': ['bob']}");
        assert_eq!(fake::render(&fake::parsing(), "{{ diff_of_two_dicts({}, {'a': ['b']}) }}"), "{}");
    }
}
