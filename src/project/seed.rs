//! Seeds: reads a CSV, checks its shape, and finds the SQL type of each column.

use super::SourceFile;
use super::model::Seed;
use super::name::check_name;
use super::options::{self, Config};
use crate::error::{Error, Result};
use chrono::NaiveDate;
use serde_json::Value as Json;
use std::collections::BTreeSet;

/// A SQL type and which texts it takes.
type Inferred = (&'static str, fn(&str) -> bool);

/// Types that inference tries, narrowest first; `text` takes what none of them takes.
const INFERRED: [Inferred; 5] = [
    ("integer", |v| is_number_text(v, false) && v.parse::<i32>().is_ok()),
    ("bigint", |v| is_number_text(v, false) && v.parse::<i64>().is_ok()),
    ("numeric", |v| is_number_text(v, true)),
    ("boolean", |v| matches!(v.to_ascii_lowercase().as_str(), "true" | "false")),
    ("date", |v| v.len() == 10 && NaiveDate::parse_from_str(v, "%Y-%m-%d").is_ok()),
];

/// Reads one seed with the configuration that `schema.yml` has for it; every problem goes to `problems`.
pub(super) fn read(file: &SourceFile, name: &str, config: Config, problems: &mut Vec<Error>) -> Seed {
    problems.extend(check_name("seed", name, &file.path));
    let columns = match shape(file, name) {
        Ok((header, types)) => {
            problems.extend(unknown_types(file, name, &config, &header));
            let declared = config.get("column_types").and_then(Json::as_object);
            let told = |column: &str| declared.and_then(|d| d.get(column)).and_then(Json::as_str).map(str::to_owned);
            header.into_iter().zip(types).map(|(c, inferred)| (c.clone(), told(&c).unwrap_or(inferred))).collect()
        }
        Err(problem) => {
            problems.push(problem);
            Vec::new()
        }
    };
    Seed {
        name: name.to_owned(),
        path: file.path.clone(),
        text: file.text.clone(),
        columns,
        access: options::access(&config),
        tags: options::tags(&config),
        config,
        ..Seed::default()
    }
}

impl Seed {
    /// Cells of each row, in the order of `columns`; an empty cell is NULL.
    pub fn rows(&self) -> Result<Vec<Vec<Option<String>>>> {
        let mut rows = Vec::new();
        for record in reader(&self.text).records() {
            let record =
                record.map_err(|e| Error::config(format!("seed \"{}\" cannot be read", self.name)).source(e))?;
            rows.push(record.iter().map(|cell| (!cell.is_empty()).then(|| cell.to_owned())).collect());
        }
        Ok(rows)
    }
}

/// Files saved by spreadsheets begin with a byte order mark, which is no part of the first name.
fn reader(text: &str) -> csv::Reader<&[u8]> {
    csv::ReaderBuilder::new().from_reader(text.trim_start_matches('\u{feff}').as_bytes())
}

/// Header, and the inferred type of each column over all rows; an empty cell is NULL and fits every type.
fn shape(file: &SourceFile, name: &str) -> Result<(Vec<String>, Vec<String>)> {
    let mut reader = reader(&file.text);
    let broken = |line: u64, fact: String| {
        Error::config(format!("seed \"{name}\" is not a well-formed CSV file"))
            .detail(format!("{}:{line}: {fact}.", file.path))
            .hint("give every row the columns of the first line, and double a quote inside quotes")
    };
    let header: Vec<String> = match reader.headers() {
        Ok(header) => header.iter().map(|cell| cell.trim().to_owned()).collect(),
        Err(error) => return Err(broken(1, error.to_string())),
    };
    if header.iter().all(String::is_empty) {
        return Err(broken(1, "the first line has no column names".into()));
    }
    let mut seen = BTreeSet::new();
    for column in &header {
        if column.is_empty() {
            return Err(broken(1, "a column has no name".into()));
        }
        if !seen.insert(column) {
            return Err(broken(1, format!("column \"{column}\" stands there twice")));
        }
    }
    let mut fits = vec![[true; INFERRED.len()]; header.len()];
    let mut filled = vec![false; header.len()];
    let mut record = csv::StringRecord::new();
    loop {
        match reader.read_record(&mut record) {
            Ok(false) => break,
            Ok(true) => {}
            Err(error) => {
                let line = error.position().map_or(1, csv::Position::line);
                let fact = match error.kind() {
                    csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
                        format!("the row has {len} columns, the first line has {expected_len}")
                    }
                    _ => error.to_string(),
                };
                return Err(broken(line, fact));
            }
        }
        for (column, cell) in record.iter().enumerate().filter(|(_, cell)| !cell.is_empty()) {
            filled[column] = true;
            for (fit, (_, takes)) in fits[column].iter_mut().zip(INFERRED) {
                *fit = *fit && takes(cell);
            }
        }
    }
    let types = fits.iter().zip(filled).map(|(fit, filled)| {
        let narrowest = fit.iter().zip(INFERRED).find(|(fit, _)| **fit && filled).map(|(_, (name, _))| name);
        narrowest.unwrap_or("text").to_owned()
    });
    let types = types.collect();
    Ok((header, types))
}

