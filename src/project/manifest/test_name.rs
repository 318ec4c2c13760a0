//! Names of generic data tests, exactly as dbt makes them, because other tools know the tests by these names.

use super::digest::md5_hex;
use serde_json::{Map, Value as Json};

/// Longest name that stands in a file name and an alias as it is.
const LONGEST: usize = 63;

/// Names of one generic test.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TestName {
    /// Shortened with a hash where the full one is too long: file name and alias.
    pub short: String,
    /// The name of the node.
    pub full: String,
}

/// `unique` on `orders` with its arguments: `unique_orders_order_id`.
///
/// `kind` carries the namespace and `source_` in front: `dbt_utils_source_at_least_one`.
pub fn synthesize(kind: &str, target: &str, kwargs: &Map<String, Json>) -> TestName {
    let mut keys: Vec<&String> = kwargs.keys().filter(|key| *key != "model").collect();
    keys.sort();
    let mut parts = Vec::new();
    for key in keys {
        match &kwargs[key] {
            Json::Object(map) => parts.extend(map.values().map(python_str)),
            Json::Array(items) => parts.extend(items.iter().map(python_str)),
            value => parts.push(python_str(value)),
        }
    }
    let unique = parts.iter().map(|part| clean(part)).collect::<Vec<_>>().join("__");
    let identifier = format!("{kind}_{target}");
    let full = format!("{identifier}_{unique}");
    let short = if full.chars().count() > LONGEST {
        let head: String = identifier.chars().take(30).collect();
        format!("{head}_{}", md5_hex(&full))
    } else {
        full.clone()
    };
    TestName { short, full }
}

/// The last part of the unique id: ten digits that tell apart tests whose names are alike.
pub fn id_hash(name: &str, namespace: Option<&str>, kind: &str, kwargs: &Map<String, Json>) -> String {
    let metadata = Json::Object(Map::from_iter([
        ("kwargs".to_owned(), Json::Object(kwargs.clone())),
        ("name".to_owned(), Json::from(kind)),
        ("namespace".to_owned(), namespace.map_or(Json::Null, Json::from)),
    ]));
    let digest = md5_hex(&format!("{name}{}", hashable(&metadata)));
    digest[digest.len() - 10..].to_owned()
}

/// Each run of other characters becomes one `_`.
fn clean(text: &str) -> String {
    let mut cleaned = String::with_capacity(text.len());
    let mut in_gap = false;
    for letter in text.chars() {
        let keep = letter.is_ascii_alphanumeric() || letter == '_';
        if keep {
            cleaned.push(letter);
        } else if !in_gap {
            cleaned.push('_');
        }
        in_gap = !keep;
    }
    cleaned
}

/// Python's `str()` of a value read from YAML.
pub fn python_str(value: &Json) -> String {
    match value {
        Json::String(text) => text.clone(),
        other => python_repr(other),
    }
}

/// Python's `repr()` of a value read from YAML.
pub fn python_repr(value: &Json) -> String {
    match value {
        Json::Null => "None".into(),
        Json::Bool(true) => "True".into(),
        Json::Bool(false) => "False".into(),
        Json::Number(number) => python_number(number),
        Json::String(text) => quoted(text),
        Json::Array(items) => format!("[{}]", items.iter().map(python_repr).collect::<Vec<_>>().join(", ")),
        Json::Object(map) => {
            let entries = map.iter().map(|(key, value)| format!("{}: {}", quoted(key), python_repr(value)));
            format!("{{{}}}", entries.collect::<Vec<_>>().join(", "))
        }
    }
}

fn python_number(number: &serde_json::Number) -> String {
    match number.as_f64() {
        Some(float) if number.is_f64() => {
            let magnitude = float.abs();
            if float != 0.0 && !(1e-4..1e16).contains(&magnitude) {
                let text = format!("{float:e}");
                let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
                let (sign, exponent) = exponent.strip_prefix('-').map_or(("+", exponent), |rest| ("-", rest));
                format!("{digits}e{sign}{exponent:0>2}")
            } else if float.fract() == 0.0 {
                format!("{float:.1}")
            } else {
                float.to_string()
            }
        }
        _ => number.to_string(),
    }
}

/// Every leaf as text, keys in order, printed as Python prints dictionaries.
fn hashable(value: &Json) -> String {
    match value {
        Json::Object(map) => {
            let mut keys: Vec<&String> = map.keys().collect();
            keys.sort();
            let entries = keys.into_iter().map(|key| format!("{}: {}", quoted(key), hashable(&map[key])));
            format!("{{{}}}", entries.collect::<Vec<_>>().join(", "))
        }
        Json::Array(items) => format!("[{}]", items.iter().map(hashable).collect::<Vec<_>>().join(", ")),
        leaf => quoted(&python_str(leaf)),
    }
}

/// Python's `repr()` of a text: single quotes, double ones where the text holds single ones only.
fn quoted(text: &str) -> String {
    let quote = if text.contains('\'') && !text.contains('"') { '"' } else { '\'' };
    let mut out = String::with_capacity(text.len() + 2);
    out.push(quote);
    for letter in text.chars() {
        match letter {
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            letter if letter == quote => {
                out.push('\\');
                out.push(letter);
            }
            letter if (letter as u32) < 0x20 || letter as u32 == 0x7f => {
                out.push_str(&format!("\\x{:02x}", letter as u32));
            }
            letter => out.push(letter),
        }
    }
    out.push(quote);
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn map(value: Json) -> Map<String, Json> {
        match value {
            Json::Object(map) => map,
            _ => Map::new(),
        }
    }

    /// Names and hashes that dbt-core 1.11.16 wrote into the manifest of its jaffle_shop example.
    #[test]
    fn names_and_hashes_equal_those_of_dbt_core() {
        let model = "{{ get_where_subquery(ref('customers')) }}";
        let kwargs = map(json!({"column_name": "customer_id", "model": model}));
        let name = synthesize("unique", "customers", &kwargs);
        assert_eq!(name.full, "unique_customers_customer_id");
        assert_eq!(name.short, name.full);
        assert_eq!(id_hash(&name.full, None, "unique", &kwargs), "c5af1ff4b1");

        let model = "{{ get_where_subquery(ref('orders')) }}";
        let kwargs = map(json!({
            "column_name": "status", "model": model,
            "values": ["placed", "shipped", "completed", "return_pending", "returned"],
        }));
        let name = synthesize("accepted_values", "orders", &kwargs);
        assert_eq!(name.full, "accepted_values_orders_status__placed__shipped__completed__return_pending__returned");
        assert_eq!(name.short, "accepted_values_orders_1ce6ab157c285f7cd2ac656013faf758");
        assert_eq!(id_hash(&name.full, None, "accepted_values", &kwargs), "be6b5b5ec3");
    }

    #[test]
    fn values_print_as_python_prints_them() {
        assert_eq!(
            python_repr(&json!({"a": [1, 1.0, 0.5, null, true, "it's"]})),
            r#"{'a': [1, 1.0, 0.5, None, True, "it's"]}"#
        );
        assert_eq!(python_repr(&json!(1e20)), "1e+20");
        assert_eq!(python_repr(&json!(0.00001)), "1e-05");
        assert_eq!(python_repr(&json!("a\nb'\"")), r#"'a\nb\'"'"#);
        assert_eq!(clean("a - b"), "a_b");
    }
}
