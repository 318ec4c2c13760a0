//! Values that can be had by place and by name: a row, a column, the rows and the columns of a table.

use super::super::arguments::Arguments;
use super::super::containers::{dict, list, tuple};
use super::cell::ColumnType;
use minijinja::value::{DynObject, Enumerator, Object, ObjectRepr};
use minijinja::{Error, ErrorKind, State, Value};
use std::cmp::Ordering;
use std::fmt;
use std::sync::Arc;

/// Most values that a sequence shows when it is printed.
const MOST_SHOWN: usize = 5;

/// What a sequence is.
#[derive(Clone, Debug)]
pub(super) enum Role {
    /// One row.
    Row,
    /// One column.
    Column {
        /// Its place in the table.
        index: usize,
        /// Its name.
        name: Value,
        /// What it holds.
        data_type: ColumnType,
    },
    /// All rows, or all columns.
    Plain,
}

/// agate's `MappedSequence`: a tuple whose items may have names.
pub(super) struct Sequence {
    role: Role,
    names: Option<Arc<[Value]>>,
    values: Arc<[Value]>,
}

impl Sequence {
    pub fn new(role: Role, names: Option<Arc<[Value]>>, values: Arc<[Value]>) -> Self {
        Sequence { role, names, values }
    }

    fn named(&self, name: &Value) -> Option<Value> {
        let place = self.names.as_ref()?.iter().position(|known| known == name)?;
        self.values.get(place).cloned()
    }

    /// Names and values; places stand for names that are not there.
    fn pairs(&self) -> impl Iterator<Item = (Value, Value)> {
        let name = |place: usize| self.names.as_ref().map_or(Value::from(place), |names| names[place].clone());
        self.values.iter().enumerate().map(move |(place, value)| (name(place), value.clone()))
    }
}

impl fmt::Debug for Sequence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let class = match self.role {
            Role::Row => "Row",
            Role::Column { .. } => "Column",
            Role::Plain => "MappedSequence",
        };
        let shown: Vec<String> = self.values.iter().take(MOST_SHOWN).map(|value| format!("{value:?}")).collect();
        let more = if self.values.len() > MOST_SHOWN { ", ..." } else { "" };
        write!(f, "<agate.{class}: ({}{more})>", shown.join(", "))
    }
}

impl Object for Sequence {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Seq
    }

    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        if let Some(place) = key.as_usize() {
            return self.values.get(place).cloned();
        }
        match (&self.role, key.as_str()) {
            (Role::Column { index, .. }, Some("index")) => Some(Value::from(*index)),
            (Role::Column { name, .. }, Some("name")) => Some(name.clone()),
            (Role::Column { data_type, .. }, Some("data_type")) => Some(Value::from(data_type.name())),
            _ => self.named(key),
        }
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::Seq(self.values.len())
    }

    fn custom_cmp(self: &Arc<Self>, other: &DynObject) -> Option<Ordering> {
        Some(self.values.cmp(&other.downcast_ref::<Self>()?.values))
    }

    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_ref(), f)
    }

    fn call_method(self: &Arc<Self>, _: &mut State<'_, '_>, method: &str, args: &[Value]) -> Result<Value, Error> {
        let values = || self.values.iter().cloned();
        if method == "get" {
            let given = Arguments::bind("get", &["key", "default"], args)?;
            let found = self.named(given.required("key")?);
            return Ok(found.or_else(|| given.given("default").cloned()).unwrap_or_else(|| Value::from(())));
        }
        if !args.is_empty() {
            return Err(Error::from(ErrorKind::TooManyArguments));
        }
        match (&self.role, method) {
            (_, "values") => Ok(tuple(values().collect())),
            (_, "keys") => Ok(self.names.as_ref().map_or(Value::from(()), |names| tuple(names.to_vec()))),
            (_, "items") => Ok(list(self.pairs().map(|(name, value)| tuple(vec![name, value])).collect())),
            (_, "dict") => Ok(dict(self.pairs())),
            (Role::Column { .. }, "values_without_nulls") => Ok(tuple(values().filter(|v| !v.is_none()).collect())),
            (Role::Column { .. }, "values_distinct") => {
                let mut distinct: Vec<Value> = Vec::new();
                for value in values() {
                    if !distinct.contains(&value) {
                        distinct.push(value);
                    }
                }
                Ok(tuple(distinct))
            }
            (Role::Column { .. }, "values_sorted") => {
                let mut sorted: Vec<Value> = values().collect();
                sorted.sort_by(nothing_last);
                Ok(list(sorted))
            }
            _ => Err(Error::from(ErrorKind::UnknownMethod)),
        }
    }
}

/// agate's order of values: nothing comes after all else.
pub(super) fn nothing_last(left: &Value, right: &Value) -> Ordering {
    left.is_none().cmp(&right.is_none()).then_with(|| left.cmp(right))
}

#[cfg(test)]
mod tests {
    use super::super::super::fake;

    fn render(text: &str) -> String {
        fake::render(&fake::answering(), &format!("{{% set t = run_query('select * from orders') %}}{text}"))
    }

    #[test]
    fn columns_are_had_by_place_and_by_name() {
        assert_eq!(
            render("{{ t.columns[0].values() }} {{ t.columns['status'].values() }} {{ t.columns.status.name }}"),
            "(1, 2, 3) ('placed', None, 'placed') status"
        );
        assert_eq!(
            render("{{ t.columns | length }} {{ t.columns[-1].name }} {{ t.columns.keys() }}"),
            "3 amount ('id', 'status', 'amount')"
        );
        assert_eq!(
            render("{{ t.columns | map(attribute='name') | join(',') }} {{ t.columns[1].data_type }}"),
            "id,status,amount Text"
        );
        assert_eq!(
            render("{% for c in t.columns %}{{ c.name }}={{ c[0] }};{% endfor %}"),
            "id=1;status=placed;amount=1.5;"
        );
        assert_eq!(
            render(
                "{{ t.columns.status.values_distinct() }} {{ t.columns.status.values_without_nulls() }} {{ t.columns.status.values_sorted() }}"
            ),
            "('placed', None) ('placed', 'placed') ['placed', 'placed', None]"
        );
    }

    #[test]
    fn rows_are_had_by_place_and_by_name() {
        assert_eq!(
            render("{% for r in t.rows %}{{ r[0] }}{{ r['status'] }}{{ r.amount }};{% endfor %}"),
            "1placed1.5;2None2.5;3placed4;"
        );
        assert_eq!(
            render("{{ t.rows[1].values() }} {{ t.rows[-1].keys() }} {{ t.rows | length }}"),
            "(2, None, 2.5) ('id', 'status', 'amount') 3"
        );
        assert_eq!(
            render(
                "{{ t.rows[0].dict().status }} {{ t.rows[0].get('x', 'd') }} {{ t.rows[0].get('id') }} {{ 'placed' in t.rows[0] }}"
            ),
            "placed d 1 True"
        );
        assert_eq!(render("{{ t.rows[0] }} {{ t.rows[7] is defined }}"), "<agate.Row: (1, 'placed', 1.5)> False");
        assert_eq!(
            render("{% for k, v in t.rows[0].items() %}{{ k }}:{{ v }} {% endfor %}"),
            "id:1 status:placed amount:1.5 "
        );
    }
}
