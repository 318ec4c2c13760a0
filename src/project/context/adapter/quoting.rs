//! Quotes around identifiers.

use super::super::arguments::Arguments;
use super::super::fault::invalid;
use super::super::host::Host;
use crate::project::quote_identifier;
use minijinja::{Error, State, Value};
use std::sync::Arc;

/// `quote(identifier)`
pub(super) fn quote(_: &Arc<dyn Host>, _: &mut State<'_, '_>, args: &[Value]) -> Result<Value, Error> {
    let given = Arguments::bind("adapter.quote", &["identifier"], args)?;
    Ok(Value::from(quote_identifier(&given.text("identifier")?)))
}

/// `quote_as_configured(identifier, quote_key)`: in quotes if `quoting:` of the project says so for this key.
pub(super) fn quote_as_configured(host: &Arc<dyn Host>, _: &mut State<'_, '_>, args: &[Value]) -> Result<Value, Error> {
    let given = Arguments::bind("adapter.quote_as_configured", &["identifier", "quote_key"], args)?;
    let identifier = given.text("identifier")?;
    let quoted = host.quoting().part(&given.text("quote_key")?).unwrap_or(false);
    Ok(Value::from(if quoted { quote_identifier(&identifier) } else { identifier }))
}

/// `quote_seed_column(column, quote_config)`: in quotes unless `quote_columns: false`.
pub(super) fn quote_seed_column(_: &Arc<dyn Host>, _: &mut State<'_, '_>, args: &[Value]) -> Result<Value, Error> {
    let given = Arguments::bind("adapter.quote_seed_column", &["column", "quote_config"], args)?;
    let column = given.text("column")?;
    let quoted = match given.optional("quote_config") {
        None => true,
        Some(config) => bool::try_from(config.clone())
            .map_err(|_| invalid(format!("quote_columns of a seed is true or false, not \"{config}\"")))?,
    };
    Ok(Value::from(if quoted { quote_identifier(&column) } else { column }))
}

#[cfg(test)]
mod tests {
    use super::super::super::{Policy, fake};

    #[test]
    fn identifiers_are_quoted_as_the_project_wants() {
        let host = fake::quoting(Policy { schema: false, ..Policy::default() });
        let render = |text: &str| fake::render(&host, text);
        assert_eq!(render("{{ adapter.quote('a b') }} {{ adapter.quote('x\"y') }}"), "\"a b\" \"x\"\"y\"");
        assert_eq!(
            render(
                "{{ adapter.quote_as_configured('a', 'schema') }} {{ adapter.quote_as_configured('a', 'identifier') }} {{ adapter.quote_as_configured('a', 'project') }}"
            ),
            "a \"a\" a"
        );
        assert_eq!(
            render(
                "{{ adapter.quote_seed_column('a', none) }} {{ adapter.quote_seed_column('a', false) }} {{ adapter.quote_seed_column('a', true) }}"
            ),
            "\"a\" a \"a\""
        );
        assert!(fake::fault(&host, "{{ adapter.quote_seed_column('a', 'yes') }}").contains("true or false"));
    }
}
