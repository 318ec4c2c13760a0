//! Unit tests: the model over given rows against expected rows, compared by the server, differences shown as a table.

use super::report::{NodeResult, Status};
use super::step::Work;
use crate::error::Result;
use crate::project::manifest::{Compiler, Rows, rows_sql};
use crate::project::{Answer, Cell, quote_identifier};
use crate::warehouse::in_place::shape::select_columns;

/// Most rows of each side that a message shows.
const MOST_SHOWN: usize = 20;

/// Runs one unit test.
pub async fn run(work: &Work) -> Result<NodeResult> {
    let began = work.run.now();
    let test = work.blocking(Compiler::unit_test).await?;
    let compiled_at = Some((began, work.run.now()));
    let columns = select_columns(&work.session, &test.actual.code).await?;
    let (expected, compared) = match &test.expected {
        Rows::Sql(sql) => {
            let own = select_columns(&work.session, sql).await?;
            (sql.clone(), own.into_iter().map(|column| column.name).collect::<Vec<_>>())
        }
        Rows::Table(rows) => {
            // Only columns that the test speaks of are compared, in the model's order.
            let spoken: Vec<(&str, &str)> = columns
                .iter()
                .filter(|column| {
                    rows.is_empty()
                        || rows.iter().any(|row| row.keys().any(|key| key.eq_ignore_ascii_case(&column.name)))
                })
                .map(|column| (column.name.as_str(), column.data_type.as_str()))
                .collect();
            if let Some(stranger) = rows
                .iter()
                .flat_map(serde_json::Map::keys)
                .find(|key| !columns.iter().any(|column| column.name.eq_ignore_ascii_case(key)))
            {
                let known: Vec<&str> = columns.iter().map(|column| column.name.as_str()).collect();
                return Err(crate::error::Error::failed(format!(
                    "{} expects a column \"{stranger}\", which the model does not give",
                    work.node.label()
                ))
                .detail(format!("The model's columns are {}.", known.join(", "))));
            }
            (rows_sql(rows, &spoken), spoken.iter().map(|(name, _)| (*name).to_owned()).collect())
        }
    };
    let list = compared.iter().map(|name| quote_identifier(name)).collect::<Vec<_>>().join(", ");
    let actual = format!("select {list} from (\n{}\n) as actual", test.actual.code);
    let expected = format!("select {list} from (\n{expected}\n) as expected");
    let difference = format!(
        "select 'missing' as difference, missing.* from ((\n{expected}\n) except all (\n{actual}\n)) as missing\n\
         union all\nselect 'unexpected', extra.* from ((\n{actual}\n) except all (\n{expected}\n)) as extra"
    );
    let answer = work.session.execute(&difference).await?;
    let failures = i64::try_from(answer.rows.len()).unwrap_or(i64::MAX);
    let (status, message) = match failures {
        0 => (Status::Pass, String::new()),
        _ => (Status::Fail, format!("actual differs from expected:\n{}", drawn(&answer))),
    };
    Ok(NodeResult {
        status,
        message,
        failures: Some(failures),
        compiled_at,
        compiled: Some(test.actual.code),
        ..NodeResult::blank(&work.node.id)
    })
}

/// The rows that differ, `-` for those that are missing, `+` for those that nobody expected.
fn drawn(answer: &Answer) -> String {
    let mut lines: Vec<Vec<String>> = vec![answer.columns.clone()];
    if let Some(first) = lines[0].first_mut() {
        "@@".clone_into(first);
    }
    for row in answer.rows.iter().take(MOST_SHOWN) {
        let mut line: Vec<String> = row.iter().map(shown).collect();
        if let Some(first) = line.first_mut() {
            *first = if first == "missing" { "-".into() } else { "+".into() };
        }
        lines.push(line);
    }
    let widths: Vec<usize> = (0..answer.columns.len())
        .map(|place| {
            lines.iter().filter_map(|line| line.get(place)).map(|cell| cell.chars().count()).max().unwrap_or(0)
        })
        .collect();
    let mut text = lines
        .iter()
        .map(|line| {
            let cells = line.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
            cells.collect::<Vec<_>>().join(" | ").trim_end().to_owned()
        })
        .collect::<Vec<_>>()
        .join("\n");
    if answer.rows.len() > MOST_SHOWN {
        text.push_str(&format!("\nand {} more", answer.rows.len() - MOST_SHOWN));
    }
    text
}

fn shown(cell: &Cell) -> String {
    match cell {
        Cell::Null => "NULL".into(),
        known => super::commands::shown(known),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn differences_are_drawn_as_a_table() {
        let answer = Answer {
            columns: vec!["difference".into(), "id".into(), "amount".into()],
            rows: vec![
                vec![Cell::Text("missing".into()), Cell::Int(1), Cell::Number("12.34".into())],
                vec![Cell::Text("unexpected".into()), Cell::Int(1), Cell::Null],
            ],
            ..Answer::default()
        };
        assert_eq!(drawn(&answer), "@@ | id | amount\n-  | 1  | 12.34\n+  | 1  | NULL");
    }
}
