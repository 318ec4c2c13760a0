//! Garbage collection: tables of runs that nobody can see or go back to any more; never in a run's way.

use super::Warehouse;
use super::fault::fault;
use super::statement::fill;
use crate::error::Result;
use std::collections::BTreeSet;
use std::time::Duration;

/// A detach waits for old readers; it is given this long, and taken up again by the next collection.
const PATIENCE: Duration = Duration::from_secs(5);

impl Warehouse {
    /// Drops what is not kept; returns the relations dropped. A relation that a reader still holds waits for next time.
    pub async fn collect_garbage(&self, keep_runs: usize) -> Result<Vec<String>> {
        let doing = "garbage collection failed";
        let client = self.client().await?;
        let (store, workspace) = (&self.schemas.store, &self.schemas.workspace);
        let keep = i64::try_from(keep_runs.max(1)).unwrap_or(i64::MAX);
        // Before the runs: a run that begins between the two questions shall not be taken for garbage.
        let relations =
            client.query(include_str!("sql/list_store_relations.sql"), &[store]).await.map_err(|e| fault(doing, &e))?;
        let kept: BTreeSet<i64> = client
            .query(include_str!("sql/list_kept_runs.sql"), &[workspace, &keep])
            .await
            .map_err(|e| fault(doing, &e))?
            .iter()
            .map(|row| row.get(0))
            .collect();
        let mut dropped = Vec::new();
        for row in relations {
            let name: String = row.get(0);
            let run_id = name.rsplit_once("__r").and_then(|(_, number)| number.parse::<i64>().ok());
            if run_id.is_none_or(|run_id| kept.contains(&run_id)) {
                continue;
            }
            let parent: Option<String> = row.get(2);
            let statements = removal(store, &name, row.get(1), parent.as_deref(), row.get(3));
            if self.remove(&statements).await? {
                dropped.push(name);
            }
        }
        let parents = client
            .query(include_str!("sql/list_empty_parents.sql"), &[store, workspace])
            .await
            .map_err(|e| fault(doing, &e))?;
        for row in parents {
            let name: String = row.get(0);
            let drop = fill("DROP TABLE IF EXISTS {schema}.{name}", &[("schema", store), ("name", &name)]);
            if self.remove(&[drop]).await? {
                dropped.push(name);
            }
        }
        Ok(dropped)
    }

    /// Runs the statements, each within our patience; false when one had to wait for readers or was refused.
    async fn remove(&self, statements: &[String]) -> Result<bool> {
        for statement in statements {
            let client = self.client().await?;
            match tokio::time::timeout(PATIENCE, client.batch_execute(statement)).await {
                Ok(Ok(())) => {}
                Ok(Err(e)) => {
                    tracing::warn!(statement, reason = %fault("not dropped", &e), "garbage stays for now");
                    return Ok(false);
                }
                Err(_) => {
                    self.cancel(client).await;
                    tracing::warn!(statement, "garbage stays for now: a reader holds it");
                    return Ok(false);
                }
            }
        }
        Ok(true)
    }
}

/// A partition is detached without a lock that readers feel; a detach that was cut off must be finalised first.
fn removal(store: &str, name: &str, is_view: bool, parent: Option<&str>, is_detaching: bool) -> Vec<String> {
    let place = [("schema", store), ("name", name), ("parent", parent.unwrap_or_default())];
    if is_view {
        return vec![fill("DROP VIEW IF EXISTS {schema}.{name}", &place)];
    }
    let drop = fill("DROP TABLE IF EXISTS {schema}.{name}", &place);
    match (parent, is_detaching) {
        (None, _) => vec![drop],
        (Some(_), true) => {
            vec![fill("ALTER TABLE {schema}.{parent} DETACH PARTITION {schema}.{name} FINALIZE", &place), drop]
        }
        (Some(_), false) => {
            vec![fill("ALTER TABLE {schema}.{parent} DETACH PARTITION {schema}.{name} CONCURRENTLY", &place), drop]
        }
    }
}

#[cfg(test)]
mod tests {
    use super::removal;

    #[test]
    fn a_cut_off_detach_is_finalised() {
        let statements = removal("s", "t__r1", false, Some("t__abc"), true);
        assert_eq!(statements[0], "ALTER TABLE \"s\".\"t__abc\" DETACH PARTITION \"s\".\"t__r1\" FINALIZE");
        assert_eq!(statements[1], "DROP TABLE IF EXISTS \"s\".\"t__r1\"");
    }
}
