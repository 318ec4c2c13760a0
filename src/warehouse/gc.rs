//! Garbage collection: tables that nobody can see or go back to any more; never in a run's way.

use super::Warehouse;
use super::connect::Client;
use super::detach::{Collector, Garbage, in_short_transaction};
use super::fault::fault;
use super::gc_bound::Bound;
use super::lease::Lease;
use super::materialize::run_relation;
use super::statement::fill;
use super::superseded::WaitingTable;
use crate::crash_point;
use crate::error::Result;
use futures_util::{StreamExt, TryStreamExt};
use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::{Mutex, watch};

/// Parents whose partitions are detached at once: each waits, and none works.
const AT_ONCE: usize = 3;

/// The collector's lease without renewal: so long the next one waits for a collector that was killed.
const LEASE: Duration = Duration::from_secs(30);

/// Between two renewals: a table may take longer than the lease.
const RENEWAL: Duration = Duration::from_secs(5);

/// How long the server may take to answer about the lease.
const ANSWER: Duration = Duration::from_secs(5);

/// Counts the collections of this process: a lease is taken again by the same holder, and two are two holders.
static NUMBER: AtomicU64 = AtomicU64::new(1);

/// From this wait on it is worth a warning who holds a table.
const LONG_WAIT_SECONDS: f64 = 10.0;

/// What a collection did.
#[derive(Clone, Debug, Default, serde::Serialize)]
pub struct Collection {
    /// Relations dropped.
    pub dropped: Vec<String>,
    /// Superseded tables that an old transaction may still read.
    pub waiting: Vec<WaitingTable>,
    /// Relations left to the next collection: locked, or time was up.
    pub left: Vec<String>,
}

impl Warehouse {
    /// Drops what is not kept, oldest first, until `bound`; none while another process collects here.
    pub async fn collect_garbage(&self, keep_runs: usize, holder: &str, bound: &Bound) -> Result<Option<Collection>> {
        let name = format!("gc:{}", self.schemas.workspace);
        let holder = format!("{holder}, collection {} of the process", NUMBER.fetch_add(1, Ordering::Relaxed));
        let Some((lease, _since)) = self.acquire_lease(&name, &holder, LEASE, ANSWER).await? else {
            return Ok(None);
        };
        let (lost, is_lost) = watch::channel(false);
        let bound = bound.clone().or_with(is_lost);
        let collected = tokio::select! {
            collected = self.collect(keep_runs, &bound) => collected,
            never = self.keep_lease(&lease, &lost) => match never {},
        };
        if let Err(e) = self.release_lease(&lease, ANSWER).await {
            tracing::warn!(reason = %e, "the collector's lease could not be given back; it expires by itself");
        }
        collected.map(Some)
    }

    /// Renews the lease; once that fails, says so and waits to be dropped.
    async fn keep_lease(&self, lease: &Lease, lost: &watch::Sender<bool>) -> Infallible {
        loop {
            tokio::time::sleep(RENEWAL).await;
            if !matches!(self.renew_lease(lease, LEASE, ANSWER).await, Ok(Some(_))) {
                tracing::warn!(lease = lease.name, "garbage stays for now: the collector's lease is lost");
                lost.send_replace(true);
                return std::future::pending().await;
            }
        }
    }

    async fn collect(&self, keep_runs: usize, bound: &Bound) -> Result<Collection> {
        crash_point::reach("gc: begin").await?;
        let client = self.client().await?;
        let garbage = self.find_garbage(&client, keep_runs).await?;
        let superseded: Vec<String> =
            garbage.iter().filter(|g| g.was_published && !g.is_view).map(|g| g.name.clone()).collect();
        let mut waiting = self.find_waiting(&client, &superseded).await?;
        crash_point::reach("gc: superseded recorded").await?;
        drop(client);
        let mut done = Collection::default();
        let mut by_parent: BTreeMap<Option<String>, Vec<Garbage>> = BTreeMap::new();
        for item in garbage {
            match waiting.remove(&item.name) {
                Some(table) => done.waiting.push(table),
                None => by_parent.entry(item.parent.clone()).or_default().push(item),
            }
        }
        let collector = Collector { bound, finalising: Mutex::default() };
        let each = by_parent.into_values().map(|items| self.remove_in_turn(items, &collector));
        let removed: Vec<(Vec<String>, Vec<String>)> =
            futures_util::stream::iter(each).buffer_unordered(AT_ONCE).try_collect().await?;
        for (dropped, left) in removed {
            done.dropped.extend(dropped);
            done.left.extend(left);
        }
        self.forget_superseded(&done.dropped).await?;
        self.warn_of_long_waits(&done.waiting);
        done.dropped.extend(self.collect_histories(bound).await?);
        self.ledger(include_str!("sql/forget_removed.sql"), &[&self.schemas.workspace, &self.schemas.raw]).await?;
        self.drop_empty_parents(&mut done, bound).await?;
        self.analyse_parents(bound).await?;
        Ok(done)
    }

