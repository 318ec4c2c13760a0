//! Arguments of one call, bound to the names of its parameters as Python binds them.

use super::fault::invalid;
use minijinja::value::Kwargs;
use minijinja::{Error, Value};

/// What a call was given, by parameter.
#[derive(Debug)]
pub(super) struct Arguments {
    function: &'static str,
    names: &'static [&'static str],
    values: Vec<Option<Value>>,
}

impl Arguments {
    /// Binds positional arguments in order and keyword arguments by name.
    pub fn bind(function: &'static str, names: &'static [&'static str], given: &[Value]) -> Result<Self, Error> {
        let (positional, keywords) = match given.split_last() {
            Some((last, rest)) if last.is_kwargs() => (rest, Some(Kwargs::try_from(last.clone())?)),
            _ => (given, None),
        };
        if positional.len() > names.len() {
            let takes = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
            return Err(invalid(format!(
                "{function}() got {} arguments by position and takes {}: {takes}",
                positional.len(),
                names.len()
            )));
        }
        let mut values: Vec<Option<Value>> = positional.iter().cloned().map(Some).collect();
        values.resize(names.len(), None);
        if let Some(keywords) = &keywords {
            for key in keywords.args() {
                let Some(place) = names.iter().position(|name| *name == key) else {
                    let takes = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
                    return Err(invalid(format!("{function}() has no argument \"{key}\"; it takes {takes}")));
                };
                if values[place].is_some() {
                    return Err(invalid(format!("{function}() got the argument \"{key}\" twice")));
                }
                values[place] = Some(keywords.peek::<Value>(key)?);
            }
        }
        Ok(Arguments { function, names, values })
    }

    /// The value as it was given, `none` included.
    pub fn given(&self, name: &str) -> Option<&Value> {
        let place = self.names.iter().position(|known| *known == name)?;
        self.values[place].as_ref()
    }

    /// The value, unless it is `none` or undefined.
    pub fn optional(&self, name: &str) -> Option<&Value> {
        self.given(name).filter(|value| !value.is_none() && !value.is_undefined())
    }

    /// The value, which must have been given.
    pub fn required(&self, name: &str) -> Result<&Value, Error> {
        self.given(name).ok_or_else(|| invalid(format!("{}() needs the argument \"{name}\"", self.function)))
    }

    /// The value as text; a relation or a number gives what it prints.
    pub fn text(&self, name: &str) -> Result<String, Error> {
        let value = self.required(name)?;
        if value.is_none() || value.is_undefined() {
            return Err(invalid(format!("{}() got nothing for the argument \"{name}\"", self.function)));
        }
        Ok(value.to_string())
    }

    /// The value as text, unless it is `none` or undefined.
    pub fn optional_text(&self, name: &str) -> Option<String> {
        self.optional(name).map(ToString::to_string)
    }

    /// The value as a whole number, unless it is `none` or undefined.
    pub fn optional_integer(&self, name: &str) -> Result<Option<i64>, Error> {
        let Some(value) = self.optional(name) else { return Ok(None) };
        let number = i64::try_from(value.clone()).ok().or_else(|| value.as_str()?.trim().parse().ok());
        number
            .map(Some)
            .ok_or_else(|| invalid(format!("{}() takes a whole number for \"{name}\", not \"{value}\"", self.function)))
    }

    /// Whether the value is true; `default` where it was not given.
    pub fn flag(&self, name: &str, default: bool) -> bool {
        self.given(name).map_or(default, Value::is_true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAMES: &[&str] = &["database", "schema", "identifier"];

    fn bind(given: &[Value]) -> Result<Arguments, String> {
        Arguments::bind("get_relation", NAMES, given).map_err(|error| error.detail().unwrap_or_default().to_owned())
    }

    fn keywords(pairs: &[(&'static str, &str)]) -> Value {
        pairs.iter().map(|(key, value)| (*key, Value::from(*value))).collect::<Kwargs>().into()
    }

    #[test]
    fn positions_and_names_mix() {
        let bound = bind(&["db".into(), keywords(&[("identifier", "t")])]).expect("bound");
        assert_eq!(bound.text("database").ok().as_deref(), Some("db"));
        assert_eq!(bound.optional_text("schema"), None);
        assert_eq!(bound.optional_text("identifier").as_deref(), Some("t"));
    }

    #[test]
    fn wrong_calls_are_told_with_the_names() {
        let told = |given: &[Value]| bind(given).expect_err("refused");
        assert_eq!(
            told(&["a".into(), "b".into(), "c".into(), "d".into()]),
            "get_relation() got 4 arguments by position and takes 3: database, schema, identifier"
        );
        assert_eq!(
            told(&[keywords(&[("table", "t")])]),
            "get_relation() has no argument \"table\"; it takes database, schema, identifier"
        );
        assert_eq!(
            told(&["a".into(), keywords(&[("database", "t")])]),
            "get_relation() got the argument \"database\" twice"
        );
        let bound = bind(&[]).expect("bound");
        assert_eq!(
            bound.text("schema").expect_err("missing").detail(),
            Some("get_relation() needs the argument \"schema\"")
        );
    }

    #[test]
    fn none_is_given_but_not_there() {
        let bound = bind(&[Value::from(())]).expect("bound");
        assert!(bound.given("database").is_some() && bound.optional("database").is_none());
        assert_eq!(
            bound.text("database").expect_err("none").detail(),
            Some("get_relation() got nothing for the argument \"database\"")
        );
    }
}
