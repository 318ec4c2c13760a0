//! The face of a table in templates: rows when iterated, and the few methods of agate that templates can use.

use super::super::arguments::Arguments;
use super::super::containers::tuple;
use super::super::fault::invalid;
use super::super::host::Level;
use super::sequence::nothing_last;
use super::{Table, print};
use minijinja::value::{Enumerator, Object, ObjectRepr};
use minijinja::{Error, ErrorKind, State, Value};
use std::fmt;
use std::sync::Arc;

impl Object for Table {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Seq
    }

    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        if let Some(place) = key.as_usize() {
            return self.rows().get_item_by_index(place).ok().filter(|row| !row.is_undefined());
        }
        match key.as_str()? {
            "rows" => Some(self.rows().clone()),
            "columns" => Some(self.columns().clone()),
            "column_names" => Some(tuple(self.names.to_vec())),
            "column_types" => Some(tuple(self.types.iter().map(|kind| Value::from(kind.name())).collect())),
            _ => None,
        }
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::Seq(self.rows.len())
    }

    /// As agate prints a table: not its rows but what its columns hold.
    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&print::structure(self))
    }

    fn call_method(self: &Arc<Self>, _: &mut State<'_, '_>, method: &str, args: &[Value]) -> Result<Value, Error> {
        match method {
            "print_table" => {
                let given = Arguments::bind("print_table", &["max_rows", "max_columns", "max_column_width"], args)?;
                let most = |name: &str, usual: usize| -> Result<usize, Error> {
                    match given.given(name) {
                        None => Ok(usual),
                        Some(none) if none.is_none() => Ok(usize::MAX),
                        Some(_) => Ok(given
                            .optional_integer(name)?
                            .and_then(|most| usize::try_from(most).ok())
                            .unwrap_or(usize::MAX)),
                    }
                };
                let limits = print::Limits {
                    rows: most("max_rows", 20)?,
                    columns: most("max_columns", 6)?,
                    width: most("max_column_width", 20)?,
                };
                self.host.say(Level::Print, print::grid(self, limits).trim_end());
                Ok(Value::from(()))
            }
            "select" => {
                let wanted = self.places(&Arguments::bind("select", &["key"], args)?)?;
                Ok(self.with_columns(&wanted).value())
            }
            "exclude" => {
                let unwanted = self.places(&Arguments::bind("exclude", &["key"], args)?)?;
                let left: Vec<usize> = (0..self.names.len()).filter(|place| !unwanted.contains(place)).collect();
                Ok(self.with_columns(&left).value())
            }
            "rename" => {
                let given = Arguments::bind("rename", &["column_names"], args)?;
                Ok(self.renamed(given.required("column_names")?)?.value())
            }
            "limit" => {
                let given = Arguments::bind("limit", &["start_or_stop"], args)?;
                let stop = given.optional_integer("start_or_stop")?.unwrap_or(i64::MAX);
                let rows = self.rows.iter().take(usize::try_from(stop).unwrap_or(0)).cloned().collect();
                Ok(Table::of(self.host.clone(), self.names.clone(), self.types.clone(), rows).value())
            }
            "order_by" => {
                let given = Arguments::bind("order_by", &["key", "reverse"], args)?;
                let places = self.places(&given)?;
                let mut rows = self.rows.clone();
                rows.sort_by(|left, right| {
                    let orders = places.iter().map(|place| nothing_last(&left[*place], &right[*place]));
                    let order = orders.into_iter().find(|order| order.is_ne()).unwrap_or(std::cmp::Ordering::Equal);
                    if given.flag("reverse", false) { order.reverse() } else { order }
                });
                Ok(Table::of(self.host.clone(), self.names.clone(), self.types.clone(), rows).value())
            }
            _ => Err(Error::from(ErrorKind::UnknownMethod)),
        }
    }
}

