//! Detaching and dropping one relation after the other, without a lock that readers feel.

use super::Warehouse;
use super::fault::fault;
use super::gc_bound::Bound;
use super::patience::LIMITS;
use super::statement::fill;
use crate::crash_point;
use crate::error::Result;
use std::time::Duration;
use tokio::sync::Mutex;
use tokio::time::Instant;

/// A detach waits for old readers, and keeps nobody waiting; it is given this long, and taken up again by the next
/// collection. One that is cut off costs a second wait: it must be finalised.
const PATIENCE: Duration = Duration::from_secs(30);
/// Between two tries to drop what a reader still holds.
const PAUSE: Duration = Duration::from_secs(3);
/// How often it is looked whether the old readers of a cut-off detach are gone.
const LOOK: Duration = Duration::from_millis(200);

/// A relation of the store that is not kept.
pub(super) struct Garbage {
    pub(super) name: String,
    pub(super) is_view: bool,
    pub(super) parent: Option<String>,
    pub(super) is_detaching: bool,
    pub(super) was_published: bool,
}

/// One collection at work.
pub(super) struct Collector<'a> {
    pub(super) bound: &'a Bound,
    /// FINALIZE waits for every older snapshot: two at once would wait for each other.
    pub(super) finalising: Mutex<()>,
}

impl Warehouse {
    /// Removes relations of one parent, of which one detach can be under way at a time; what was dropped, what is left.
    pub(super) async fn remove_in_turn(
        &self,
        items: Vec<Garbage>,
        collector: &Collector<'_>,
    ) -> Result<(Vec<String>, Vec<String>)> {
        let (mut dropped, mut left): (Vec<String>, Vec<Garbage>) = (Vec::new(), Vec::new());
        let mut is_blocked = false;
        for mut item in items {
            let may_go_on = !is_blocked && !collector.bound.is_reached();
            let is_dropped = may_go_on && self.remove(&mut item, collector).await?;
            // A detach that could not be ended blocks every other one of its parent.
            is_blocked |= item.is_detaching && !is_dropped;
            if is_dropped {
                dropped.push(item.name);
            } else {
                left.push(item);
            }
        }
        self.drop_detached(&mut dropped, &mut left, collector.bound).await?;
        Ok((dropped, left.into_iter().map(|item| item.name).collect()))
    }

    /// Tries again to drop what is no partition any more: only readers that hold it from before are in the way.
    async fn drop_detached(&self, dropped: &mut Vec<String>, left: &mut Vec<Garbage>, bound: &Bound) -> Result<()> {
        let deadline = Instant::now() + PATIENCE;
        while left.iter().any(|item| item.parent.is_none()) && Instant::now() < deadline && !bound.is_reached() {
            bound.reached_within(PAUSE).await;
            for item in std::mem::take(left) {
                let statement = drop_statement(&self.schemas.store, &item);
                if item.parent.is_none() && self.execute_patiently(&statement, bound).await? {
                    dropped.push(item.name);
                } else {
                    left.push(item);
                }
            }
        }
        Ok(())
    }

    /// Removes one relation; false when it had to wait for readers or was refused.
    async fn remove(&self, item: &mut Garbage, collector: &Collector<'_>) -> Result<bool> {
        let bound = collector.bound;
        crash_point::reach("gc: before a relation").await?;
        let store = &self.schemas.store;
        if item.parent.is_some() {
            let is_detached = !item.is_detaching && self.execute_patiently(&detach(store, item), bound).await?;
            if !is_detached {
                item.is_detaching = true;
                let _alone = collector.finalising.lock().await;
                let finalise = match self.watchers_soon(&item.name, bound).await? {
                    None => None,
                    Some(0) => Some(detach(store, item)),
                    Some(watchers) => {
                        let table = &item.name;
                        tracing::warn!(table, watchers, "garbage stays for now: transactions see it as it was before");
                        return Ok(false);
                    }
                };
                if let Some(finalise) = finalise
                    && !self.execute_patiently(&finalise, bound).await?
                {
                    return Ok(false);
                }
            }
            item.parent = None;
            crash_point::reach("gc: detached").await?;
        }
        let is_dropped = self.execute_patiently(&drop_statement(store, item), bound).await?;
        crash_point::reach("gc: dropped").await?;
        Ok(is_dropped)
    }

