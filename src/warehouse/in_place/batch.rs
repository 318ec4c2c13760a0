//! The rows of a SELECT in a table of their own, made once and then brought into the relation as often as locks ask for.

use super::catalog::{BATCH, beside};
use super::session::Session;
use super::table::{self, TableDefinition};
use crate::error::Result;
use crate::project::RelationName;
use crate::warehouse::statement::qualified;

/// Fills and analyses the batch of the relation `name`; its identifier in the schema of the relation.
pub(super) async fn fill(
    session: &Session,
    doing: &str,
    name: &RelationName,
    definition: &TableDefinition,
) -> Result<String> {
    let identifier = beside(&name.identifier, BATCH);
    let batch = qualified(&name.schema, &identifier);
    table::drop_table(session, doing, &batch).await?;
    if let Some(header) = &definition.header {
        session.execute(header).await?;
    }
    // Unlogged: it is thrown away, and a crash may take it.
    table::create_as(session, doing, &batch, true, &definition.select).await?;
    session.run(doing, &format!("ANALYZE {batch}")).await?;
    Ok(identifier)
}
