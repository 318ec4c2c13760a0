//! A session as templates see it: the pure trait `Database`, answered from a thread that may wait.

use super::session::Session;
use super::shape;
use crate::error::{Error, Result};
use crate::project::{
    Answer, Database, ExistingColumn, ExistingRelation, RelationKind, RelationName, quote_identifier,
};
use crate::warehouse::statement::qualified;
use std::future::Future;
use std::sync::Arc;
use tokio::runtime::Handle;
use tokio_postgres::types::Type;

/// A session for templates. Its calls wait, so they must come from a thread that is not the runtime's own
/// (`spawn_blocking`).
#[derive(Debug)]
pub struct Blocking {
    handle: Handle,
    session: Arc<Session>,
}

impl Blocking {
    /// The session, waited for through `handle`.
    #[must_use]
    pub fn new(handle: Handle, session: Arc<Session>) -> Blocking {
        Blocking { handle, session }
    }

    fn wait<T>(&self, work: impl Future<Output = Result<T>>) -> Result<T> {
        self.handle.block_on(work)
    }

    fn run(&self, doing: &str, sql: &str) -> Result<()> {
        self.wait(self.session.run(doing, sql)).map(|_| ())
    }
}

impl Database for Blocking {
    fn execute(&self, sql: &str) -> Result<Answer> {
        self.wait(self.session.execute(sql))
    }

    fn relation(&self, name: &RelationName) -> Result<Option<ExistingRelation>> {
        self.wait(shape::relation(&self.session, name))
    }

    fn relations(&self, schema: &str) -> Result<Vec<ExistingRelation>> {
        self.wait(shape::relations(&self.session, schema))
    }

    fn columns(&self, name: &RelationName) -> Result<Vec<ExistingColumn>> {
        self.wait(shape::columns(&self.session, name))
    }

    fn describe(&self, sql: &str) -> Result<Vec<ExistingColumn>> {
        let columns = self.wait(shape::select_columns(&self.session, sql))?;
        Ok(columns.into_iter().map(shape::TypedColumn::into_existing).collect())
    }

    fn schemas(&self) -> Result<Vec<String>> {
        self.wait(shape::schemas(&self.session))
    }

    fn create_schema(&self, schema: &str) -> Result<()> {
        self.wait(create_schema(&self.session, schema))
    }

    fn drop_schema(&self, schema: &str) -> Result<()> {
        let sql = format!("DROP SCHEMA IF EXISTS {} CASCADE", quote_identifier(schema));
        self.run(&format!("schema \"{schema}\" cannot be dropped"), &sql)
    }

    fn drop_relation(&self, relation: &ExistingRelation) -> Result<()> {
        let name = qualified(&relation.name.schema, &relation.name.identifier);
        let sql = format!("DROP {} IF EXISTS {name} CASCADE", ddl_word(relation.kind));
        self.run(&format!("relation {name} cannot be dropped"), &sql)
    }

    fn rename_relation(&self, from: &ExistingRelation, to: &RelationName) -> Result<()> {
        let name = qualified(&from.name.schema, &from.name.identifier);
        if from.name.schema != to.schema {
            let message = format!("relation {name} cannot be renamed into another schema");
            return Err(Error::failed(message).hint("rename it within its schema, or create it where it shall be"));
        }
        let sql = format!("ALTER {} {name} RENAME TO {}", ddl_word(from.kind), quote_identifier(&to.identifier));
        self.run(&format!("relation {name} cannot be renamed"), &sql)
    }

    fn truncate_relation(&self, name: &RelationName) -> Result<()> {
        let name = qualified(&name.schema, &name.identifier);
        self.run(&format!("table {name} cannot be emptied"), &format!("TRUNCATE TABLE {name}"))
    }
}

/// Creates the schema unless it is there. Looks first: `IF NOT EXISTS` asks for the right to create even then.
pub async fn create_schema(session: &Session, schema: &str) -> Result<()> {
    let doing = format!("schema \"{schema}\" cannot be created");
    let there = "SELECT 1 FROM pg_catalog.pg_namespace WHERE nspname = $1";
    if session.rows(&doing, there, &[(&schema, Type::TEXT)]).await?.is_empty() {
        session.run(&doing, &format!("CREATE SCHEMA IF NOT EXISTS {}", quote_identifier(schema))).await?;
    }
    Ok(())
}

/// `TABLE`, `VIEW`, `MATERIALIZED VIEW`.
pub(super) fn ddl_word(kind: RelationKind) -> &'static str {
    match kind {
        RelationKind::Table => "TABLE",
        RelationKind::View => "VIEW",
        RelationKind::MaterializedView => "MATERIALIZED VIEW",
    }
}
