//! CSV as spreadsheets can open it without harm: text that a spreadsheet would run as a formula is kept as text.

use crate::warehouse::export::ExportColumn;
use std::borrow::Cow;

/// Appends the line of column names.
pub(super) fn header(line: &mut Vec<u8>, columns: &[ExportColumn]) {
    let names: Vec<Cow<'_, str>> = columns.iter().map(|column| neutral(&column.name)).collect();
    append(line, names.iter().map(AsRef::as_ref));
}

/// Appends one row; null is the empty cell.
pub(super) fn row(line: &mut Vec<u8>, columns: &[ExportColumn], cells: &[Option<&str>]) {
    let told: Vec<Cow<'_, str>> = columns
        .iter()
        .zip(cells)
        .map(|(column, cell)| match cell {
            Some(text) if column.is_text => neutral(text),
            Some(text) => Cow::Borrowed(*text),
            None => Cow::Borrowed(""),
        })
        .collect();
    append(line, told.iter().map(AsRef::as_ref));
}

/// An apostrophe before text that begins as a formula does, full-width signs included.
fn neutral(text: &str) -> Cow<'_, str> {
    let is_formula = text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠']);
    if is_formula { Cow::Owned(format!("'{text}")) } else { Cow::Borrowed(text) }
}

fn append<'a>(line: &mut Vec<u8>, cells: impl Iterator<Item = &'a str>) {
    for (index, cell) in cells.enumerate() {
        if index > 0 {
            line.push(b',');
        }
        if cell.contains([',', '"', '\n', '\r']) || cell.starts_with('\'') {
            line.push(b'"');
            line.extend_from_slice(cell.replace('"', "\"\"").as_bytes());
            line.push(b'"');
        } else {
            line.extend_from_slice(cell.as_bytes());
        }
    }
    line.extend_from_slice(b"\r\n");
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn columns() -> Vec<ExportColumn> {
        [("customer_id", true), ("monetary", false)]
            .map(|(name, is_text)| ExportColumn { name: name.into(), is_text })
            .into()
    }

    fn written(cells: &[Option<&str>]) -> String {
        let mut line = Vec::new();
        row(&mut line, &columns(), cells);
        String::from_utf8(line).expect("text")
    }

    #[test]
    fn formulas_become_text_and_numbers_stay_numbers() {
        assert_eq!(written(&[Some("=1+1"), Some("-5.20")]), "\"'=1+1\",-5.20\r\n");
        assert_eq!(written(&[Some("@SUM(A1,B1)"), None]), "\"'@SUM(A1,B1)\",\r\n");
        assert_eq!(written(&[Some("\tx"), Some("1")]), "\"'\tx\",1\r\n");
        assert_eq!(written(&[Some("a \"b\", c"), Some("1")]), "\"a \"\"b\"\", c\",1\r\n");
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(id in "\\PC{0,20}|[=+@\\-]\\PC{0,9}") {
            let text = written(&[Some(&id), Some("1")]);
            let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(text.as_bytes());
            let record = reader.records().next().expect("a record").expect("good CSV");
            let back = record.get(0).unwrap_or_default();
            prop_assert!(!back.starts_with(['=', '+', '-', '@', '\t', '\r']));
            prop_assert!(back == id || back.strip_prefix('\'') == Some(id.as_str()));
        }
    }
}
