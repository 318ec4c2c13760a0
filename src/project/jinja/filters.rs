//! The filters of Jinja2 that the engine lacks, bounds differently or answers with values that cannot change.

use super::arguments::Arguments;
use super::format;
use super::json::{self, Layout};
use super::operators::{float, spend};
use super::python::{pad, replace, shown};
use super::values::{Dict, List, display, items, pairs_of};
use minijinja::filters as engine;
use minijinja::value::{Rest, Tuple, Value, ValueKind, ValueOrKwargs};
use minijinja::{Environment, Error, State};

type Outcome = Result<Value, Error>;

/// Gives the environment the filters.
pub(super) fn install(env: &mut Environment<'_>) {
    super::native::install(env);
    env.add_filter("string", |state: &mut State, value: Value| shown(state, &value));
    env.add_filter("list", |state: &mut State, value: Value| list_of(state, items(&value)?));
    for name in ["length", "count"] {
        env.add_filter(name, |value: Value| -> Result<usize, Error> {
            // An undefined value is empty to dbt.
            Ok(if value.is_undefined() {
                0
            } else {
                value.len().map_or_else(|| items(&value).map(|all| all.len()), Ok)?
            })
        });
    }
    env.add_filter("join", join);
    env.add_filter("replace", |state: &mut State, value: Value, old: Value, new: Value, count: Option<i64>| {
        replace(state, &display(&value), &display(&old), &display(&new), count.unwrap_or(-1))
    });
    env.add_filter("format", |state: &mut State, text: Value, values: Rest<Value>| -> Outcome {
        let formatted = format::printf_with(&display(&text), &values)?;
        spend(state, formatted.len())?;
        Ok(Value::from(formatted))
    });
    env.add_filter("title", |value: Value| super::python::title(&display(&value)));
    env.add_filter("center", |state: &mut State, value: Value, width: Option<usize>| {
        pad(state, &display(&value), width.unwrap_or(80), " ", "center")
    });
    env.add_filter("indent", indent);
    env.add_filter("wordwrap", wordwrap);
    env.add_filter("truncate", truncate);
    env.add_filter("striptags", |value: Value| striptags(&display(&value)));
    env.add_filter("wordcount", |value: Value| display(&value).split_whitespace().count());
    env.add_filter("int", |value: Value, args: Rest<ValueOrKwargs>| -> Outcome {
        let mut given = Arguments::new("int", &args.into_values())?;
        let default = given.optional("default").unwrap_or(Value::from(0));
        Ok(to_int(&value).unwrap_or(default))
    });
    env.add_filter("float", |value: Value, args: Rest<ValueOrKwargs>| -> Outcome {
        let mut given = Arguments::new("float", &args.into_values())?;
        let default = given.optional("default").unwrap_or(Value::from(0.0));
        let parsed = match value.as_str() {
            Some(text) => text.trim().parse::<f64>().ok(),
            None => float(&value),
        };
        Ok(parsed.map_or(default, Value::from))
    });
    env.add_filter("default", default);
    env.add_filter("d", default);
    env.add_filter("tojson", |value: Value, args: Rest<ValueOrKwargs>| -> Outcome {
        let mut given = Arguments::new("tojson", &args.into_values())?;
        let indent = given.optional("indent").and_then(|indent| indent.as_usize()).map(|indent| indent.min(16));
        let text = json::dump(&value, Layout { sorted: true, indent })?;
        // As Jinja2: safe inside of HTML.
        let text = text.replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026");
        Ok(Value::from(text.replace('\'', "\\u0027")))
    });
    install_sequences(env);
}

