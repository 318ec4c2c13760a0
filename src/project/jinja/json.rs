//! JSON as Python's `json.dumps` writes it, and YAML that any YAML reader takes back.

use super::fault::refuse;
use super::values::{Dict, List, display, float_text, items, pairs_of, type_name};
use minijinja::Error;
use minijinja::value::{Value, ValueKind};
use std::fmt::Write;

/// Deepest nesting that is written.
const DEEPEST: usize = 60;

/// How JSON is laid out.
#[derive(Clone, Copy, Default)]
pub(super) struct Layout {
    /// Keys in order of the alphabet.
    pub sorted: bool,
    /// Spaces of one level; `None` for one line.
    pub indent: Option<usize>,
}

/// `json.dumps(value)`
pub(super) fn dump(value: &Value, layout: Layout) -> Result<String, Error> {
    let mut out = String::new();
    write_json(&mut out, value, layout, 0)?;
    Ok(out)
}

fn write_json(out: &mut String, value: &Value, layout: Layout, depth: usize) -> Result<(), Error> {
    if depth > DEEPEST {
        return Err(refuse("the value is nested too deeply for JSON"));
    }
    match value.kind() {
        ValueKind::None => out.push_str("null"),
        ValueKind::Bool => out.push_str(if value.is_true() { "true" } else { "false" }),
        ValueKind::Number => match f64::try_from(value.clone()).ok().filter(|_| !value.is_integer()) {
            Some(float) => out.push_str(&float_text(float)),
            None => out.push_str(&value.to_string()),
        },
        ValueKind::String => write_text(out, value.as_str().unwrap_or_default()),
        ValueKind::Map => {
            let mut pairs = pairs_of(value)?;
            if layout.sorted {
                pairs.sort_by(|a, b| a.0.cmp(&b.0));
            }
            out.push('{');
            for (index, (key, item)) in pairs.iter().enumerate() {
                separate(out, index, layout, depth + 1);
                let key = match key.kind() {
                    ValueKind::None => "null".to_owned(),
                    ValueKind::Bool => display(key).to_lowercase(),
                    ValueKind::String | ValueKind::Number => display(key),
                    _ => return Err(refuse(format!("a key of JSON cannot be a '{}'", type_name(key)))),
                };
                write_text(out, &key);
                out.push_str(": ");
                write_json(out, item, layout, depth + 1)?;
            }
            close(out, pairs.is_empty(), layout, depth, '}');
        }
        ValueKind::Seq | ValueKind::Iterable if type_name(value) != "set" => {
            let items = items(value)?;
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                separate(out, index, layout, depth + 1);
                write_json(out, item, layout, depth + 1)?;
            }
            close(out, items.is_empty(), layout, depth, ']');
        }
        _ => return Err(refuse(format!("a value of type '{}' cannot be written as JSON", type_name(value)))),
    }
    Ok(())
}

fn separate(out: &mut String, index: usize, layout: Layout, depth: usize) {
    match layout.indent {
        Some(indent) => {
            out.push_str(if index > 0 { ",\n" } else { "\n" });
            out.extend(std::iter::repeat_n(' ', indent * depth));
        }
        None => out.push_str(if index > 0 { ", " } else { "" }),
    }
}

fn close(out: &mut String, empty: bool, layout: Layout, depth: usize, bracket: char) {
    if let Some(indent) = layout.indent.filter(|_| !empty) {
        out.push('\n');
        out.extend(std::iter::repeat_n(' ', indent * depth));
    }
    out.push(bracket);
}

/// A string in ASCII: Python escapes everything else.
fn write_text(out: &mut String, text: &str) {
    out.push('"');
    for letter in text.chars() {
        match letter {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            ' '..='~' => out.push(letter),
            _ => {
                for unit in letter.encode_utf16(&mut [0; 2]) {
                    let _ = write!(out, "\\u{unit:04x}");
                }
            }
        }
    }
    out.push('"');
}

/// A value from JSON, made of lists and dictionaries that can change.
pub(super) fn from_json(json: &serde_json::Value) -> Value {
    match json {
        serde_json::Value::Array(items) => List::new(items.iter().map(from_json).collect()).into_value(),
        serde_json::Value::Object(pairs) => {
            let pairs = pairs.iter().map(|(key, item)| (Value::from(key.as_str()), from_json(item)));
            Dict::from_pairs(pairs).into_value()
        }
        serde_json::Value::Null => Value::from(()),
        serde_json::Value::Bool(truth) => Value::from(*truth),
        serde_json::Value::String(text) => Value::from(text.as_str()),
        serde_json::Value::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(whole), _) => Value::from(whole),
            (None, Some(float)) => Value::from(float),
            (None, None) => Value::from(number.to_string()),
        },
    }
}

