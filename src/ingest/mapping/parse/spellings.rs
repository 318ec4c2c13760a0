//! Names by which different exports know the same column: `order_id = ["InvoiceNo", "Invoice"]`.

use super::problems::{Problems, join_key};
use toml::{Table, Value};

/// All lists of names in `[columns]`, checked.
pub(super) fn spellings(root: &Table, problems: &mut Problems) -> Vec<Vec<String>> {
    let columns = root.get("columns").and_then(Value::as_table);
    let lists = columns.into_iter().flatten().filter_map(|(target, value)| {
        let at = join_key("columns", target);
        match value {
            Value::Array(names) => Some((at, names)),
            Value::Table(table) => Some((join_key(&at, "column"), table.get("column")?.as_array()?)),
            _ => None,
        }
    });
    lists.filter_map(|(at, names)| checked(&at, names, problems)).collect()
}

fn checked(at: &str, names: &[Value], problems: &mut Problems) -> Option<Vec<String>> {
    let texts: Option<Vec<String>> = names.iter().map(|name| name.as_str().map(str::to_owned)).collect();
    let texts = texts.filter(|texts| !texts.is_empty());
    if texts.is_none() {
        problems.add(at, "must name one file column or more, each in quotes");
    }
    texts
}