/// Digits with a sign and, if allowed, one point; a leading zero means a code (`007`), not a number.
fn is_number_text(text: &str, point: bool) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let (whole, fraction) = digits.split_once('.').map_or((digits, None), |(w, f)| (w, Some(f)));
    let all_digits = |t: &str| !t.is_empty() && t.bytes().all(|b| b.is_ascii_digit());
    all_digits(whole)
        && (whole.len() == 1 || !whole.starts_with('0'))
        && fraction.is_none_or(|fraction| point && all_digits(fraction))
}

/// `column_types` for columns that are not there, or that are not text.
fn unknown_types(file: &SourceFile, name: &str, config: &Config, header: &[String]) -> Vec<Error> {
    let declared = config.get("column_types").and_then(Json::as_object).into_iter().flatten();
    declared
        .filter_map(|(column, sql_type)| {
            let known = header.join(", ");
            if !header.contains(column) {
                let hint = super::name::did_you_mean(column, header.iter().map(String::as_str));
                return Some(
                    Error::config(format!("seed \"{name}\" has a column type for unknown column \"{column}\""))
                        .detail(format!("Columns of {}: {known}.", file.path))
                        .hint(hint.unwrap_or_else(|| "remove it from column_types".into())),
                );
            }
            let plain = |t: &str| {
                !t.trim().is_empty()
                    && t.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, ' ' | '_' | '(' | ')' | ','))
            };
            if sql_type.as_str().is_some_and(plain) {
                return None;
            }
            Some(
                Error::config(format!("seed \"{name}\" has column type {sql_type} for \"{column}\", which cannot be"))
                    .hint("write a PostgreSQL type, such as integer, numeric(12, 2), date or text"),
            )
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(text: &str) -> SourceFile {
        SourceFile { path: "seeds/s.csv".into(), text: text.into() }
    }

    #[test]
    fn types_are_the_narrowest_that_all_rows_fit() {
        let text = "\u{feff}n,big,money,flag,day,code,word,nothing,mixed\n\
                    1,3000000000,1.50,true,2011-12-09,007,a,,1\n-2,1,3,False,2012-02-29,010,\"b,c\",,x\n,,,,,,,,\n";
        let mut problems = Vec::new();
        let seed = read(&file(text), "s", Config::new(), &mut problems);
        assert!(problems.is_empty(), "{problems:?}");
        let types: Vec<&str> = seed.columns.iter().map(|(_, t)| t.as_str()).collect();
        assert_eq!(types, ["integer", "bigint", "numeric", "boolean", "date", "text", "text", "text", "text"]);
        assert_eq!(seed.columns[0].0, "n");
        let rows = seed.rows().unwrap_or_default();
        assert_eq!((rows.len(), rows[0][6].as_deref(), rows[1][6].as_deref()), (3, Some("a"), Some("b,c")));
        assert!(rows[2].iter().all(Option::is_none));
    }

    #[test]
    fn declared_types_win_over_inferred_ones() {
        let config = Config::from([("column_types".into(), serde_json::json!({"n": "numeric(12, 2)"}))]);
        let mut problems = Vec::new();
        let seed = read(&file("n,m\n1,2\n"), "s", config, &mut problems);
        assert!(problems.is_empty(), "{problems:?}");
        assert_eq!(seed.columns, [("n".into(), "numeric(12, 2)".into()), ("m".into(), "integer".into())]);
    }

    #[test]
    fn impossible_dates_and_exponents_stay_text() {
        let mut problems = Vec::new();
        let seed = read(&file("a,b,c\n2011-02-30,1e5,-\n"), "s", Config::new(), &mut problems);
        assert!(seed.columns.iter().all(|(_, t)| t == "text"), "{:?}", seed.columns);
    }
}
