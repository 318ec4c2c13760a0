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

/// What a load did.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct LoadReport {
    /// Path of the file as it was given.
    pub file_name: String,
    /// The raw table.
    pub table: &'static str,
    /// Its number and rows.
    #[serde(flatten)]
    pub counts: LoadCounts,
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
            counts,
            is_unchanged,
            elapsed,
            bytes: file.bytes,
        }
    }
}
