//! Ephemeral models: their SELECTs become common table expressions of whoever refers to them.

/// One common table expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cte {
    /// Id of the ephemeral model.
    pub id: String,
    /// Its name in the statement: `__dbt__cte__orders`.
    pub name: String,
    /// Its SELECT.
    pub sql: String,
}

/// Name of an ephemeral model inside of a statement.
pub fn cte_name(identifier: &str) -> String {
    format!("__dbt__cte__{identifier}")
}

/// Puts the expressions in front of the statement, into its own WITH clause where it has one.
pub fn inject(sql: &str, ctes: &[Cte]) -> String {
    if ctes.is_empty() {
        return sql.to_owned();
    }
    let list = ctes.iter().map(|cte| format!("{} as (\n{}\n)", cte.name, cte.sql)).collect::<Vec<_>>().join(", ");
    match with_clause(sql) {
        Some(end) => format!("{} {list}, {}", &sql[..end], sql[end..].trim_start()),
        None => {
            let (blank, rest) = sql.split_at(sql.len() - sql.trim_start().len());
            format!("{blank}with {list} {rest}")
        }
    }
}

/// Byte offset behind the leading `WITH` (and `RECURSIVE`), if the statement begins with one.
fn with_clause(sql: &str) -> Option<usize> {
    let start = skip_blank(sql, 0);
    let end = keyword(sql, start, "with")?;
    let next = skip_blank(sql, end);
    Some(keyword(sql, next, "recursive").unwrap_or(end))
}

/// Offset behind blanks and comments.
fn skip_blank(sql: &str, mut at: usize) -> usize {
    loop {
        let rest = &sql[at..];
        let trimmed = rest.trim_start();
        at += rest.len() - trimmed.len();
        if trimmed.starts_with("--") {
            at += trimmed.find('\n').unwrap_or(trimmed.len());
        } else if trimmed.starts_with("/*") {
            at += comment_length(trimmed);
        } else {
            return at;
        }
    }
}

/// Length of the block comment that the text begins with; PostgreSQL's comments nest.
fn comment_length(text: &str) -> usize {
    let (mut depth, mut at) = (0_usize, 0);
    let bytes = text.as_bytes();
    while at + 1 < bytes.len() {
        match &bytes[at..at + 2] {
            b"/*" => {
                depth += 1;
                at += 2;
            }
            b"*/" => {
                depth -= 1;
                at += 2;
                if depth == 0 {
                    return at;
                }
            }
            _ => at += 1,
        }
    }
    text.len()
}

fn keyword(sql: &str, at: usize, word: &str) -> Option<usize> {
    let end = at + word.len();
    let found = sql.get(at..end)?.eq_ignore_ascii_case(word);
    let ends = !sql[end..].starts_with(|c: char| c.is_alphanumeric() || c == '_');
    (found && ends).then_some(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cte() -> Vec<Cte> {
        vec![Cte { id: "model.x.a".into(), name: cte_name("a"), sql: "select 1".into() }]
    }

    #[test]
    fn a_statement_without_with_gets_one() {
        assert_eq!(inject("select * from x", &cte()), "with __dbt__cte__a as (\nselect 1\n) select * from x");
        assert_eq!(inject("select 1", &[]), "select 1");
        assert!(inject("without_x", &cte()).starts_with("with __dbt__cte__a"));
    }

    #[test]
    fn a_with_clause_takes_them_first_whatever_stands_before_it() {
        let sql = "-- note\n/* a /* nested */ one */ WITH\n b as (select 2) select * from b";
        let got = inject(sql, &cte());
        assert_eq!(
            got,
            "-- note\n/* a /* nested */ one */ WITH __dbt__cte__a as (\nselect 1\n), b as (select 2) select * from b"
        );
        assert!(inject("with recursive t as (select 1) select 2", &cte()).starts_with("with recursive __dbt__cte__a"));
    }
}