/// Reads JSON.
pub(super) fn parse(text: &str) -> Result<Value, Error> {
    let json: serde_json::Value = serde_json::from_str(text).map_err(|error| refuse(format!("not JSON: {error}")))?;
    Ok(from_json(&json))
}

/// Reads YAML.
pub(super) fn parse_yaml(text: &str) -> Result<Value, Error> {
    let json: serde_json::Value = serde_saphyr::from_str(text).map_err(|error| refuse(format!("not YAML: {error}")))?;
    Ok(from_json(&json))
}

/// Writes YAML in block style.
pub(super) fn dump_yaml(value: &Value, sorted: bool) -> Result<String, Error> {
    let mut out = String::new();
    write_yaml(&mut out, value, sorted, 0)?;
    Ok(out)
}

fn write_yaml(out: &mut String, value: &Value, sorted: bool, depth: usize) -> Result<(), Error> {
    if depth > DEEPEST {
        return Err(refuse("the value is nested too deeply for YAML"));
    }
    let indent = "  ".repeat(depth);
    match value.kind() {
        ValueKind::Map if value.len() != Some(0) => {
            let mut pairs = pairs_of(value)?;
            if sorted {
                pairs.sort_by(|a, b| a.0.cmp(&b.0));
            }
            for (key, item) in pairs {
                out.push_str(&indent);
                out.push_str(&scalar(&key)?);
                out.push(':');
                // As PyYAML writes it, a list stands no deeper than its key.
                let is_list = matches!(item.kind(), ValueKind::Seq | ValueKind::Iterable);
                nested(out, &item, sorted, if is_list { depth } else { depth + 1 })?;
            }
        }
        ValueKind::Seq | ValueKind::Iterable if value.len() != Some(0) => {
            for item in items(value)? {
                out.push_str(&indent);
                out.push('-');
                nested(out, &item, sorted, depth + 1)?;
            }
        }
        _ => {
            out.push_str(&scalar(value)?);
            out.push('\n');
        }
    }
    Ok(())
}

fn nested(out: &mut String, item: &Value, sorted: bool, depth: usize) -> Result<(), Error> {
    let is_block =
        matches!(item.kind(), ValueKind::Map | ValueKind::Seq | ValueKind::Iterable) && item.len() != Some(0);
    out.push(if is_block { '\n' } else { ' ' });
    write_yaml(out, item, sorted, if is_block { depth } else { 0 })
}

/// A plain scalar where it reads back as the same text, else JSON, which is YAML too.
fn scalar(value: &Value) -> Result<String, Error> {
    let Some(text) = value.as_str() else { return dump(value, Layout::default()) };
    let plain = text.starts_with(char::is_alphabetic)
        && text.chars().all(|c| c.is_alphanumeric() || "_./ ".contains(c))
        && !text.ends_with(' ')
        && !matches!(text.to_lowercase().as_str(), "true" | "false" | "yes" | "no" | "on" | "off" | "null" | "y" | "n");
    if plain { Ok(text.to_owned()) } else { dump(value, Layout::default()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_pythons() {
        let value = parse("{\"b\": [1, 2.0, null, true], \"a\": \"é\\n\", \"c\": {}}").unwrap();
        let flat = dump(&value, Layout::default()).unwrap();
        assert_eq!(flat, "{\"b\": [1, 2.0, null, true], \"a\": \"\\u00e9\\n\", \"c\": {}}");
        let pretty = dump(&value, Layout { sorted: true, indent: Some(2) }).unwrap();
        assert!(pretty.starts_with("{\n  \"a\": \"\\u00e9\\n\",\n  \"b\": [\n    1,\n"), "{pretty}");
    }

    #[test]
    fn yaml_reads_back() {
        let text = "{\"a\": [{\"b\": \"yes\", \"c\": []}, \"x: y\"], \"d\": {\"e\": null, \"f\": \"1\"}}";
        let value = parse(text).unwrap();
        let yaml = dump_yaml(&value, false).unwrap();
        assert_eq!(parse_yaml(&yaml).unwrap(), value, "{yaml}");
    }
}
