//! Order files to rows of `raw.orders`, by mapping files; rows that do not fit are kept with their reason.
//!
//! One transaction a file: loading it again replaces its rows, and a load that dies leaves everything as it was.
//! A thread of its own reads and converts while the connection writes; both sides work on bounded batches.

pub mod convert;
pub mod file;
pub mod generate;
mod limit;
pub mod mapping;
mod parse;
pub mod reader;
mod value;

pub use limit::Limit;
pub use mapping::Mapping;

use crate::error::{Error, Result};
use crate::warehouse::Warehouse;
use crate::warehouse::load::{LoadCounts, LoadStart, LoadedFile, RejectedRow};
use file::OrderFile;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Rejected rows that are held at most; more mean that the mapping is wrong.
const MAX_REJECTED: usize = 100_000;
/// Bytes of rejected rows' text that are held at most.
const MAX_REJECTED_BYTES: usize = 64 << 20;
/// Reasons that a message shows.
const SHOWN: usize = 3;

/// What to load.
#[derive(Clone, Debug)]
pub struct IngestRequest {
    /// The file; plain or gzip.
    pub file: PathBuf,
    /// Name of the source and of its mapping.
    pub source: String,
    /// Folder of the mappings.
    pub mapping_dir: PathBuf,
    /// Rejected rows that are borne; `None` bears any number but all.
    pub max_rejects: Option<Limit>,
}

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

/// What a load did. `rows_read = rows_loaded + rows_rejected`.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct LoadReport {
    /// Number of the load in `raw.loads`.
    pub load_id: i64,
    /// Data rows of the file.
    pub rows_read: i64,
    /// Rows in `raw.orders`.
    pub rows_loaded: i64,
    /// Rows in `raw.rejected_rows`.
    pub rows_rejected: i64,
    /// The same file by the same mapping was there already; nothing was written, the counts are those of then.
    pub is_unchanged: bool,
    /// Time taken.
    #[serde(serialize_with = "as_seconds")]
    pub elapsed: Duration,
    /// Bytes of the file on disk.
    pub bytes: u64,
}

fn as_seconds<S: serde::Serializer>(elapsed: &Duration, serializer: S) -> std::result::Result<S::Ok, S::Error> {
    serializer.serialize_f64(elapsed.as_secs_f64())
}

/// Loads one file into the raw tables of the warehouse's workspace, whose schema must be there.
///
/// A file is known by source and name: loaded again, its former rows are replaced; with the same content and
/// mapping nothing is written. `progress` is called after every batch.
pub async fn ingest(
    warehouse: &Warehouse,
    request: &IngestRequest,
    progress: &mut (dyn FnMut(Progress) + Send),
) -> Result<LoadReport> {
    let started = Instant::now();
    let (dir, source, path) = (request.mapping_dir.clone(), request.source.clone(), request.file.clone());
    let opened = tokio::task::spawn_blocking(move || Ok((Mapping::load(&dir, &source)?, OrderFile::open(&path)?)));
    let (mapping, file) = opened.await.map_err(|e| Error::failed("file cannot be opened").source(e))??;
    let bytes_total = file.bytes;
    let report = |counts: LoadCounts, is_unchanged| LoadReport {
        load_id: counts.load_id,
        rows_read: counts.rows_read,
        rows_loaded: counts.rows_loaded,
        rows_rejected: counts.rows_rejected,
        is_unchanged,
        elapsed: started.elapsed(),
        bytes: bytes_total,
    };
    let identity = LoadedFile {
        source: mapping.source.clone(),
        file_name: file.name.clone(),
        checksum: file.checksum.clone(),
        mapping_checksum: mapping.checksum.clone(),
    };
    let client = warehouse.client().await?;
    let mut load = match warehouse.begin_load(&client, &identity).await? {
        LoadStart::Unchanged(counts) => return Ok(report(counts, true)),
        LoadStart::Started(load) => load,
    };
    let bytes_read = Arc::new(AtomicU64::new(0));
    let (sender, mut receiver) = tokio::sync::mpsc::channel(4);
    let parsing = {
        let (file, bytes_read) = (file.clone(), bytes_read.clone());
        tokio::task::spawn_blocking(move || parse::parse(&file, &mapping, bytes_read, &sender))
    };
    let mut rejects = Rejects { limit: request.max_rejects, ..Rejects::default() };
    let mut rows_loaded = 0;
    while let Some(batch) = receiver.recv().await {
        let parse::Batch { lines, rejected } = batch;
        rows_loaded += lines.len() as u64;
        rejects.take(rejected, &identity)?;
        load.write(&lines).await?;
        let rows_rejected = rejects.rows.len() as u64;
        let bytes_read = bytes_read.load(Ordering::Relaxed);
        progress(Progress { rows_read: rows_loaded + rows_rejected, rows_rejected, bytes_read, bytes_total });
    }
    parsing.await.map_err(|e| Error::failed(format!("file \"{}\" cannot be read", identity.file_name)).source(e))??;
    if !file.is_same() {
        return Err(Error::failed(format!("file \"{}\" was changed while it was read", identity.file_name))
            .detail("Nothing was loaded.")
            .hint("load it again when it is complete"));
    }
    rejects.judge(rows_loaded, &identity)?;
    let counts = load.finish(&rejects.rows).await?;
    // The rows are in. That the server could not count their values is no reason to say they are not.
    if let Err(error) = warehouse.analyze_raw_orders(&client).await {
        tracing::warn!("{error}");
    }
    Ok(report(counts, false))
}

