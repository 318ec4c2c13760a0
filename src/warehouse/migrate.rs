//! Quintile's own tables: migrations by refinery, one process at a time, and only when something is missing.
//!
//! refinery takes no lock of its own. All of a migration happens in one transaction that holds one first: several
//! processes may start at once, a process that dies leaves nothing half done, and one connection is enough, so that a
//! pooler with few cannot be drained by those that wait.

use super::Warehouse;
use super::connect::Transaction;
use super::fault::fault;
use crate::error::{Error, Result};
use refinery::Migration;
use refinery_core::traits::r#async::{AsyncMigrate, AsyncQuery, AsyncTransaction};

mod embedded {
    refinery::embed_migrations!("migrations");
}

/// Where refinery writes what it applied.
const HISTORY: &str = "quintile.schema_history";

const DOING: &str = "migration failed";

/// A role's own limits are meant for other statements.
const LIMITS: &str = "SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = '120s'";

impl Warehouse {
    /// Brings the control schema to this program's version; returns the names of the migrations applied.
    ///
    /// A newer schema than ours is refused.
    pub async fn migrate(&self) -> Result<Vec<String>> {
        if is_current(self.schema_version().await?)? {
            return Ok(Vec::new());
        }
        let mut client = self.client().await?;
        let transaction = client.transaction().await.map_err(|e| fault(DOING, &e))?;
        transaction.batch_execute(LIMITS).await.map_err(|e| fault(DOING, &e))?;
        let hold = include_str!("sql/hold_migration_lock.sql");
        transaction.execute(hold, &[]).await.map_err(|e| fault(DOING, &e))?;
        // Whoever held the lock may have done the work, or more than we know of.
        if is_current(version_in(&transaction).await?)? {
            return Ok(Vec::new());
        }
        crate::crash_point::reach("migration begins").await?;
        transaction
            .batch_execute("CREATE SCHEMA IF NOT EXISTS quintile")
            .await
            .map_err(|e| fault("control schema \"quintile\" cannot be made", &e))?;
        let mut runner = embedded::migrations::runner().set_grouped(true);
        runner.set_migration_table_name(HISTORY);
        let mut history = History { transaction: &transaction };
        let report = runner.run_async(&mut history).await.map_err(|e| {
            let cause = std::error::Error::source(&e).map(ToString::to_string).unwrap_or_default();
            Error::failed(format!("migration failed: {e}")).detail(cause)
        })?;
        crate::crash_point::reach("migration applied").await?;
        transaction.commit().await.map_err(|e| fault(DOING, &e))?;
        crate::crash_point::reach("migration committed").await?;
        Ok(report.applied_migrations().iter().map(|m| format!("V{}__{}", m.version(), m.name())).collect())
    }

    /// The newest migration applied, if there is any.
    pub async fn schema_version(&self) -> Result<Option<i64>> {
        version_in(&self.client().await?.snapshot().await.map_err(|e| fault(UNREADABLE, &e))?).await
    }
}

const UNREADABLE: &str = "control schema cannot be read";

async fn version_in(transaction: &Transaction<'_>) -> Result<Option<i64>> {
    let exists = transaction
        .query_one("SELECT to_regclass('quintile.schema_history') IS NOT NULL", &[])
        .await
        .map_err(|e| fault(UNREADABLE, &e))?;
    if !exists.get::<_, bool>(0) {
        return Ok(None);
    }
    let version = transaction
        .query_one("SELECT max(version)::bigint FROM quintile.schema_history", &[])
        .await
        .map_err(|e| fault(UNREADABLE, &e))?;
    Ok(version.get(0))
}

/// Whether nothing is missing; an error where the schema is newer than this program.
fn is_current(found: Option<i64>) -> Result<bool> {
    let newest = embedded::migrations::runner().get_migrations().iter().map(|m| i64::from(m.version())).max();
    match found {
        Some(version) if Some(version) > newest => {
            Err(Error::config(format!("control schema has version {version}, newer than this program's"))
                .hint("run the newer Quintile; an older one would misread its tables"))
        }
        found => Ok(found.is_some() && found == newest),
    }
}

/// The open transaction, for refinery, which would open its own ones.
struct History<'a, 'client> {
    transaction: &'a Transaction<'client>,
}

impl AsyncTransaction for History<'_, '_> {
    type Error = tokio_postgres::Error;

    async fn execute<'a, T: Iterator<Item = &'a str> + Send + 'a>(
        &'a mut self,
        statements: T,
    ) -> std::result::Result<usize, Self::Error> {
        let mut count = 0;
        for statement in statements {
            self.transaction.batch_execute(statement).await?;
            count += 1;
        }
        Ok(count)
    }
}

impl AsyncQuery<Vec<Migration>> for History<'_, '_> {
    async fn query<'a>(&'a mut self, sql: &'a str) -> std::result::Result<Vec<Migration>, Self::Error> {
        let rows = self.transaction.query(sql, &[]).await?;
        let applied = rows.iter().map(|row| {
            let checksum: String = row.get("checksum");
            // refinery compares names and checksums; when it was is for people. What is no checksum equals none.
            let when = time::OffsetDateTime::UNIX_EPOCH;
            Migration::applied(row.get("version"), row.get("name"), when, checksum.parse().unwrap_or_default())
        });
        Ok(applied.collect())
    }
}

impl AsyncMigrate for History<'_, '_> {}
