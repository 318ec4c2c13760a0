//! Methods of Python's `str`, `int`, `float` and `tuple`, and of mappings that the engine made.

use super::arguments::Arguments;
use super::fault::{limit, refuse};
use super::format;
use super::operators::spend;
use super::values::{List, display, items, type_name};
use minijinja::value::{Tuple, Value, ValueKind};
use minijinja::{Error, ErrorKind, State};

/// Widest text that padding makes.
const WIDEST: usize = 1 << 20;

/// Called by the engine for methods that a value does not have itself.
pub(super) fn method(state: &mut State<'_, '_>, value: &Value, name: &str, args: &[Value]) -> Result<Value, Error> {
    match value.kind() {
        ValueKind::Undefined => {
            Err(Error::new(ErrorKind::UndefinedError, format!("a value is undefined, so it has no '{name}'")))
        }
        ValueKind::String => text_method(state, value.as_str().unwrap_or_default(), name, args),
        ValueKind::Map => mapping_method(state, value, name, args),
        ValueKind::Seq | ValueKind::Iterable => sequence_method(value, name, args),
        ValueKind::Number | ValueKind::Bool => number_method(value, name, args),
        _ => Err(unknown(value, name)),
    }
}

fn unknown(value: &Value, name: &str) -> Error {
    Error::new(ErrorKind::UnknownMethod, format!("'{}' object has no attribute '{name}'", type_name(value)))
}

fn number_method(value: &Value, name: &str, args: &[Value]) -> Result<Value, Error> {
    Arguments::new(name, args)?.finish()?;
    let float = super::operators::float(value).unwrap_or_default();
    match name {
        "is_integer" => Ok(Value::from(float.fract() == 0.0)),
        "bit_length" if value.is_integer() => {
            let bits = i128::try_from(value.clone()).map_or(0, |number| 128 - number.unsigned_abs().leading_zeros());
            Ok(Value::from(bits))
        }
        _ => Err(unknown(value, name)),
    }
}

fn sequence_method(value: &Value, name: &str, args: &[Value]) -> Result<Value, Error> {
    let mut given = Arguments::new(name, args)?;
    let wanted = given.optional("value").unwrap_or_default();
    given.finish()?;
    let found = items(value)?;
    match name {
        "count" => Ok(Value::from(found.iter().filter(|item| **item == wanted).count())),
        "index" => {
            let at = found.iter().position(|item| *item == wanted);
            Ok(Value::from(at.ok_or_else(|| refuse("the value is not in the sequence"))?))
        }
        "copy" => Ok(List::new(found).into_value()),
        // A list that the engine or the host made: it is a value of its own, and has no name for its changed self.
        "append" | "extend" | "insert" | "pop" | "remove" | "sort" | "reverse" | "clear" if !value.is_tuple() => {
            Err(refuse(format!("this list cannot change; make a copy with `| list` before .{name}()")))
        }
        _ => Err(unknown(value, name)),
    }
}

fn mapping_method(state: &mut State<'_, '_>, value: &Value, name: &str, args: &[Value]) -> Result<Value, Error> {
    match name {
        "get" => {
            let mut given = Arguments::new(name, args)?;
            let (key, default) = (given.required("key")?, given.optional("default"));
            given.finish()?;
            let found = value.as_object().and_then(|object| object.get_value(&key));
            Ok(found.or(default).unwrap_or(Value::from(())))
        }
        "keys" | "values" | "items" | "copy" => {
            let pairs = super::values::pairs_of(value)?;
            spend(state, pairs.len() * 48)?;
            let copy = Value::from_object(super::values::Dict::from_pairs(pairs));
            copy.call_method(state, name, args)
        }
        "update" | "pop" | "setdefault" | "clear" | "popitem" => {
            Err(refuse(format!("this mapping cannot change; make a copy with dict(...) before .{name}()")))
        }
        _ => Err(unknown(value, name)),
    }
}

fn strings(parts: impl IntoIterator<Item = impl Into<String>>) -> Value {
    List::new(parts.into_iter().map(|part| Value::from(part.into())).collect()).into_value()
}