    /// What is not kept. Published states that are too old are forgotten first, so that nobody goes back to them while
    /// their tables go.
    async fn find_garbage(&self, client: &Client, keep_runs: usize) -> Result<Vec<Garbage>> {
        let doing = "garbage collection failed";
        let (store, workspace) = (&self.schemas.store, &self.schemas.workspace);
        let keep = i64::try_from(keep_runs.max(1)).unwrap_or(i64::MAX);
        client
            .execute(include_str!("sql/forget_states.sql"), &[workspace, &keep])
            .await
            .map_err(|e| fault(doing, &e))?;
        crash_point::reach("gc: states forgotten").await?;
        // Before what is kept: a run that begins between the two questions shall not be taken for garbage.
        let relations =
            client.query(include_str!("sql/list_store_relations.sql"), &[store]).await.map_err(|e| fault(doing, &e))?;
        let kept =
            client.query(include_str!("sql/list_kept_tables.sql"), &[workspace]).await.map_err(|e| fault(doing, &e))?;
        let (mut tables, mut runs) = (BTreeSet::new(), BTreeSet::new());
        for row in &kept {
            let run_id: i64 = row.get(1);
            match row.get::<_, Option<&str>>(0) {
                Some(model) => tables.insert(run_relation(model, run_id)),
                None => runs.insert(run_id),
            };
        }
        // A view of a run is for the run's own models: once the run has ended nobody reads it.
        let is_kept = |row: &tokio_postgres::Row| {
            let is_shown = !row.get::<_, bool>("is_view") && tables.contains(row.get::<_, &str>("relname"));
            is_shown || runs.contains(&row.get("run_id"))
        };
        Ok(relations
            .iter()
            .filter(|row| !is_kept(row))
            .map(|row| Garbage {
                name: row.get("relname"),
                is_view: row.get("is_view"),
                parent: row.get("parent"),
                is_detaching: row.get("is_detaching"),
                was_published: row.get("was_published"),
            })
            .collect())
    }

    fn warn_of_long_waits(&self, waiting: &[WaitingTable]) {
        let long: Vec<&WaitingTable> = waiting.iter().filter(|w| w.waiting_seconds >= LONG_WAIT_SECONDS).collect();
        let Some(oldest) = long.iter().map(|w| w.waiting_seconds).reduce(f64::max) else { return };
        let holders: BTreeSet<&str> = long.iter().flat_map(|w| &w.holders).map(String::as_str).collect();
        tracing::warn!(
            workspace = self.schemas.workspace,
            tables = long.len(),
            waiting_seconds = oldest.round(),
            holders = holders.into_iter().collect::<Vec<_>>().join(", "),
            "superseded tables stay: a transaction that is open since before may still read them"
        );
    }

    async fn drop_empty_parents(&self, done: &mut Collection, bound: &Bound) -> Result<()> {
        let (store, workspace) = (&self.schemas.store, &self.schemas.workspace);
        let client = self.client().await?;
        let parents = client
            .query(include_str!("sql/list_empty_parents.sql"), &[store, workspace])
            .await
            .map_err(|e| fault("garbage collection failed", &e))?;
        drop(client);
        for row in parents {
            let name: String = row.get(0);
            let drop = fill("DROP TABLE IF EXISTS {schema}.{name}", &[("schema", store), ("name", &name)]);
            if self.execute_patiently(&in_short_transaction(&drop), bound).await? {
                done.dropped.push(name);
            }
        }
        Ok(())
    }

    /// Statistics of the parents, where they are missing or out of date; the work of a moment.
    async fn analyse_parents(&self, bound: &Bound) -> Result<()> {
        let store = &self.schemas.store;
        let client = self.client().await?;
        let parents = client
            .query(include_str!("sql/list_unanalysed_parents.sql"), &[store])
            .await
            .map_err(|e| fault("statistics cannot be read", &e))?;
        drop(client);
        for row in parents {
            if bound.is_reached() {
                break;
            }
            let (name, keys): (String, Vec<String>) = (row.get(0), row.get(1));
            self.execute_patiently(&in_short_transaction(&analyse(store, &name, &keys)), bound).await?;
        }
        Ok(())
    }
}

/// A key comes once in each run. ANALYZE sees it once for every run that is kept, and a join over the rows of one run
/// would be expected to give as many times too many.
fn analyse(store: &str, name: &str, keys: &[String]) -> String {
    let set = "ALTER TABLE {schema}.{name} ALTER COLUMN {key} SET (n_distinct_inherited = -1)";
    let place = [("schema", store), ("name", name)];
    let mut statements: Vec<String> = keys.iter().map(|key| fill(set, &[place[0], place[1], ("key", key)])).collect();
    statements.push(fill("ANALYZE {schema}.{name}", &place));
    statements.join("; ")
}