/// The rejected rows of a load, and how many are borne.
#[derive(Default)]
struct Rejects {
    rows: Vec<RejectedRow>,
    bytes: usize,
    limit: Option<Limit>,
}

impl Rejects {
    fn take(&mut self, rows: Vec<RejectedRow>, file: &LoadedFile) -> Result<()> {
        self.bytes += rows.iter().map(|row| row.raw_text.len()).sum::<usize>();
        self.rows.extend(rows);
        if self.rows.len() > MAX_REJECTED || self.bytes > MAX_REJECTED_BYTES {
            let message = format!("file \"{}\" does not fit mapping \"{}\"", file.file_name, file.source);
            return Err(
                self.refusal(message, &format!("More than {} rows were rejected already.", self.rows.len() - 1))
            );
        }
        match self.limit {
            Some(Limit::Rows(limit)) if self.rows.len() as u64 > limit => {
                Err(self.over(file, &format!("{limit} rows")))
            }
            _ => Ok(()),
        }
    }

    /// Once the file is read: whether so many rejected rows are borne.
    fn judge(&self, rows_loaded: u64, file: &LoadedFile) -> Result<()> {
        let rejected = self.rows.len() as u64;
        if rejected > 0 && rows_loaded == 0 {
            let columns: std::collections::BTreeSet<_> =
                self.rows.iter().filter_map(|row| row.column.as_ref()).collect();
            let which = match columns.iter().next() {
                Some(column) if columns.len() == 1 => format!(" because of column \"{column}\""),
                _ => String::new(),
            };
            let message = format!("no row of file \"{}\" fits mapping \"{}\"{which}", file.file_name, file.source);
            return Err(self.refusal(message, &format!("All of its {rejected} rows were rejected.")));
        }
        match self.limit {
            Some(Limit::Share(share)) if rejected as f64 > share * (rows_loaded + rejected) as f64 => {
                Err(self.over(file, &format!("{} % of the rows", share * 100.0)))
            }
            _ => Ok(()),
        }
    }

    fn over(&self, file: &LoadedFile, limit: &str) -> Error {
        let message = format!("too many rows of file \"{}\" were rejected", file.file_name);
        self.refusal(message, &format!("At most {limit} are borne."))
    }

    fn refusal(&self, message: String, fact: &str) -> Error {
        let mut facts = vec![format!("{fact} Nothing was loaded.")];
        for row in self.rows.iter().take(SHOWN) {
            let column = row.column.as_ref().map(|column| format!(", column \"{column}\"")).unwrap_or_default();
            facts.push(format!("Line {}{column}: {}.", row.line, row.reason));
        }
        Error::failed(message).detail(facts.join("\n")).hint("correct the mapping, or the file")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rejects(count: i64, limit: Option<Limit>) -> (Rejects, LoadedFile, Vec<RejectedRow>) {
        let file = LoadedFile {
            source: "shop".into(),
            file_name: "orders.csv".into(),
            checksum: String::new(),
            mapping_checksum: String::new(),
        };
        let row = |line| RejectedRow {
            line,
            column: Some("Qty".into()),
            reason: "\"x\" is not a number".into(),
            raw_text: "A,x".into(),
        };
        (Rejects { limit, ..Rejects::default() }, file, (2..count + 2).map(row).collect())
    }

    #[test]
    fn a_file_without_a_fitting_row_is_refused_with_the_first_reasons() {
        let (mut rejects, file, rows) = rejects(5, None);
        rejects.take(rows, &file).unwrap();
        insta::assert_snapshot!(rejects.judge(0, &file).unwrap_err().report());
        assert!(rejects.judge(1, &file).is_ok());
    }

    #[test]
    fn limits_are_held() {
        let (mut some, file, rows) = rejects(3, Some(Limit::Rows(3)));
        assert!(some.take(rows.clone(), &file).is_ok());
        let error = some.take(rows, &file).unwrap_err();
        assert!(error.report().contains("At most 3 rows are borne."), "{}", error.report());
        let (mut shares, file, rows) = rejects(3, Some(Limit::Share(0.03)));
        shares.take(rows, &file).unwrap();
        assert!(shares.judge(97, &file).is_ok());
        let error = shares.judge(96, &file).unwrap_err();
        assert!(error.report().contains("At most 3 % of the rows are borne."), "{}", error.report());
    }

    #[test]
    fn rejected_rows_do_not_fill_the_memory() {
        let (mut rejects, file, rows) = rejects(MAX_REJECTED as i64 + 1, None);
        let error = rejects.take(rows, &file).unwrap_err();
        assert!(error.report().contains("More than 100000 rows were rejected already."), "{}", error.report());
    }
}
