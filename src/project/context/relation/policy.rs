//! Which parts of a relation's name print, or print in quotes.

use super::super::containers::dict;
use super::super::fault::invalid;
use minijinja::{Error, Value};

/// A yes or no for each part of a name; by default yes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Policy {
    /// For the database.
    pub database: bool,
    /// For the schema.
    pub schema: bool,
    /// For the table or view.
    pub identifier: bool,
}

impl Default for Policy {
    fn default() -> Self {
        Policy { database: true, schema: true, identifier: true }
    }
}

impl Policy {
    /// The answer for `database`, `schema` or `identifier`.
    pub(in super::super) fn part(self, name: &str) -> Option<bool> {
        match name {
            "database" => Some(self.database),
            "schema" => Some(self.schema),
            "identifier" => Some(self.identifier),
            _ => None,
        }
    }

    /// The policy with the parts that `changes`, a dict, speaks of; `none` in it leaves a part alone.
    pub(in super::super) fn changed(mut self, changes: Option<&Value>) -> Result<Policy, Error> {
        let Some(changes) = changes else { return Ok(self) };
        for key in changes.try_iter()? {
            let value = changes.get_item(&key)?;
            let part = match key.as_str() {
                _ if value.is_none() || value.is_undefined() => continue,
                Some("database") => &mut self.database,
                Some("schema") => &mut self.schema,
                Some("identifier") => &mut self.identifier,
                _ => {
                    return Err(invalid(format!(
                        "a policy has no part \"{key}\"; its parts are database, schema and identifier"
                    )));
                }
            };
            *part = value.is_true();
        }
        Ok(self)
    }

    /// The policy as a dict.
    pub(super) fn value(self) -> Value {
        dict([
            ("database", Value::from(self.database)),
            ("schema", Value::from(self.schema)),
            ("identifier", Value::from(self.identifier)),
        ])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_touch_only_the_parts_they_name() {
        let changes = dict([("schema", Value::from(false)), ("database", Value::from(()))]);
        let changed = Policy::default().changed(Some(&changes)).expect("changed");
        assert_eq!(changed, Policy { schema: false, ..Policy::default() });
        let unknown = dict([("column", Value::from(true))]);
        assert!(Policy::default().changed(Some(&unknown)).is_err());
    }
}
