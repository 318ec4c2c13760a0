//! A column of a relation, with the questions that dbt-postgres answers about its type.

use super::api;
use super::arguments::Arguments;
use super::containers::or_none;
use super::fault::invalid;
use crate::project::{ExistingColumn, quote_identifier};
use minijinja::value::{DynObject, Object, ObjectRepr};
use minijinja::{Error, ErrorKind, State, Value};
use std::cmp::Ordering;
use std::fmt;
use std::sync::Arc;

/// Length that dbt gives to text without one.
const DEFAULT_STRING_SIZE: i64 = 256;

/// A column: name, type and the sizes of the type.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Column {
    /// Its name, unquoted.
    pub name: String,
    /// The type without sizes: `character varying`.
    pub data_type: String,
    /// Length of character types that have one.
    pub char_size: Option<i64>,
    /// Digits of numeric types.
    pub numeric_precision: Option<i64>,
    /// Digits after the point of numeric types.
    pub numeric_scale: Option<i64>,
}

impl Column {
    /// A column of a type without sizes.
    #[must_use]
    pub fn new(name: String, data_type: String) -> Self {
        Column { name, data_type, ..Column::default() }
    }

    /// The column as an object for templates.
    #[must_use]
    pub fn value(self) -> Value {
        Value::from_object(self)
    }

    /// A column from what a `schema.yml` or a catalogue calls its type: `numeric(10,2)`.
    pub(super) fn from_description(name: String, described: &str) -> Result<Self, String> {
        let (data_type, sizes) = described.split_once('(').unwrap_or((described, ""));
        if data_type.is_empty() {
            return Err(format!("data type \"{described}\" of column \"{name}\" has no name"));
        }
        let mut column = Column::new(name, data_type.to_owned());
        // As in dbt, what stands behind the sizes (`timestamp(3) without time zone`) is lost.
        let Some((sizes, _)) = sizes.split_once(')') else { return Ok(column) };
        let number = |text: &str| {
            text.trim()
                .parse::<i64>()
                .map_err(|_| format!("data type \"{described}\" has the size \"{text}\", which is not a whole number"))
        };
        match sizes.split(',').collect::<Vec<_>>()[..] {
            [size] => column.char_size = Some(number(size)?),
            [precision, scale] => {
                column.numeric_precision = Some(number(precision)?);
                column.numeric_scale = Some(number(scale)?);
            }
            _ => {}
        }
        Ok(column)
    }

    /// The type of a label that works in every warehouse; dbt-postgres translates only `string`.
    pub(super) fn translate_type(label: &str) -> &str {
        if label.eq_ignore_ascii_case("string") { "TEXT" } else { label }
    }

    /// `character varying(20)`
    pub(super) fn string_type(size: &str) -> String {
        format!("character varying({size})")
    }

    /// `numeric(10,2)`, or the bare type where a size is missing.
    pub(super) fn numeric_type(data_type: &str, digits: (Option<String>, Option<String>)) -> String {
        match digits {
            (Some(precision), Some(scale)) => format!("{data_type}({precision},{scale})"),
            _ => data_type.to_owned(),
        }
    }

    /// The type with its sizes, as it stands in a `CREATE TABLE`.
    #[must_use]
    pub fn full_type(&self) -> String {
        let word = self.data_type.to_lowercase();
        if word == "text" || (word == "character varying" && self.char_size.is_none()) {
            self.data_type.clone()
        } else if self.is_string() {
            Self::string_type(&self.string_size().to_string())
        } else if self.is_numeric() {
            let digits = |digits: Option<i64>| digits.map(|digits| digits.to_string());
            Self::numeric_type(&self.data_type, (digits(self.numeric_precision), digits(self.numeric_scale)))
        } else {
            self.data_type.clone()
        }
    }

    fn is_one_of(&self, words: &[&str]) -> bool {
        words.contains(&self.data_type.to_lowercase().as_str())
    }

