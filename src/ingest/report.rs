//! What a load tells: how far it is, and what it did.

use crate::warehouse::load::{LoadCounts, LoadedFile};
use std::time::Duration;

/// How far a load is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Data rows read.
    pub rows_read: u64,
    /// Rows that did not fit.
    pub rows_rejected: u64,
    /// Bytes taken from the disk (packed ones, for gzip).
    pub bytes_read: u64,
    /// Bytes of the file on disk.
    pub bytes_total: u64,
}

/// What a load did. `rows_read = rows_loaded + rows_unchanged + rows_rejected + rows_erased`.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct LoadReport {
    /// Path of the file as it was given.
    pub file_name: String,
    /// The raw table.
    pub table: &'static str,
    /// Number of the load in `raw.loads`.
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
    /// The file and its mapping are those of the last load; nothing was written.
    pub is_unchanged: bool,
    /// Time taken.
    #[serde(serialize_with = "as_seconds")]
    pub elapsed: Duration,
    /// Bytes of the file on disk.
    pub bytes: u64,
}

fn as_seconds<S: serde::Serializer>(elapsed: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(elapsed.as_secs_f64())
}

impl LoadReport {
    pub(super) fn new(file: &LoadedFile, counts: LoadCounts, is_unchanged: bool, elapsed: Duration) -> LoadReport {
        LoadReport {
            file_name: file.file_name.clone(),
            table: file.entity.table(),
            load_id: counts.load_id,
            rows_read: counts.rows_read,
            rows_loaded: counts.rows_loaded,
            rows_updated: counts.rows_updated,
            rows_unchanged: counts.rows_unchanged,
            rows_duplicate: counts.rows_duplicate,
            rows_rejected: counts.rows_rejected,
            rows_erased: counts.rows_erased,
            rows_removed: counts.rows_removed,
            is_unchanged,
            elapsed,
            bytes: file.bytes,
        }
    }
}
