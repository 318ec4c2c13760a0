//! Results of queries, with the columns and rows of the `agate` tables that dbt hands to templates.

mod cell;
mod object;
mod print;
mod response;
mod sequence;

use super::host::Host;
use crate::project::Answer;
use cell::ColumnType;
use minijinja::Value;
pub use response::Response;
use sequence::{Role, Sequence};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, OnceLock};

/// A result: names, types, and rows of values.
pub struct Table {
    host: Arc<dyn Host>,
    names: Arc<[Value]>,
    types: Vec<ColumnType>,
    rows: Vec<Arc<[Value]>>,
    /// Made when a template first asks: most read either rows or columns, once.
    row_values: OnceLock<Value>,
    column_values: OnceLock<Value>,
}

impl fmt::Debug for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<agate.Table: {} columns, {} rows>", self.names.len(), self.rows.len())
    }
}

impl Table {
    /// The table of an answer, with no more than `limit` rows where there is a limit.
    #[must_use]
    pub fn new(host: Arc<dyn Host>, answer: Answer, limit: Option<usize>) -> Self {
        let types = (0..answer.columns.len()).map(|place| cell::column_type(&answer.rows, place)).collect();
        let names = unique(&answer.columns).into_iter().map(Value::from).collect();
        let rows = answer.rows.into_iter().take(limit.unwrap_or(usize::MAX));
        let rows = rows.map(|row| row.into_iter().map(cell::value).collect()).collect();
        Table::of(host, names, types, rows)
    }

    /// A table without columns and rows: what a statement answers that fetches nothing.
    #[must_use]
    pub fn empty(host: Arc<dyn Host>) -> Self {
        Table::new(host, Answer::default(), None)
    }

    fn of(host: Arc<dyn Host>, names: Arc<[Value]>, types: Vec<ColumnType>, rows: Vec<Arc<[Value]>>) -> Self {
        Table { host, names, types, rows, row_values: OnceLock::new(), column_values: OnceLock::new() }
    }

    /// The table as an object for templates.
    #[must_use]
    pub fn value(self) -> Value {
        Value::from_object(self)
    }

    /// Rows as tuples, `load_result(x).data`.
    pub(super) fn matrix(&self) -> Value {
        super::containers::list(self.rows.iter().map(|row| super::containers::tuple(row.to_vec())).collect())
    }

    /// Values of the column of this name, by row.
    pub(super) fn column(&self, name: &str) -> Option<Vec<Value>> {
        let place = self.place(&Value::from(name))?;
        Some(self.rows.iter().map(|row| row[place].clone()).collect())
    }

    /// The SQL type that dbt would make a seed's column of this content.
    pub(super) fn sql_type(&self, place: usize) -> Option<&'static str> {
        let kind = self.types.get(place)?;
        let places = self.rows.iter().map(|row| print::decimal_places(&row[place])).max().unwrap_or(0);
        Some(kind.sql(places > 0))
    }

    fn place(&self, name: &Value) -> Option<usize> {
        self.names.iter().position(|known| known == name)
    }

    fn rows(&self) -> &Value {
        self.row_values.get_or_init(|| {
            let row = |values: &Arc<[Value]>| {
                Value::from_object(Sequence::new(Role::Row, Some(self.names.clone()), values.clone()))
            };
            Value::from_object(Sequence::new(Role::Plain, None, self.rows.iter().map(row).collect()))
        })
    }

    fn columns(&self) -> &Value {
        self.column_values.get_or_init(|| {
            let column = |place: usize| {
                let values = self.rows.iter().map(|row| row[place].clone()).collect();
                let role = Role::Column { index: place, name: self.names[place].clone(), data_type: self.types[place] };
                Value::from_object(Sequence::new(role, None, values))
            };
            let columns = (0..self.names.len()).map(column).collect();
            Value::from_object(Sequence::new(Role::Plain, Some(self.names.clone()), columns))
        })
    }
}

/// Names as dbt tells apart columns of one name: the second `a` is `a_2`.
fn unique(names: &[String]) -> Vec<String> {
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    let numbered = names.iter().map(|name| {
        let count = seen.entry(name).and_modify(|count| *count += 1).or_insert(1);
        if *count == 1 { name.clone() } else { format!("{name}_{count}") }
    });
    numbered.collect()
}

#[cfg(test)]
mod tests {
    use super::super::fake;
    use super::*;
    use crate::project::Cell;

    #[test]
    fn names_that_come_twice_are_numbered() {
        let names = ["a", "a", "b", "a"].map(str::to_owned);
        assert_eq!(unique(&names), ["a", "a_2", "b", "a_3"]);
    }

    #[test]
    fn a_limit_cuts_rows_and_data() {
        let rows = (1..=3).map(|n| vec![Cell::Int(n), Cell::Null]).collect();
        let answer = Answer { columns: vec!["n".into(), "z".into()], rows, ..Answer::default() };
        let table = Table::new(fake::parsing(), answer, Some(2));
        assert_eq!(table.matrix().to_string(), "[(1, None), (2, None)]");
        assert_eq!(table.column("n").map(|values| values.len()), Some(2));
        assert!(table.column("x").is_none());
    }
}