    fn is_string(&self) -> bool {
        self.is_one_of(&["text", "character varying", "character", "varchar"])
    }

    fn is_numeric(&self) -> bool {
        self.is_one_of(&["numeric", "decimal"])
    }

    fn is_float(&self) -> bool {
        self.is_one_of(&["real", "float4", "float", "double precision", "float8", "double"])
    }

    fn is_integer(&self) -> bool {
        self.is_one_of(&["smallint", "integer", "bigint", "smallserial", "serial", "bigserial"])
            || self.is_one_of(&["int2", "int4", "int8", "serial2", "serial4", "serial8"])
    }

    /// Length of a column of text; asked of text only.
    pub(super) fn string_size(&self) -> i64 {
        if self.data_type == "text" { DEFAULT_STRING_SIZE } else { self.char_size.unwrap_or(DEFAULT_STRING_SIZE) }
    }

    /// Whether this column is too short for the values of `other`.
    pub(super) fn can_expand_to(&self, other: &Column) -> bool {
        self.is_string() && other.is_string() && other.string_size() > self.string_size()
    }
}

impl From<ExistingColumn> for Column {
    fn from(column: ExistingColumn) -> Self {
        Column {
            name: column.name,
            data_type: column.data_type,
            char_size: column.char_size.map(i64::from),
            numeric_precision: column.numeric_precision.map(i64::from),
            numeric_scale: column.numeric_scale.map(i64::from),
        }
    }
}

impl Object for Column {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        Some(match key.as_str()? {
            "name" | "column" => Value::from(self.name.as_str()),
            "quoted" => Value::from(quote_identifier(&self.name)),
            "dtype" => Value::from(self.data_type.as_str()),
            "data_type" | "expanded_data_type" => Value::from(self.full_type()),
            "char_size" => or_none(self.char_size),
            "numeric_precision" => or_none(self.numeric_precision),
            "numeric_scale" => or_none(self.numeric_scale),
            _ => return None,
        })
    }

    fn custom_cmp(self: &Arc<Self>, other: &DynObject) -> Option<Ordering> {
        Some(self.as_ref().cmp(other.downcast_ref::<Self>()?))
    }

    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let size = |size: Option<i64>| size.map_or("None".to_owned(), |size| size.to_string());
        write!(
            f,
            "PostgresColumn(column='{}', dtype='{}', char_size={}, numeric_precision={}, numeric_scale={})",
            self.name,
            self.data_type,
            size(self.char_size),
            size(self.numeric_precision),
            size(self.numeric_scale)
        )
    }

    fn call_method(self: &Arc<Self>, _: &mut State<'_, '_>, method: &str, args: &[Value]) -> Result<Value, Error> {
        let nothing = || Arguments::bind("a question about a column", &[], args);
        let answer = match method {
            "is_string" => nothing().map(|_| self.is_string())?.into(),
            "is_number" => nothing().map(|_| self.is_integer() || self.is_numeric() || self.is_float())?.into(),
            "is_float" => nothing().map(|_| self.is_float())?.into(),
            "is_integer" => nothing().map(|_| self.is_integer())?.into(),
            "is_numeric" => nothing().map(|_| self.is_numeric())?.into(),
            "string_size" if self.is_string() => self.string_size().into(),
            "string_size" => {
                return Err(invalid(format!(
                    "column \"{}\" is {} and has no string_size()",
                    self.name, self.data_type
                )));
            }
            "can_expand_to" => {
                let given = Arguments::bind("can_expand_to", &["other_column"], args)?;
                let other = given.required("other_column")?;
                let other = other.downcast_object_ref::<Column>();
                self.can_expand_to(other.ok_or_else(|| invalid("can_expand_to() takes a column"))?).into()
            }
            "literal" => {
                let given = Arguments::bind("literal", &["value"], args)?;
                Value::from(format!("{}::{}", given.text("value")?, self.full_type()))
            }
            _ => {
                return api::column_class_method(method, args)
                    .unwrap_or_else(|| Err(Error::from(ErrorKind::UnknownMethod)));
            }
        };
        Ok(answer)
    }
}