/// Filters that give lists: theirs can change, as Python's do.
fn install_sequences(env: &mut Environment<'_>) {
    // The engine's own answers, made into lists that can change.
    wrap(env, "map", Value::from_function(engine::map));
    wrap(env, "select", Value::from_function(engine::select));
    wrap(env, "reject", Value::from_function(engine::reject));
    wrap(env, "selectattr", Value::from_function(engine::selectattr));
    wrap(env, "rejectattr", Value::from_function(engine::rejectattr));
    wrap(env, "batch", Value::from_function(engine::batch));
    wrap(env, "slice", Value::from_function(engine::slice));
    wrap(env, "reverse", Value::from_function(engine::reverse));
    wrap(env, "unique", Value::from_function(engine::unique));
    wrap(env, "groupby", Value::from_function(engine::groupby));
    env.add_filter("sort", |state: &mut State, value: Value, args: Rest<ValueOrKwargs>| -> Outcome {
        let mut given = Arguments::new("sort", &args.into_values())?;
        let reverse = given.flag("reverse", false);
        let case_sensitive = given.flag("case_sensitive", false);
        let attribute = given.text("attribute")?;
        given.finish()?;
        let mut keyed: Vec<(Vec<Value>, Value)> = items(&value)?
            .into_iter()
            .map(|item| Ok((keys(&item, attribute.as_deref(), case_sensitive)?, item)))
            .collect::<Result<_, Error>>()?;
        keyed.sort_by(|a, b| if reverse { b.0.cmp(&a.0) } else { a.0.cmp(&b.0) });
        list_of(state, keyed.into_iter().map(|(_, item)| item).collect())
    });
    for (name, wants_greatest) in [("min", false), ("max", true)] {
        env.add_filter(name, move |value: Value, args: Rest<ValueOrKwargs>| -> Outcome {
            let mut given = Arguments::new(name, &args.into_values())?;
            let case_sensitive = given.flag("case_sensitive", false);
            let attribute = given.text("attribute")?;
            given.finish()?;
            let mut best: Option<(Vec<Value>, Value)> = None;
            for item in items(&value)? {
                let key = keys(&item, attribute.as_deref(), case_sensitive)?;
                let better =
                    best.as_ref().is_none_or(|(found, _)| if wants_greatest { key > *found } else { key < *found });
                if better {
                    best = Some((key, item));
                }
            }
            Ok(best.map_or(Value::UNDEFINED, |(_, item)| item))
        });
    }
    env.add_filter("sum", |state: &mut State, value: Value, args: Rest<ValueOrKwargs>| -> Outcome {
        let mut given = Arguments::new("sum", &args.into_values())?;
        let attribute = given.text("attribute")?;
        let mut total = given.optional("start").unwrap_or(Value::from(0));
        given.finish()?;
        for item in items(&value)? {
            let item = match &attribute {
                Some(path) => attribute_of(&item, path)?,
                None => item,
            };
            total = state.apply_filter("__add", &[total, item])?;
        }
        Ok(total)
    });
    env.add_filter("dictsort", |state: &mut State, value: Value, args: Rest<ValueOrKwargs>| -> Outcome {
        let mut given = Arguments::new("dictsort", &args.into_values())?;
        let (case_sensitive, by) = (given.flag("case_sensitive", false), given.text("by")?);
        let reverse = given.flag("reverse", false);
        given.finish()?;
        let at = usize::from(by.as_deref() == Some("value"));
        let mut pairs: Vec<[Value; 2]> = pairs_of(&value)?.into_iter().map(|(key, item)| [key, item]).collect();
        pairs.sort_by_cached_key(|pair| folded(&pair[at], case_sensitive));
        if reverse {
            pairs.reverse();
        }
        list_of(state, pairs.into_iter().map(|pair| Value::from(Tuple::from(pair))).collect())
    });
    env.add_filter("items", |state: &mut State, value: Value| -> Outcome {
        let pairs = if value.is_undefined() { Vec::new() } else { pairs_of(&value)? };
        list_of(state, pairs.into_iter().map(|(key, item)| Value::from(Tuple::from([key, item]))).collect())
    });
    env.add_filter("dict", |value: Value| -> Outcome { Ok(Dict::from_pairs(pairs_of(&value)?).into_value()) });
}

/// One of the engine's filters, with its answer as a list that can change.
fn wrap(env: &mut Environment<'_>, name: &'static str, filter: Value) {
    env.add_filter(name, move |state: &mut State, args: Rest<ValueOrKwargs>| -> Outcome {
        let found = filter.call(state, &args.into_values())?;
        if found.as_str().is_some() {
            return Ok(found);
        }
        let mut all = items(&found)?;
        if matches!(name, "batch" | "slice") {
            all = all.iter().map(|row| Ok(List::new(items(row)?).into_value())).collect::<Result<_, Error>>()?;
        }
        list_of(state, all)
    });
}

fn list_of(state: &State<'_, '_>, items: Vec<Value>) -> Outcome {
    spend(state, items.len().saturating_mul(24))?;
    Ok(List::new(items).into_value())
}

/// Follows `a.b.0`.
fn attribute_of(value: &Value, path: &str) -> Outcome {
    let mut found = value.clone();
    for step in path.split('.') {
        let key = step.parse::<i64>().map_or_else(|_| Value::from(step), Value::from);
        found = if found.is_undefined() { found } else { found.get_item(&key)? };
    }
    Ok(found)
}

fn keys(item: &Value, attributes: Option<&str>, case_sensitive: bool) -> Result<Vec<Value>, Error> {
    match attributes {
        None => Ok(vec![folded(item, case_sensitive)]),
        Some(paths) => {
            paths.split(',').map(|path| Ok(folded(&attribute_of(item, path.trim())?, case_sensitive))).collect()
        }
    }
}

fn folded(value: &Value, case_sensitive: bool) -> Value {
    match value.as_str() {
        Some(text) if !case_sensitive => Value::from(text.to_lowercase()),
        _ => value.clone(),
    }
}

fn join(state: &mut State, value: &Value, args: Rest<ValueOrKwargs>) -> Outcome {
    let mut given = Arguments::new("join", &args.into_values())?;
    let separator = given.optional("d").map(|separator| display(&separator)).unwrap_or_default();
    let path = given.text("attribute")?;
    given.finish()?;
    let mut parts = Vec::new();
    for item in items(value)? {
        parts.push(display(&match &path {
            Some(path) => attribute_of(&item, path)?,
            None => item,
        }));
    }
    spend(state, parts.iter().map(|part| part.len() + separator.len()).sum())?;
    Ok(Value::from(parts.join(&separator)))
}

