//! What `raw.loads` tells of loads: one row each, also for those that failed or found nothing to do.

use super::connect::{Client, Parameter, Warehouse};
use super::fault::fault;
use super::statement::{fill, qualified};
use crate::error::Result;
use chrono::{DateTime, Utc};

/// What identifies the file of a load.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LoadedFile {
    /// Name of the source.
    pub source: String,
    /// The raw table that the source fills.
    pub entity: super::entity::Entity,
    /// Path of the file as it was given.
    pub file_name: String,
    /// blake3 of the file's bytes.
    pub checksum: String,
    /// blake3 of the mapping's text.
    pub mapping_checksum: String,
    /// Bytes of the file.
    pub bytes: u64,
}

impl LoadedFile {
    /// The file's name without its folders, for messages.
    #[must_use]
    pub fn short_name(&self) -> &str {
        self.file_name.rsplit('/').next().unwrap_or(&self.file_name)
    }
}

/// Counts of a load; `rows_read = rows_loaded + rows_unchanged + rows_rejected + rows_erased`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct LoadCounts {
    /// Number of the load.
    pub load_id: i64,
    /// Data rows of the file.
    pub rows_read: i64,
    /// Rows that were written: new ones, and all rows of units that changed.
    pub rows_loaded: i64,
    /// Of those that were written, rows of units that were there and have changed.
    pub rows_updated: i64,
    /// Rows that were there already.
    pub rows_unchanged: i64,
    /// Of the unchanged ones, rows that the file itself holds more than once.
    pub rows_duplicate: i64,
    /// Rows in `raw.rejected_rows`.
    pub rows_rejected: i64,
    /// Rows of erased customers, left out.
    pub rows_erased: i64,
    /// Rows that the file held before and holds no more.
    pub rows_removed: i64,
}

/// How a load ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It was carried through.
    Loaded,
    /// The file and its mapping are those of the last load.
    Unchanged,
    /// Rows that were rejected before were tried again.
    Retried,
    /// It left nothing.
    Failed,
}

impl Outcome {
    fn name(self) -> &'static str {
        match self {
            Outcome::Loaded => "loaded",
            Outcome::Unchanged => "unchanged",
            Outcome::Retried => "retried",
            Outcome::Failed => "failed",
        }
    }
}

/// The number and the beginning of a load.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LoadNumber {
    /// Greater than that of every load of the same table that was committed before.
    pub load_id: i64,
    /// By the clock of the database.
    pub started_at: DateTime<Utc>,
}

/// The load of a file that stands.
pub(super) struct LastLoad {
    pub(super) checksum: String,
    pub(super) mapping_checksum: String,
    /// It read the whole file, and did not only try rejected rows again.
    pub(super) is_whole: bool,
    pub(super) counts: LoadCounts,
}

impl Warehouse {
    pub(super) async fn number_load(&self, client: &Client) -> Result<LoadNumber> {
        let table = qualified(&self.schemas.raw, "loads");
        let row = client.query_one(include_str!("sql/load_next_number.sql"), &[&table]).await;
        let row = row.map_err(|e| fault("load cannot be numbered", &e))?;
        Ok(LoadNumber { load_id: row.get(0), started_at: row.get(1) })
    }

    pub(super) async fn last_load(&self, client: &Client, file: &LoadedFile) -> Result<Option<LastLoad>> {
        let asked = fill(include_str!("sql/load_find_last.sql"), &[("raw", &self.schemas.raw)]);
        let values: [&dyn Parameter; 4] =
            [&file.source, &file.file_name, &self.schemas.workspace, &file.entity.table()];
        let found = client.query_opt(&asked, &values).await;
        let row = found.map_err(|e| fault("former load cannot be looked for", &e))?;
        Ok(row.map(|row| LastLoad {
            checksum: row.get("checksum"),
            mapping_checksum: row.get("mapping_checksum"),
            is_whole: row.get("is_whole"),
            counts: LoadCounts {
                load_id: row.get("load_id"),
                rows_read: row.get("rows_read"),
                rows_loaded: row.get("rows_loaded"),
                rows_updated: row.get("rows_updated"),
                rows_unchanged: row.get("rows_unchanged"),
                rows_duplicate: row.get("rows_duplicate"),
                rows_rejected: row.get("rows_rejected"),
                rows_erased: row.get("rows_erased"),
                rows_removed: 0,
            },
        }))
    }

    /// Writes the row of a load.
    pub(super) async fn record_load(
        &self,
        client: &Client,
        file: &LoadedFile,
        number: LoadNumber,
        record: &LoadRecord<'_>,
    ) -> Result<()> {
        let insert = fill(include_str!("sql/load_record.sql"), &[("raw", &self.schemas.raw)]);
        let counts = &record.counts;
        let (outcome, bytes) = (record.outcome.name(), i64::try_from(file.bytes).unwrap_or(i64::MAX));
        let values: [&dyn Parameter; 19] = [
            &number.load_id,
            &file.source,
            &file.entity.table(),
            &file.file_name,
            &file.checksum,
            &file.mapping_checksum,
            &bytes,
            &record.header,
            &outcome,
            &record.error,
            &counts.rows_read,
            &counts.rows_loaded,
            &counts.rows_updated,
            &counts.rows_unchanged,
            &counts.rows_duplicate,
            &counts.rows_rejected,
            &counts.rows_erased,
            &counts.rows_removed,
            &number.started_at,
        ];
        client.execute(&insert, &values).await.map(drop).map_err(|e| fault("load cannot be recorded", &e))
    }

    /// Keeps the memory of a load that failed, outside the transaction that failed with it. `error` is a message
    /// without values of the file: they may be personal.
    pub async fn record_failed_load(&self, file: &LoadedFile, number: LoadNumber, error: &str) -> Result<()> {
        let client = self.client().await?;
        let record =
            LoadRecord { outcome: Outcome::Failed, counts: LoadCounts::default(), header: None, error: Some(error) };
        self.record_load(&client, file, number, &record).await
    }
}

/// What a row of `raw.loads` says besides the file.
pub(super) struct LoadRecord<'a> {
    pub(super) outcome: Outcome,
    pub(super) counts: LoadCounts,
    pub(super) header: Option<&'a [String]>,
    pub(super) error: Option<&'a str>,
}
