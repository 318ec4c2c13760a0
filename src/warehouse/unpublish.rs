//! Withdrawing a published relation that the project makes no more: its view goes, and nothing that hangs on it does.

use super::Warehouse;
use super::fault::fault;
use super::fence::{Fence, hold};
use super::patience::{LIMITS, Patience, VIEW_LIMIT};
use super::statement::fill;
use crate::crash_point;
use crate::error::{Error, Kind, Result};
use crate::project::Access;
use std::time::Duration;
use tokio_postgres::error::SqlState;

impl Warehouse {
    /// Drops the view of a published relation and forgets its pointers, also in earlier publishes; its tables become
    /// garbage. Refused when other views depend on it.
    pub async fn unpublish(&self, relation: &str, fence: &Fence, patience: Duration) -> Result<()> {
        let mut patience = Patience::new(patience, "unpublish");
        let mut has_tried = false;
        loop {
            let error = match self.try_unpublish(relation, fence).await {
                Ok(true) => return Ok(()),
                // An earlier try took place, and the answer to its COMMIT was lost.
                Ok(false) if has_tried => return Ok(()),
                Ok(false) => {
                    return Err(Error::usage(format!(
                        "relation \"{relation}\" is not published in workspace \"{}\"",
                        self.schemas.workspace
                    ))
                    .hint("quintile ls lists the models; the views are those of the schema"));
                }
                Err(e) => e,
            };
            has_tried |= error.kind == Kind::Unreachable;
            let views = [(self.schemas.marts.as_str(), relation), (self.schemas.store.as_str(), relation)];
            patience.again(self.name_holders(error, &views).await).await?;
        }
    }

    /// One try; false if there is no such pointer.
    async fn try_unpublish(&self, relation: &str, fence: &Fence) -> Result<bool> {
        let doing = format!("relation \"{relation}\" cannot be withdrawn");
        let workspace = &self.schemas.workspace;
        let mut client = self.client().await?;
        let transaction = client.transaction().await.map_err(|e| fault(&doing, &e))?;
        transaction.batch_execute(LIMITS).await.map_err(|e| fault(&doing, &e))?;
        hold(&transaction, fence).await?;
        let found = transaction
            .query_opt(include_str!("sql/withdraw_pointer.sql"), &[workspace, &relation])
            .await
            .map_err(|e| fault(&doing, &e))?;
        let Some(found) = found else { return Ok(false) };
        crash_point::reach("unpublish: pointer withdrawn").await?;
        let access = if found.get::<_, &str>(0) == "public" { Access::Public } else { Access::Private };
        let facts = serde_json::json!({ "relation": relation });
        transaction
            .execute(include_str!("sql/audit.sql"), &[workspace, &"quintile", &"unpublish", &facts])
            .await
            .map_err(|e| fault(&doing, &e))?;
        let place = [("schema", self.schema_of(access)), ("view", relation)];
        let drop = format!("{VIEW_LIMIT}; {}", fill("DROP VIEW IF EXISTS {schema}.{view}", &place));
        transaction.batch_execute(&drop).await.map_err(|e| match e.code() {
            Some(&SqlState::DEPENDENT_OBJECTS_STILL_EXIST) => {
                fault(&doing, &e).hint("drop or change what depends on it first; quintile never drops it for you")
            }
            _ => fault(&doing, &e),
        })?;
        crash_point::reach("unpublish: before commit").await?;
        transaction.commit().await.map_err(|e| fault(&doing, &e))?;
        crash_point::reach("unpublish: committed").await?;
        Ok(true)
    }
}