    /// Waits until no transaction is left that sees a partition whose detach was cut off, but not for long: how many there
    /// are; nothing if it is no partition any more, because a server that had lost us went on to the end.
    ///
    /// FINALIZE locks the partition against readers first, and then waits for every older snapshot. An older reader
    /// that still takes the partition for one would stop at our lock while we wait for him: a deadlock.
    async fn watchers_soon(&self, table: &str, bound: &Bound) -> Result<Option<i64>> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let client = self.client().await?;
            let row = client
                .query_opt(include_str!("sql/count_detach_watchers.sql"), &[&self.schemas.store, &table])
                .await
                .map_err(|e| fault("open transactions cannot be read", &e))?;
            drop(client);
            let watchers = row.map(|row| row.get::<_, i64>(0));
            if watchers.is_none_or(|watchers| watchers == 0) || Instant::now() >= deadline || bound.is_reached() {
                return Ok(watchers);
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Runs a statement within our patience; false when it had to wait for readers or was refused.
    pub(super) async fn execute_patiently(&self, statement: &str, bound: &Bound) -> Result<bool> {
        let client = self.client().await?;
        let done = tokio::select! {
            done = client.batch_execute(statement) => Some(done),
            () = bound.reached_within(PATIENCE) => None,
        };
        match done {
            Some(Ok(())) => Ok(true),
            Some(Err(e)) => {
                // A transaction of several statements that broke off is still open.
                client.discard();
                tracing::warn!(statement, reason = %fault("not dropped", &e), "garbage stays for now");
                Ok(false)
            }
            None => {
                self.cancel(client).await;
                tracing::warn!(statement, "garbage stays for now: a reader holds it");
                Ok(false)
            }
        }
    }
}

/// A partition is detached without a lock that readers feel; a detach that was cut off must be finalised.
///
/// Neither has a limit of its own: CONCURRENTLY is no part of a transaction, and nobody sees what is finalised, so it
/// does not matter how long that waits for younger snapshots. Our patience ends both.
fn detach(store: &str, item: &Garbage) -> String {
    let parent = item.parent.as_deref().unwrap_or_default();
    let place = [("schema", store), ("name", item.name.as_str()), ("parent", parent)];
    fill(
        match item.is_detaching {
            true => "ALTER TABLE {schema}.{parent} DETACH PARTITION {schema}.{name} FINALIZE",
            false => "ALTER TABLE {schema}.{parent} DETACH PARTITION {schema}.{name} CONCURRENTLY",
        },
        &place,
    )
}

fn drop_statement(store: &str, item: &Garbage) -> String {
    let drop =
        if item.is_view { "DROP VIEW IF EXISTS {schema}.{name}" } else { "DROP TABLE IF EXISTS {schema}.{name}" };
    in_short_transaction(&fill(drop, &[("schema", store), ("name", &item.name)]))
}

pub(super) fn in_short_transaction(statement: &str) -> String {
    format!("BEGIN; {LIMITS}; {statement}; COMMIT")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cut_off_detach_is_finalised() {
        let item = Garbage {
            name: "t__r1".into(),
            is_view: false,
            parent: Some("t__abc".into()),
            is_detaching: true,
            was_published: true,
        };
        assert_eq!(detach("s", &item), "ALTER TABLE \"s\".\"t__abc\" DETACH PARTITION \"s\".\"t__r1\" FINALIZE");
        assert_eq!(drop_statement("s", &item), in_short_transaction("DROP TABLE IF EXISTS \"s\".\"t__r1\""));
        let fresh = Garbage { is_detaching: false, ..item };
        assert!(detach("s", &fresh).ends_with("CONCURRENTLY"));
    }
}
