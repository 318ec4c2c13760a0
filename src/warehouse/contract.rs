//! The contract with readers: the columns of a public relation stay as they are, and new ones come at the end.

use super::Warehouse;
use super::connect::{Client, Transaction};
use super::fault::fault;
use super::materialize::run_relation;
use crate::error::{Error, Result};

/// Name and type of a column.
pub(super) type Column = (String, String);

impl Warehouse {
    /// Refuses what a run built for a public relation when its published view could not take it.
    ///
    /// `version` is the contract version that `model` has now; `relation` is the published view.
    pub async fn refuse_breaking_change(
        &self,
        client: &Client,
        model: &str,
        relation: &str,
        version: u64,
        run_id: i64,
    ) -> Result<()> {
        let describe = async |schema: &str, name: &str| -> Result<Vec<Column>> {
            let rows = client
                .query(include_str!("sql/describe_table.sql"), &[&schema, &name])
                .await
                .map_err(|e| fault(&format!("columns of \"{schema}.{name}\" cannot be read"), &e))?;
            Ok(rows.iter().map(|row| (row.get(0), row.get(1))).collect())
        };
        let built = describe(&self.schemas.store, &run_relation(model, run_id)).await?;
        let published = describe(&self.schemas.marts, relation).await?;
        match breach(&built, &published) {
            None => Ok(()),
            Some(breach) => Err(Error::failed(format!(
                "model \"{model}\" breaks the contract of view \"{}.{relation}\"",
                self.schemas.marts
            ))
            .detail(format!(
                "{breach} Readers rely on the columns that are published; only new ones at the end are taken."
            ))
            .hint(format!(
                "set config(contract_version={}) in the model: it is published as \"{model}_v{}\" beside the old view, \
                     until quintile unpublish {relation}",
                version + 1,
                version + 1
            ))),
        }
    }
}

/// The first published column that what was built does not have in its place, in words.
fn breach(built: &[Column], published: &[Column]) -> Option<String> {
    published.iter().enumerate().find_map(|(place, (name, old_type))| {
        let Some((_, new_type)) = built.iter().find(|(other, _)| other == name) else {
            return Some(format!("Column \"{name}\" ({old_type}) is published and no longer there."));
        };
        if new_type != old_type {
            return Some(format!("Column \"{name}\" was {old_type} and is {new_type} now."));
        }
        let there = built.get(place).map(|(other, _)| other.as_str()).unwrap_or_default();
        (there != name).then(|| format!("Column {} was \"{name}\" ({old_type}) and is \"{there}\" now.", place + 1))
    })
}

/// Names and types of a relation's columns, in order; none for a relation that is not there.
pub(super) async fn columns_of(transaction: &Transaction<'_>, schema: &str, relation: &str) -> Result<Vec<Column>> {
    let described = transaction
        .query(include_str!("sql/describe_table.sql"), &[&schema, &relation])
        .await
        .map_err(|e| fault(&format!("columns of \"{schema}.{relation}\" cannot be read"), &e))?;
    Ok(described.iter().map(|row| (row.get(0), row.get(1))).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn columns(text: &str) -> Vec<Column> {
        text.split_whitespace().filter_map(|c| c.split_once(':')).map(|(n, t)| (n.into(), t.into())).collect()
    }

    #[test]
    fn columns_may_come_at_the_end_and_nowhere_else() {
        let published = columns("id:bigint name:text");
        let told = |built: &str| breach(&columns(built), &published);
        assert_eq!(told("id:bigint name:text"), None);
        assert_eq!(told("id:bigint name:text since:date"), None);
        assert_eq!(told("id:bigint").as_deref(), Some("Column \"name\" (text) is published and no longer there."));
        assert_eq!(told("id:integer name:text").as_deref(), Some("Column \"id\" was bigint and is integer now."));
        assert_eq!(told("name:text id:bigint").as_deref(), Some("Column 1 was \"id\" (bigint) and is \"name\" now."));
        assert_eq!(
            told("id:bigint since:date name:text").as_deref(),
            Some("Column 2 was \"name\" (text) and is \"since\" now.")
        );
    }
}
