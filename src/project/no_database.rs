//! Stands where there is no database: whatever a template asks is refused, instead of being answered with nothing.

use super::database::{Answer, Database, ExistingColumn, ExistingRelation, RelationName};
use crate::error::{Error, Result};

/// A database that is not there.
#[derive(Clone, Copy, Debug)]
pub(super) struct NoDatabase;

fn refuse<T>() -> Result<T> {
    Err(Error::config("this needs a database, and there is none where the SQL is only shown, tested or defines a view")
        .hint("let a model that is stored (table, cluster, ltv) ask the database, and read that model"))
}

impl Database for NoDatabase {
    fn execute(&self, _: &str) -> Result<Answer> {
        refuse()
    }

    fn relation(&self, _: &RelationName) -> Result<Option<ExistingRelation>> {
        refuse()
    }

    fn relations(&self, _: &str) -> Result<Vec<ExistingRelation>> {
        refuse()
    }

    fn columns(&self, _: &RelationName) -> Result<Vec<ExistingColumn>> {
        refuse()
    }

    fn describe(&self, _: &str) -> Result<Vec<ExistingColumn>> {
        refuse()
    }

    fn schemas(&self) -> Result<Vec<String>> {
        refuse()
    }

    fn create_schema(&self, _: &str) -> Result<()> {
        refuse()
    }

    fn drop_schema(&self, _: &str) -> Result<()> {
        refuse()
    }

    fn drop_relation(&self, _: &ExistingRelation) -> Result<()> {
        refuse()
    }

    fn rename_relation(&self, _: &ExistingRelation, _: &RelationName) -> Result<()> {
        refuse()
    }

    fn truncate_relation(&self, _: &RelationName) -> Result<()> {
        refuse()
    }
}
