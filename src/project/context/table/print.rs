//! A table as text: the grid of `print_table()`, and the list of columns that a table prints as.

use super::Table;
use super::cell::ColumnType;
use minijinja::Value;

/// Most digits after the point in a grid.
const MOST_DECIMALS: usize = 3;

/// How much of a table a grid shows.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// Rows.
    pub rows: usize,
    /// Columns.
    pub columns: usize,
    /// Letters of a cell.
    pub width: usize,
}

/// The table as a Markdown grid, as agate draws it.
pub(super) fn grid(table: &Table, limits: Limits) -> String {
    let shown = table.names.len().min(limits.columns);
    let more_columns = shown < table.names.len();
    let mut lines: Vec<Vec<String>> = Vec::new();
    let mut header: Vec<String> =
        table.names[..shown].iter().map(|name| cut(&name.to_string(), limits.width)).collect();
    if more_columns {
        header.push("...".into());
    }
    lines.push(header);
    let rows = &table.rows[..table.rows.len().min(limits.rows)];
    let decimals: Vec<usize> =
        (0..shown).map(|place| rows.iter().map(|row| decimal_places(&row[place])).max().unwrap_or(0)).collect();
    for row in rows {
        let cells = row[..shown].iter().enumerate();
        let mut line: Vec<String> = cells
            .map(|(place, value)| match table.types[place] {
                _ if value.is_none() => String::new(),
                ColumnType::Number => cut(&grouped(value, decimals[place]), limits.width),
                _ => cut(&value.to_string(), limits.width),
            })
            .collect();
        if more_columns {
            line.push("...".into());
        }
        lines.push(line);
    }
    if rows.len() < table.rows.len() {
        lines.push(vec!["...".into(); shown + usize::from(more_columns)]);
    }
    let left = |place: usize| table.types.get(place) == Some(&ColumnType::Text);
    draw(&lines, left)
}

/// The columns with what they hold.
pub(super) fn structure(table: &Table) -> String {
    let header = vec!["column".to_owned(), "data_type".to_owned()];
    let columns = table.names.iter().zip(&table.types);
    let columns = columns.map(|(name, kind)| vec![name.to_string(), kind.name().to_owned()]);
    let lines: Vec<Vec<String>> = std::iter::once(header).chain(columns).collect();
    draw(&lines, |_| true)
}

/// Lines of cells with bars between and a rule under the first; text to the left, all else to the right.
fn draw(lines: &[Vec<String>], left: impl Fn(usize) -> bool) -> String {
    let columns = lines.first().map_or(0, Vec::len);
    let width = |place: usize| lines.iter().map(|line| line[place].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let mut text = String::new();
    for (number, line) in lines.iter().enumerate() {
        let cells = line.iter().zip(&widths).enumerate();
        let cells: Vec<String> = cells
            .map(
                |(place, (cell, width))| {
                    if left(place) { format!(" {cell:<width$} ") } else { format!(" {cell:>width$} ") }
                },
            )
            .collect();
        text.push_str(&format!("|{}|\n", cells.join("|")));
        if number == 0 {
            let rule: Vec<String> = widths.iter().map(|width| format!(" {} ", "-".repeat(*width))).collect();
            text.push_str(&format!("|{}|\n", rule.join("|")));
        }
    }
    text
}

/// Digits after the point that a number needs.
pub(super) fn decimal_places(value: &Value) -> usize {
    if value.is_integer() || !value.is_number() {
        return 0;
    }
    let Ok(number) = f64::try_from(value.clone()) else { return 0 };
    let text = number.to_string();
    text.split_once('.').map_or(0, |(_, digits)| digits.trim_end_matches('0').len())
}

/// A number with commas between thousands and the digits that its column needs, three at most.
fn grouped(value: &Value, decimals: usize) -> String {
    let cut_off = decimals > MOST_DECIMALS;
    let number = f64::try_from(value.clone()).unwrap_or_default();
    if !number.is_finite() {
        return value.to_string();
    }
    let text = match i128::try_from(value.clone()) {
        Ok(whole) if decimals == 0 => whole.to_string(),
        _ => format!("{number:.*}", decimals.min(MOST_DECIMALS)),
    };
    let (sign, text) = text.strip_prefix('-').map_or(("", text.as_str()), |text| ("-", text));
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits: Vec<char> = whole.chars().collect();
    let groups: Vec<String> = digits.rchunks(3).rev().map(|group| group.iter().collect()).collect();
    let point = if fraction.is_empty() { "" } else { "." };
    let more = if cut_off { "…" } else { "" };
    format!("{sign}{}{point}{fraction}{more}", groups.join(","))
}

/// Text of this many letters at most, the last three being dots where some are left out.
fn cut(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    text.chars().take(width.saturating_sub(3)).chain("...".chars()).collect()
}

#[cfg(test)]
mod tests {
    use super::super::super::fake;
    use super::*;
    use crate::project::{Answer, Cell};

    fn table(columns: &[&str], rows: Vec<Vec<Cell>>) -> Table {
        let columns = columns.iter().map(|name| (*name).to_owned()).collect();
        Table::new(fake::parsing(), Answer { columns, rows, ..Answer::default() }, None)
    }

    #[test]
    fn wide_and_long_tables_are_cut() {
        let row = |n: i64| vec![Cell::Int(n), Cell::Text("abcdefghij".into()), Cell::Bool(true)];
        let table = table(&["n", "text", "b"], (1..=3).map(row).collect());
        let text = grid(&table, Limits { rows: 2, columns: 2, width: 6 });
        let expected = "|   n | text   | ... |\n| --- | ------ | --- |\n|   1 | abc... | ... |\n|   2 | abc... | ... |\n| ... | ...    | ... |\n";
        assert_eq!(text, expected);
    }

    #[test]
    fn numbers_are_grouped_and_aligned_by_their_column() {
        let rows = vec![vec![Cell::Float(1_234_567.5)], vec![Cell::Float(-1.0)], vec![Cell::Null]];
        let text = grid(&table(&["f"], rows), Limits { rows: 9, columns: 9, width: 20 });
        assert_eq!(text, "|           f |\n| ----------- |\n| 1,234,567.5 |\n|        -1.0 |\n|             |\n");
        assert_eq!(grouped(&Value::from(0.12345), 5), "0.123…");
        assert_eq!(decimal_places(&Value::from(1.25)), 2);
    }

    #[test]
    fn a_table_prints_what_its_columns_hold() {
        let text = structure(&table(&["id", "at"], vec![vec![Cell::Int(1), Cell::Text("x".into())]]));
        assert_eq!(
            text,
            "| column | data_type |\n| ------ | --------- |\n| id     | Integer   |\n| at     | Text      |\n"
        );
    }
}
