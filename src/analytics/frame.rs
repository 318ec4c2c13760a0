//! A small column table: one text key and named columns, all of one length.

use crate::error::{Error, Result};

/// Rows by column. `keys` identifies the rows; every column has `keys.len()` values.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Frame {
    /// One key a row (a customer id).
    pub keys: Vec<String>,
    /// Named columns.
    pub columns: Vec<Column>,
}

/// A named column.
#[derive(Clone, Debug, PartialEq)]
pub struct Column {
    /// Name as in SQL.
    pub name: String,
    /// The values.
    pub values: Values,
}

/// Values of one column; absent values are `NaN` in floats and `None` elsewhere.
#[derive(Clone, Debug, PartialEq)]
pub enum Values {
    /// `double precision`.
    Float(Vec<f64>),
    /// `integer`.
    Integer(Vec<Option<i32>>),
    /// `text`.
    Text(Vec<Option<String>>),
    /// `boolean`.
    Boolean(Vec<Option<bool>>),
}

impl Column {
    /// A column of floats.
    pub fn float(name: &str, values: Vec<f64>) -> Self {
        Column { name: name.into(), values: Values::Float(values) }
    }
}

impl Frame {
    /// Number of rows.
    #[must_use]
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Whether there are no rows.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// The values of a float column, or an error that lists the columns there are.
    pub fn floats(&self, name: &str) -> Result<&[f64]> {
        match self.columns.iter().find(|column| column.name == name).map(|column| &column.values) {
            Some(Values::Float(values)) => Ok(values),
            Some(_) => Err(Error::failed(format!("column \"{name}\" is not a number"))),
            None => Err(Error::failed(format!("column \"{name}\" is missing")).detail(format!(
                "The columns are: {}.",
                self.columns.iter().map(|column| column.name.as_str()).collect::<Vec<_>>().join(", ")
            ))),
        }
    }
}
