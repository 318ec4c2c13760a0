//! Quintile's own tables: migrations by refinery, one process at a time, and only when something is missing.

use super::Warehouse;
use super::fault::fault;
use crate::error::{Error, Result};

mod embedded {
    refinery::embed_migrations!("migrations");
}

/// Any constant serves, as long as every Quintile uses the same one.
const MIGRATION_LOCK: i64 = 0x5155_494E_5449_4C45;

impl Warehouse {
    /// Brings the control schema to this program's version; returns the names of the migrations applied.
    ///
    /// refinery takes no lock of its own, so a transaction on a second connection holds one meanwhile; being a
    /// transaction's lock it also holds behind a pooler. A newer schema than ours is refused.
    pub async fn migrate(&self) -> Result<Vec<String>> {
        let newest = embedded::migrations::runner().get_migrations().iter().map(|m| i64::from(m.version())).max();
        match self.schema_version().await? {
            Some(found) if Some(found) == newest => return Ok(Vec::new()),
            Some(found) if Some(found) > newest => {
                return Err(Error::config(format!("control schema has version {found}, newer than this program's"))
                    .hint("run the newer Quintile; an older one would misread its tables"));
            }
            _ => {}
        }
        let mut guard = self.client().await?;
        let lock = guard.transaction().await.map_err(|e| fault("migration failed", &e))?;
        lock.execute("SELECT pg_advisory_xact_lock($1)", &[&MIGRATION_LOCK])
            .await
            .map_err(|e| fault("migration failed", &e))?;
        let mut client = self.client().await?;
        client
            .batch_execute("CREATE SCHEMA IF NOT EXISTS quintile")
            .await
            .map_err(|e| fault("control schema \"quintile\" cannot be made", &e))?;
        let mut runner = embedded::migrations::runner();
        runner.set_migration_table_name("quintile.schema_history");
        let report = runner.run_async(client.driver_mut()).await.map_err(|e| {
            let cause = std::error::Error::source(&e).map(ToString::to_string).unwrap_or_default();
            Error::failed(format!("migration failed: {e}")).detail(cause)
        })?;
        lock.commit().await.map_err(|e| fault("migration failed", &e))?;
        Ok(report.applied_migrations().iter().map(|m| format!("V{}__{}", m.version(), m.name())).collect())
    }

    /// The newest migration applied, if there is any.
    pub async fn schema_version(&self) -> Result<Option<i64>> {
        let client = self.client().await?;
        let doing = "control schema cannot be read";
        let exists = client
            .query_one("SELECT to_regclass('quintile.schema_history') IS NOT NULL", &[])
            .await
            .map_err(|e| fault(doing, &e))?;
        if !exists.get::<_, bool>(0) {
            return Ok(None);
        }
        let version = client
            .query_one("SELECT max(version)::bigint FROM quintile.schema_history", &[])
            .await
            .map_err(|e| fault(doing, &e))?;
        Ok(version.get(0))
    }
}