fn default(value: Value, args: Rest<ValueOrKwargs>) -> Outcome {
    let mut given = Arguments::new("default", &args.into_values())?;
    let other = given.optional("default_value").unwrap_or(Value::from(""));
    let boolean = given.flag("boolean", false);
    given.finish()?;
    let is_missing = value.is_undefined() || (boolean && !value.is_true());
    Ok(if is_missing { other } else { value })
}

fn to_int(value: &Value) -> Option<Value> {
    match value.kind() {
        ValueKind::Bool => Some(Value::from(i64::from(value.is_true()))),
        ValueKind::Number if value.is_integer() => Some(value.clone()),
        ValueKind::Number => {
            let whole = float(value)?.trunc();
            // The bounds are exact in f64; beyond them the cast would not be.
            #[expect(clippy::cast_possible_truncation, reason = "the range is checked")]
            (whole.abs() < 9.0e18).then(|| Value::from(whole as i64))
        }
        ValueKind::String => {
            let text = value.as_str()?.trim().replace('_', "");
            let parsed = text.parse::<i64>().ok().map(Value::from);
            parsed.or_else(|| to_int(&Value::from(text.parse::<f64>().ok().filter(|found| found.is_finite())?)))
        }
        _ => None,
    }
}

fn indent(state: &mut State, value: &Value, args: Rest<ValueOrKwargs>) -> Outcome {
    let mut given = Arguments::new("indent", &args.into_values())?;
    let width = given.optional("width").unwrap_or(Value::from(4));
    let (first, blank) = (given.flag("first", false), given.flag("blank", false));
    given.finish()?;
    let text = display(value);
    let wide =
        width.as_str().map_or_else(|| width.as_i64().unwrap_or(0), |text| i64::try_from(text.len()).unwrap_or(0));
    let wide = usize::try_from(wide).unwrap_or(0);
    spend(state, text.len().saturating_add(wide.saturating_mul(text.matches('\n').count() + 1)))?;
    let prefix = width.as_str().map_or_else(|| " ".repeat(wide), str::to_owned);
    let mut out = String::new();
    for (index, line) in text.split('\n').enumerate() {
        if index > 0 {
            out.push('\n');
        }
        let wanted = if index == 0 { first } else { blank || !line.trim().is_empty() };
        out.push_str(if wanted { &prefix } else { "" });
        out.push_str(line);
    }
    Ok(Value::from(out))
}

fn wordwrap(state: &mut State, value: &Value, args: Rest<ValueOrKwargs>) -> Outcome {
    let mut given = Arguments::new("wordwrap", &args.into_values())?;
    let width = usize::try_from(given.integer("width", 79)?).unwrap_or(79).max(1);
    let breaks = given.flag("break_long_words", true);
    let line_end = given.text("wrapstring")?.unwrap_or_else(|| "\n".to_owned());
    given.finish()?;
    let text = display(value);
    spend(state, text.len().saturating_mul(1 + line_end.len()))?;
    let mut lines = Vec::new();
    for paragraph in text.lines() {
        let mut line = String::new();
        for word in paragraph.split_whitespace() {
            let mut word: Vec<char> = word.chars().collect();
            if !line.is_empty() && line.chars().count() + 1 + word.len() > width {
                lines.push(std::mem::take(&mut line));
            }
            while breaks && word.len() > width {
                lines.push(word.drain(..width).collect());
            }
            if !line.is_empty() {
                line.push(' ');
            }
            line.extend(word);
        }
        lines.push(line);
    }
    Ok(Value::from(lines.join(&line_end)))
}

fn truncate(value: &Value, args: Rest<ValueOrKwargs>) -> Outcome {
    let mut given = Arguments::new("truncate", &args.into_values())?;
    let length = usize::try_from(given.integer("length", 255)?).unwrap_or(0);
    let kills_words = given.flag("killwords", false);
    let end = given.text("end")?.unwrap_or_else(|| "...".to_owned());
    let leeway = usize::try_from(given.integer("leeway", 5)?).unwrap_or(0);
    given.finish()?;
    let text = display(value);
    if text.chars().count() <= length + leeway {
        return Ok(Value::from(text));
    }
    let kept: String = text.chars().take(length.saturating_sub(end.chars().count())).collect();
    let kept =
        if kills_words { kept.as_str() } else { kept.rsplit_once(' ').map_or(kept.as_str(), |(before, _)| before) };
    Ok(Value::from(format!("{kept}{end}")))
}

fn striptags(text: &str) -> String {
    let mut out = String::new();
    let mut in_tag = false;
    for letter in text.chars() {
        match letter {
            '<' => in_tag = true,
            '>' => in_tag = false,
            c if !in_tag => out.push(c),
            _ => {}
        }
    }
    out.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_jinja_reads_them() {
        for (given, expected) in [("42", 42), (" 7 ", 7), ("3.9", 3), ("1_000", 1000)] {
            assert_eq!(to_int(&Value::from(given)), Some(Value::from(expected)));
        }
        assert_eq!(to_int(&Value::from("x")), None);
        assert_eq!(striptags("<b>a</b>  <i>b</i>"), "a b");
    }
}