fn text_method(state: &mut State<'_, '_>, text: &str, name: &str, args: &[Value]) -> Result<Value, Error> {
    if name == "format" {
        let formatted = format::str_format(text, args)?;
        spend(state, formatted.len())?;
        return Ok(Value::from(formatted));
    }
    let mut given = Arguments::new(name, args)?;
    let all = |test: fn(char) -> bool| !text.is_empty() && text.chars().all(test);
    let result = match name {
        "upper" => Value::from(text.to_uppercase()),
        "lower" | "casefold" => Value::from(text.to_lowercase()),
        "title" => Value::from(title(text)),
        "capitalize" => Value::from(capitalize(text)),
        "swapcase" => {
            let swap = |c: char| -> String {
                if c.is_uppercase() { c.to_lowercase().collect() } else { c.to_uppercase().collect() }
            };
            Value::from(text.chars().map(swap).collect::<String>())
        }
        "strip" | "lstrip" | "rstrip" => {
            let letters = given.text("chars")?;
            let cut = |c: char| letters.as_ref().map_or(c.is_whitespace(), |letters| letters.contains(c));
            let from_left = if name == "rstrip" { text } else { text.trim_start_matches(cut) };
            Value::from(if name == "lstrip" { from_left } else { from_left.trim_end_matches(cut) })
        }
        "split" | "rsplit" => {
            let (separator, most) = (given.text("sep")?, given.integer("maxsplit", -1)?);
            strings(split(text, separator.as_deref(), most, name == "rsplit")?)
        }
        "splitlines" => {
            let keep = given.flag("keepends", false);
            let lines =
                text.split_inclusive('\n').map(|line| if keep { line } else { line.trim_end_matches(['\n', '\r']) });
            strings(lines)
        }
        "join" => {
            let parts = items(&given.required("iterable")?)?;
            let parts: Result<Vec<&str>, Error> = parts
                .iter()
                .map(|part| {
                    let wrong = || refuse(format!("join() needs strings, not '{}'", type_name(part)));
                    part.as_str().ok_or_else(wrong)
                })
                .collect();
            let parts = parts?;
            let bytes: usize = parts.iter().map(|part| part.len() + text.len()).sum();
            spend(state, bytes)?;
            Value::from(parts.join(text))
        }
        "replace" => {
            let (old, new) = (given.required_text("old")?, given.required_text("new")?);
            let count = given.integer("count", -1)?;
            Value::from(replace(state, text, &old, &new, count)?)
        }
        "startswith" | "endswith" => {
            let wanted = given.required("prefix")?;
            let wanted = if wanted.as_str().is_some() { vec![wanted] } else { items(&wanted)? };
            let fits = |part: &Value| {
                part.as_str().is_some_and(|part| {
                    if name == "startswith" { text.starts_with(part) } else { text.ends_with(part) }
                })
            };
            Value::from(wanted.iter().any(fits))
        }
        "find" | "index" | "rfind" | "rindex" => {
            let wanted = given.required_text("sub")?;
            let start = usize::try_from(given.integer("start", 0)?.max(0)).unwrap_or(0);
            let from = text.char_indices().nth(start).map_or(text.len(), |(at, _)| at);
            let rest = &text[from..];
            let at = if name.starts_with('r') { rest.rfind(&wanted) } else { rest.find(&wanted) };
            match at {
                Some(at) => Value::from(text[..from + at].chars().count()),
                None if name.ends_with("find") => Value::from(-1),
                None => return Err(refuse("substring not found")),
            }
        }
        "count" => {
            let wanted = given.required_text("sub")?;
            let empty = wanted.is_empty();
            Value::from(if empty { text.chars().count() + 1 } else { text.matches(&wanted).count() })
        }
        "zfill" | "ljust" | "rjust" | "center" => {
            let width = usize::try_from(given.required_integer("width")?.max(0)).unwrap_or(usize::MAX);
            let fill = given.text("fillchar")?.unwrap_or_else(|| if name == "zfill" { "0" } else { " " }.to_owned());
            Value::from(pad(state, text, width, &fill, name)?)
        }
        "isdigit" | "isdecimal" | "isnumeric" => Value::from(all(char::is_numeric)),
        "isalpha" => Value::from(all(char::is_alphabetic)),
        "isalnum" => Value::from(all(char::is_alphanumeric)),
        "isspace" => Value::from(all(char::is_whitespace)),
        "isascii" => Value::from(text.is_ascii()),
        "islower" => Value::from(text.chars().any(char::is_lowercase) && !text.chars().any(char::is_uppercase)),
        "isupper" => Value::from(text.chars().any(char::is_uppercase) && !text.chars().any(char::is_lowercase)),
        "istitle" => Value::from(text.chars().any(char::is_alphabetic) && title(text) == text),
        "isidentifier" => {
            let first = text.chars().next().is_some_and(|c| c.is_alphabetic() || c == '_');
            Value::from(first && text.chars().all(|c| c.is_alphanumeric() || c == '_'))
        }
        // Templates have no bytes; what is encoded is hashed or printed, and both take text.
        "encode" | "decode" => {
            let _ = (given.optional("encoding"), given.optional("errors"));
            Value::from(text)
        }
        "removeprefix" => {
            let prefix = given.required_text("prefix")?;
            Value::from(text.strip_prefix(&*prefix).unwrap_or(text))
        }
        "removesuffix" => {
            let suffix = given.required_text("suffix")?;
            Value::from(text.strip_suffix(&*suffix).unwrap_or(text))
        }
        "partition" | "rpartition" => {
            let separator = given.required_text("sep")?;
            let last = name == "rpartition";
            let cut = if last { text.rsplit_once(&*separator) } else { text.split_once(&*separator) };
            let three = match cut {
                Some((before, after)) => [before, &separator, after],
                None if last => ["", "", text],
                None => [text, "", ""],
            };
            Value::from(Tuple::from(three.map(Value::from)))
        }
        "expandtabs" => Value::from(text.replace('\t', "        ")),
        _ => return Err(Error::new(ErrorKind::UnknownMethod, format!("'str' object has no attribute '{name}'"))),
    };
    given.finish()?;
    Ok(result)
}