#[cfg(test)]
mod tests {
    use super::super::fake;
    use super::*;

    fn sized(data_type: &str, char_size: Option<i64>, digits: (Option<i64>, Option<i64>)) -> Column {
        Column {
            char_size,
            numeric_precision: digits.0,
            numeric_scale: digits.1,
            ..Column::new("a".into(), data_type.into())
        }
    }

    #[test]
    fn full_types_are_those_of_dbt_postgres() {
        let none = (None, None);
        let table = [
            (sized("text", None, none), "text"),
            (sized("TEXT", Some(5), none), "TEXT"),
            (sized("character varying", None, none), "character varying"),
            (sized("character varying", Some(20), none), "character varying(20)"),
            (sized("varchar", None, none), "character varying(256)"),
            (sized("character", Some(1), none), "character varying(1)"),
            (sized("numeric", None, (Some(10), Some(2))), "numeric(10,2)"),
            (sized("decimal", None, (Some(5), Some(0))), "decimal(5,0)"),
            (sized("numeric", None, (Some(10), None)), "numeric"),
            (sized("bigint", None, (Some(64), Some(0))), "bigint"),
            (sized("timestamp without time zone", None, none), "timestamp without time zone"),
        ];
        for (column, full) in table {
            assert_eq!(column.full_type(), full);
        }
    }

    #[test]
    fn descriptions_are_read_as_dbt_reads_them() {
        let read = |described: &str| Column::from_description("c".into(), described);
        assert_eq!(
            read("character varying(20)"),
            Ok(Column { char_size: Some(20), ..Column::new("c".into(), "character varying".into()) })
        );
        assert_eq!(read("numeric(1,2,3)"), Ok(Column::new("c".into(), "numeric".into())));
        assert_eq!(read("varchar("), Ok(Column::new("c".into(), "varchar".into())));
        assert_eq!(
            read("timestamp(3) without time zone").map(|c| (c.data_type, c.char_size)),
            Ok(("timestamp".into(), Some(3)))
        );
        assert!(read("numeric(x)").is_err_and(|told| told.contains("\"x\"")));
        assert!(read("").is_err());
    }

    #[test]
    fn templates_ask_by_dbts_names() {
        let host = fake::parsing();
        let make = "{% set c = api.Column('a', 'character varying', 5) %}{% set n = api.Column('n', 'numeric') %}";
        let render = |text: &str| fake::render(&host, &format!("{make}{text}"));
        assert_eq!(
            render("{{ c.name }} {{ c.column }} {{ c.quoted }} {{ c.dtype }} {{ c.char_size }}"),
            "a a \"a\" character varying 5"
        );
        assert_eq!(
            render(
                "{{ c.is_string() }} {{ c.is_number() }} {{ n.is_number() }} {{ n.is_integer() }} {{ n.is_float() }}"
            ),
            "True False True False False"
        );
        assert_eq!(
            render("{{ c.string_size() }} {{ c.literal('x') }} {{ c.can_expand_to(api.Column('b', 'text')) }}"),
            "5 x::character varying(5) True"
        );
        assert_eq!(
            render("{{ n }}"),
            "PostgresColumn(column='n', dtype='numeric', char_size=None, numeric_precision=None, numeric_scale=None)"
        );
        assert_eq!(
            render(
                "{{ c == api.Column('a', 'character varying', 5) }} {{ c in [n] }} {{ [c, n] | map(attribute='name') | join(' ') }}"
            ),
            "True False a n"
        );
        assert_eq!(
            fake::fault(&host, &format!("{make}{{{{ n.string_size() }}}}")),
            "column \"n\" is numeric and has no string_size()"
        );
    }
}
