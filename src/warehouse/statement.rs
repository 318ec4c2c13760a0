//! Internal statements: text from `sql/*.sql`, identifiers filled in through the one quoting function.

use crate::project::quote_identifier;

/// Lets the server notice within seconds, and not when its answer is ready, that we are gone: a model whose process
/// was killed must not go on for hours and hold the name of the table that the next attempt makes. Holds for a
/// transaction; not every system can do it.
pub(super) const NOTICE_LOST_CLIENT: &str = include_str!("sql/notice_lost_client.sql");

/// Replaces each `{name}` of a statement file by its quoted identifier.
#[must_use]
pub fn fill(template: &str, identifiers: &[(&str, &str)]) -> String {
    identifiers.iter().fold(template.to_owned(), |text, (name, identifier)| {
        text.replace(&format!("{{{name}}}"), &quote_identifier(identifier))
    })
}

/// Replaces each `[name]` of a statement file by SQL text that is already safe.
#[must_use]
pub fn splice(template: &str, parts: &[(&str, &str)]) -> String {
    parts.iter().fold(template.to_owned(), |text, (name, part)| text.replace(&format!("[{name}]"), part))
}

/// `"schema"."name"`.
#[must_use]
pub fn qualified(schema: &str, name: &str) -> String {
    format!("{}.{}", quote_identifier(schema), quote_identifier(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_are_quoted_and_parts_are_not() {
        let sql = splice(
            &fill("CREATE VIEW {schema}.{name} AS [select]", &[("schema", "a"), ("name", "b\"c")]),
            &[("select", "SELECT 1")],
        );
        assert_eq!(sql, "CREATE VIEW \"a\".\"b\"\"c\" AS SELECT 1");
    }
}
