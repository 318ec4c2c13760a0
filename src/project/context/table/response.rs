//! What the server said of a statement, besides rows.

use super::super::containers::or_none;
use crate::project::Answer;
use minijinja::Value;
use minijinja::value::{Enumerator, Object};
use std::fmt;
use std::sync::Arc;

/// dbt's `AdapterResponse`: prints the command tag, `INSERT 0 5`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Response {
    /// `INSERT 0 5`
    pub message: String,
    /// The tag without its numbers: `INSERT`, `CREATE TABLE`.
    pub code: Option<String>,
    /// Rows returned or changed, where known.
    pub rows_affected: Option<u64>,
}

impl From<&Answer> for Response {
    fn from(answer: &Answer) -> Self {
        let words = answer.tag.split_whitespace().filter(|word| !word.chars().all(|c| c.is_ascii_digit()));
        Response {
            message: answer.tag.clone(),
            code: Some(words.collect::<Vec<_>>().join(" ")),
            rows_affected: Some(answer.rows_affected),
        }
    }
}

impl Object for Response {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        match key.as_str()? {
            "_message" | "message" => Some(Value::from(self.message.as_str())),
            "code" => Some(or_none(self.code.as_deref())),
            "rows_affected" => Some(or_none(self.rows_affected)),
            "query_id" => Some(Value::from(())),
            _ => None,
        }
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::Str(&["_message", "code", "rows_affected", "query_id"])
    }

    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_code_is_the_tag_without_numbers() {
        let code =
            |tag: &str| Response::from(&Answer { tag: tag.into(), ..Answer::default() }).code.unwrap_or_default();
        assert_eq!([code("INSERT 0 5"), code("CREATE TABLE"), code("SELECT 3")], ["INSERT", "CREATE TABLE", "SELECT"]);
    }
}
