//! Values as SQL: the filters `literal` and `identifier`, which dbt does not have.

use super::fault::refuse;
use crate::project::name::{quote_identifier, quote_literal};
use minijinja::value::ValueKind;
use minijinja::{Environment, Error, Value};

/// Adds the two filters.
pub(super) fn install(env: &mut Environment<'static>) {
    env.add_filter("literal", literal);
    env.add_filter("identifier", |name: &str| quote_identifier(name));
}

/// Text in quotes, numbers as they are, nothing as NULL, a list as `'a', 'b'`.
fn literal(value: &Value) -> Result<String, Error> {
    match value.kind() {
        ValueKind::None => Ok("NULL".to_owned()),
        ValueKind::Number => Ok(value.to_string()),
        ValueKind::Bool => Ok(if value.is_true() { "true" } else { "false" }.to_owned()),
        ValueKind::Seq => {
            let items: Result<Vec<String>, Error> = value.try_iter()?.map(|item| literal(&item)).collect();
            Ok(items?.join(", "))
        }
        ValueKind::String => Ok(quote_literal(value.as_str().unwrap_or_default())),
        kind => Err(refuse(format!("a {kind} has no SQL literal"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_plain_value_has_a_literal() {
        let told = |value: Value| literal(&value).map_err(|e| e.to_string());
        assert_eq!(told(Value::from("it's")).as_deref(), Ok("'it''s'"));
        assert_eq!(told(Value::from(())).as_deref(), Ok("NULL"));
        assert_eq!(told(Value::from(true)).as_deref(), Ok("true"));
        assert_eq!(told(Value::from(vec![Value::from(1.5), Value::from("b")])).as_deref(), Ok("1.5, 'b'"));
        assert!(told(Value::UNDEFINED).is_err());
    }
}
