//! Sources as a run reads them: one snapshot for all, tables that nobody may rewrite meanwhile, and their versions.

use super::Warehouse;
use super::change_notes::noted_version;
use super::connect::Client;
use super::fault::fault;
use super::statement::{fill, qualified};
use crate::error::{Error, Result};
use std::collections::BTreeMap;
use std::time::Duration;

/// How long a run waits for whoever rewrites a source right now.
const LOCK_PATIENCE: Duration = Duration::from_secs(60);

/// A table that models read and somebody else writes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SourceTable {
    /// Name as the project writes it: `raw.orders`.
    pub name: String,
    /// Schema in the database.
    pub schema: String,
    /// Table in the database.
    pub table: String,
}

/// One state of all sources, held until it is dropped: statements that join it see the same rows.
///
/// As pg_dump does, the transaction holds a lock that readers and writers do not feel, but a TRUNCATE or a rewriting
/// ALTER TABLE does: those would show the sources empty to an older snapshot.
pub struct SourceSnapshot {
    /// Taken out at the end: with its transaction open it must not go back to the pool.
    client: Option<Client>,
    /// Name for `SET TRANSACTION SNAPSHOT`.
    pub name: String,
    /// The transactions whose changes it shows, as `pg_snapshot`.
    pub seen: String,
}

impl Warehouse {
    /// Locks the sources against rewriting and takes a snapshot of them. An error names the source that is not there,
    /// may not be read or is being rewritten.
    pub async fn snapshot_sources(&self, sources: &[SourceTable]) -> Result<SourceSnapshot> {
        let doing = "sources cannot be read";
        let client = self.client().await?;
        let mut lockable = Vec::new();
        for source in sources {
            if readable(&client, source).await?.is_lockable {
                lockable.push(source);
            }
        }
        let mut snapshot = SourceSnapshot { client: Some(client), name: String::new(), seen: String::new() };
        let client = snapshot.connection()?;
        // Before the snapshot: who ends in between is known by it.
        let elsewhere = client.query_one(include_str!("sql/transactions_elsewhere.sql"), &[]).await;
        let elsewhere: Vec<String> = elsewhere.map_err(|e| fault(doing, &e))?.get(0);
        // Nothing may ask for rows before the locks are there: the first question takes the snapshot.
        client
            .batch_execute("BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            .await
            .map_err(|e| fault(doing, &e))?;
        let limits = format!(
            "SET LOCAL lock_timeout = '{}ms'; SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0",
            LOCK_PATIENCE.as_millis()
        );
        for statement in limits.split("; ") {
            client.batch_execute(statement).await.map_err(|e| fault(doing, &e))?;
        }
        for source in lockable {
            let lock = fill("LOCK TABLE {s}.{t} IN ACCESS SHARE MODE", &[("s", &source.schema), ("t", &source.table)]);
            client
                .batch_execute(&lock)
                .await
                .map_err(|e| fault(&format!("source \"{}\" cannot be read", source.name), &e))?;
        }
        let exported = include_str!("sql/export_snapshot.sql");
        let row = client.query_one(exported, &[&elsewhere]).await.map_err(|e| fault(doing, &e))?;
        (snapshot.name, snapshot.seen) = (row.get(0), row.get(1));
        Ok(snapshot)
    }

    /// Whether the source is there and may be read; an error tells what is missing.
    pub async fn look_at_source(&self, source: &SourceTable) -> Result<()> {
        let client = self.client().await?;
        readable(&client, source).await.map(drop)
    }

    /// The version of each source, by name: equal texts mean equal rows and columns.
    ///
    /// `None` for what is no table (a view, a foreign table): nobody can tell whether its rows have changed.
    pub async fn source_versions(&self, sources: &[SourceTable]) -> Result<BTreeMap<String, Option<String>>> {
        let client = self.client().await?;
        versions(&client, sources).await
    }
}

impl SourceSnapshot {
    /// The versions of the sources as the snapshot shows them; see [`Warehouse::source_versions`].
    pub async fn versions(&self, sources: &[SourceTable]) -> Result<BTreeMap<String, Option<String>>> {
        versions(self.connection()?, sources).await
    }

    /// Ends the snapshot and its locks, once nobody joins it any more.
    pub async fn release(mut self) {
        let Some(client) = self.client.take() else { return };
        if let Err(e) = client.batch_execute("COMMIT").await {
            tracing::debug!(reason = %e, "the snapshot of the sources was gone already");
            client.discard();
        }
    }

    fn connection(&self) -> Result<&Client> {
        self.client.as_ref().ok_or_else(|| Error::failed("the snapshot of the sources has ended"))
    }
}

impl Drop for SourceSnapshot {
    /// A run that breaks off leaves no transaction behind.
    fn drop(&mut self) {
        if let Some(client) = self.client.take() {
            client.discard();
        }
    }
}

struct Facts {
    /// Rows have system columns, which tell who wrote them.
    is_table: bool,
    is_lockable: bool,
    may_read: bool,
    /// Each statement that changes it leaves a note.
    is_noted: bool,
    columns: String,
}

async fn readable(client: &Client, source: &SourceTable) -> Result<Facts> {
    let facts = facts_of(client, source).await?;
    if facts.may_read {
        return Ok(facts);
    }
    Err(Error::failed(format!("source \"{}\" may not be read", source.name))
        .detail(format!("The role of the connection has no SELECT on {}.", place(source)))
        .hint(format!(
            "let its owner run: GRANT SELECT ON {} TO the role, and GRANT USAGE ON its schema",
            place(source)
        )))
}

async fn facts_of(client: &Client, source: &SourceTable) -> Result<Facts> {
    let doing = format!("source \"{}\" cannot be read", source.name);
    let row = client
        .query_opt(include_str!("sql/source_facts.sql"), &[&source.schema, &source.table])
        .await
        .map_err(|e| fault(&doing, &e))?;
    let Some(row) = row else {
        return Err(Error::failed(format!("source \"{}\" is not there", source.name))
            .detail(format!("The database has no {}.", place(source)))
            .hint("create it, load it, or correct the source in the project's properties"));
    };
    let kind: &str = row.get("kind");
    Ok(Facts {
        is_table: matches!(kind, "r" | "p" | "m"),
        is_lockable: matches!(kind, "r" | "p" | "v"),
        may_read: row.get("may_read"),
        is_noted: row.get("is_noted"),
        columns: row.get::<_, Option<String>>("columns").unwrap_or_default(),
    })
}

async fn versions(client: &Client, sources: &[SourceTable]) -> Result<BTreeMap<String, Option<String>>> {
    let mut found = BTreeMap::new();
    for source in sources {
        let facts = facts_of(client, source).await?;
        let asked = match facts {
            Facts { is_table: false, .. } => None,
            Facts { is_noted: true, .. } => Some(noted_version(client, &source.schema, &source.table).await),
            Facts { .. } => {
                let place = [("schema", source.schema.as_str()), ("table", source.table.as_str())];
                let row = client.query_one(&fill(include_str!("sql/source_version.sql"), &place), &[]).await;
                Some(row.map(|row| row.get("version")))
            }
        };
        let doing = format!("source \"{}\" cannot be read", source.name);
        let version: Option<String> = asked.transpose().map_err(|e| fault(&doing, &e))?;
        let version = version.map(|version| format!("{version} ({})", facts.columns));
        found.insert(source.name.clone(), version);
    }
    Ok(found)
}

fn place(source: &SourceTable) -> String {
    qualified(&source.schema, &source.table)
}