/// As `str.title`: a letter is upper where no letter stands before it.
pub(super) fn title(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut inside = false;
    for letter in text.chars() {
        if inside {
            out.extend(letter.to_lowercase());
        } else {
            out.extend(letter.to_uppercase());
        }
        inside = letter.is_alphabetic();
    }
    out
}

fn capitalize(text: &str) -> String {
    let mut letters = text.chars();
    letters
        .next()
        .map_or_else(String::new, |first| first.to_uppercase().collect::<String>() + &letters.as_str().to_lowercase())
}

fn split(text: &str, separator: Option<&str>, most: i64, from_right: bool) -> Result<Vec<String>, Error> {
    let most = usize::try_from(most).unwrap_or(usize::MAX);
    let parts = match separator {
        Some("") => return Err(refuse("empty separator")),
        Some(separator) if from_right => {
            let mut parts: Vec<&str> = text.rsplitn(most.saturating_add(1), separator).collect();
            parts.reverse();
            parts
        }
        Some(separator) => text.splitn(most.saturating_add(1), separator).collect(),
        None => split_at_space(text, most, from_right),
    };
    Ok(parts.into_iter().map(str::to_owned).collect())
}

/// Without a separator, runs of white space divide, and none of it is kept at the ends.
fn split_at_space(text: &str, most: usize, from_right: bool) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut rest = text.trim();
    while !rest.is_empty() {
        let gap = if from_right { rest.rfind(char::is_whitespace) } else { rest.find(char::is_whitespace) };
        let Some(at) = gap.filter(|_| parts.len() < most) else {
            parts.push(rest);
            break;
        };
        if from_right {
            parts.push(rest[at..].trim_start());
            rest = rest[..at].trim_end();
        } else {
            parts.push(&rest[..at]);
            rest = rest[at..].trim_start();
        }
    }
    if from_right {
        parts.reverse();
    }
    parts
}

/// `str.replace`, counted before it is made.
pub(super) fn replace(state: &State<'_, '_>, text: &str, old: &str, new: &str, count: i64) -> Result<String, Error> {
    let found = if old.is_empty() { text.chars().count() + 1 } else { text.matches(old).count() };
    let times = usize::try_from(count).unwrap_or(usize::MAX).min(found);
    spend(state, text.len().saturating_add(times.saturating_mul(new.len())))?;
    Ok(text.replacen(old, new, times))
}

/// Pads on one side or both, up to a limit.
pub(super) fn pad(state: &State<'_, '_>, text: &str, width: usize, fill: &str, how: &str) -> Result<String, Error> {
    let missing = width.saturating_sub(text.chars().count());
    if missing > WIDEST {
        return Err(limit(format!("{how}() may not make more than {WIDEST} characters")));
    }
    spend(state, text.len() + missing.saturating_mul(fill.len()))?;
    Ok(match how {
        "ljust" => format!("{text}{}", fill.repeat(missing)),
        "rjust" => format!("{}{text}", fill.repeat(missing)),
        "center" => {
            let left = missing / 2 + (missing & width & 1);
            format!("{}{text}{}", fill.repeat(left), fill.repeat(missing - left))
        }
        _ => {
            let (sign, digits) = text.split_at(usize::from(text.starts_with(['-', '+'])));
            format!("{sign}{}{digits}", fill.repeat(missing))
        }
    })
}

/// `str(x)` counted.
pub(super) fn shown(state: &State<'_, '_>, value: &Value) -> Result<String, Error> {
    let text = display(value);
    spend(state, text.len())?;
    Ok(text)
}