impl Table {
    /// Places of the columns that the argument `key` names: one name or several.
    fn places(&self, given: &Arguments) -> Result<Vec<usize>, Error> {
        let key = given.required("key")?;
        let names = match key.as_str() {
            Some(_) => vec![key.clone()],
            None => key.try_iter()?.collect(),
        };
        let place = |name: Value| {
            self.place(&name).ok_or_else(|| {
                let known: Vec<String> = self.names.iter().map(ToString::to_string).collect();
                invalid(format!("the result has no column \"{name}\"; it has {}", known.join(", ")))
            })
        };
        names.into_iter().map(place).collect()
    }

    fn with_columns(&self, places: &[usize]) -> Table {
        let names = places.iter().map(|place| self.names[*place].clone()).collect();
        let types = places.iter().map(|place| self.types[*place]).collect();
        let rows = self.rows.iter().map(|row| places.iter().map(|place| row[*place].clone()).collect()).collect();
        Table::of(self.host.clone(), names, types, rows)
    }

    /// The table with new names: a list of all of them, or a dict from old to new.
    fn renamed(&self, new: &Value) -> Result<Table, Error> {
        let names: Arc<[Value]> = if new.kind() == minijinja::value::ValueKind::Map {
            let rename = |name: &Value| new.get_item(name).ok().filter(|new| !new.is_undefined());
            self.names.iter().map(|name| rename(name).unwrap_or_else(|| name.clone())).collect()
        } else {
            new.try_iter()?.collect()
        };
        if names.len() != self.names.len() {
            return Err(invalid(format!("rename() got {} names for {} columns", names.len(), self.names.len())));
        }
        Ok(Table::of(self.host.clone(), names, self.types.clone(), self.rows.clone()))
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::fake;
    use super::*;

    fn render(text: &str) -> String {
        fake::render(&fake::answering(), &format!("{{% set t = run_query('select * from orders') %}}{text}"))
    }

    #[test]
    fn a_table_is_its_rows_and_an_empty_one_is_false() {
        assert_eq!(
            render("{% for row in t %}{{ row.id }}{% endfor %} {{ t | length }} {{ t[0].status }} {{ 1 if t else 0 }}"),
            "123 3 placed 1"
        );
        assert_eq!(
            render(
                "{% set e = run_query('select nothing') %}{{ 1 if e else 0 }}{{ e.columns | length }}{{ e.column_names }}"
            ),
            "01('id',)"
        );
        assert_eq!(
            render("{{ t.column_names }} {{ t.column_types }}"),
            "('id', 'status', 'amount') ('Integer', 'Text', 'Number')"
        );
    }

    #[test]
    fn columns_are_picked_renamed_and_sorted() {
        assert_eq!(
            render("{{ t.select(['amount', 'id']).rows[0].values() }} {{ t.select('id').column_names }}"),
            "(1.5, 1) ('id',)"
        );
        assert_eq!(render("{{ t.exclude(['status']).column_names }} {{ t.limit(1) | length }}"), "('id', 'amount') 1");
        assert_eq!(
            render(
                "{{ t.rename({'id': 'key'}).column_names }} {{ t.rename(column_names=['a', 'b', 'c']).columns.a[1] }}"
            ),
            "('key', 'status', 'amount') 2"
        );
        assert_eq!(
            render(
                "{{ t.order_by('id', reverse=true).columns.id.values() }} {{ t.order_by('status').columns.id.values() }}"
            ),
            "(3, 2, 1) (1, 3, 2)"
        );
        let told = fake::fault(&fake::answering(), "{{ run_query('select * from orders').select('x') }}");
        assert_eq!(told, "the result has no column \"x\"; it has id, status, amount");
    }

    #[test]
    fn tables_print_as_agate_prints_them() {
        let host = fake::answering();
        assert_eq!(fake::render(&host, "{% do run_query('select * from orders').print_table() %}"), "");
        let grid = "| id | status | amount |\n| -- | ------ | ------ |\n|  1 | placed |    1.5 |\n|  2 |        |    2.5 |\n|  3 | placed |    4.0 |";
        assert_eq!(host.said().last(), Some(&(Level::Print, grid.to_owned())));
    }
}
