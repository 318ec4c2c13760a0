//! Files to rows of the raw tables, by mapping files; rows that do not fit are kept with their reason.
//!
//! One transaction a file: what it holds is there exactly once, and a load that dies leaves everything as it was.
//! A thread of its own reads and converts while the connection writes; both sides work on bounded batches.

mod columns;
pub mod convert;
pub mod expression;
pub mod file;
pub mod generate;
mod hashtext;
pub mod infer;
pub mod instant;
mod lender;
mod limit;
mod lookup;
pub mod mapping;
pub mod number;
mod parse;
mod position;
pub mod reader;
mod rejects;
pub mod relation;
mod report;
mod retry;
mod value;

pub use crate::warehouse::entity;
pub use limit::Limit;
pub use mapping::Mapping;
pub use report::{LoadReport, Progress};
pub use retry::{rejected_files, retry};

use crate::error::{Error, Result};
use crate::warehouse::Warehouse;
use crate::warehouse::connect::Client;
use crate::warehouse::load::{Arrival, Load, LoadCounts, LoadPath, LoadStart, LoadedFile};
use convert::Destination;
use file::OrderFile;
use rejects::Rejects;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

/// What to load.
#[derive(Clone, Debug, Default)]
pub struct IngestRequest {
    /// The file.
    pub file: PathBuf,
    /// Name of the source and of its mapping.
    pub source: String,
    /// Folder of the mappings.
    pub mapping_dir: PathBuf,
    /// Rejected rows that are borne; `None` bears any number but all.
    pub max_rejects: Option<Limit>,
    /// A file without rows may take out what it held before.
    pub allow_empty: bool,
}

/// Called after every batch.
pub type Tell<'a> = &'a mut (dyn FnMut(Progress) + Send);

/// Loads one file into the raw tables of the warehouse's workspace, whose schema must be there.
///
/// A file is known by source and path: loaded again, what it holds no more goes; with the same content and mapping
/// nothing is written. Whatever the file's name, an order that is there already is not loaded a second time.
pub async fn ingest(warehouse: &Warehouse, request: &IngestRequest, progress: Tell<'_>) -> Result<LoadReport> {
    let began = Instant::now();
    let (dir, source, path) = (request.mapping_dir.clone(), request.source.clone(), request.file.clone());
    let opened = tokio::task::spawn_blocking(move || {
        let (mut mapping, file) = (Mapping::load(&dir, &source)?.of_files()?, OrderFile::open(&path)?);
        lender::note(&mut mapping, &file)?;
        lookup::note(&mut mapping, &file)?;
        Ok((mapping, file))
    });
    let (mapping, file) = opened.await.map_err(|e| Error::failed("file cannot be opened").source(e))??;
    let identity = LoadedFile {
        source: mapping.source.clone(),
        entity: mapping.entity,
        file_name: file.given_name(),
        checksum: file.checksum.clone(),
        mapping_checksum: mapping.checksum.clone(),
        bytes: file.bytes,
    };
    let attempt = Attempt { warehouse, request, mapping: Arc::new(mapping), file, identity };
    let client = warehouse.client().await?;
    let ended = match attempt.run(&client, LoadPath::Fastest, progress).await {
        // Orders that do not stand together can only be numbered beside each other: once more, by way of the stage.
        Ok(Ended::Scattered) => attempt.run(&client, LoadPath::Compared, progress).await,
        other => other,
    }?;
    let (counts, is_unchanged) = match ended {
        Ended::Unchanged(counts) => (counts, true),
        Ended::Loaded(counts) => (counts, false),
        Ended::Scattered => return Err(Error::failed("lines of orders cannot be numbered")),
    };
    Ok(LoadReport::new(&attempt.identity, counts, is_unchanged, began.elapsed()))
}

/// How an attempt ended.
enum Ended {
    Loaded(LoadCounts),
    Unchanged(LoadCounts),
    /// Nothing was kept: orders come back later in the file.
    Scattered,
}

/// One file on its way into the database.
struct Attempt<'a> {
    warehouse: &'a Warehouse,
    request: &'a IngestRequest,
    mapping: Arc<Mapping>,
    file: OrderFile,
    identity: LoadedFile,
}

impl Attempt<'_> {
    async fn run(&self, client: &Client, path: LoadPath, progress: Tell<'_>) -> Result<Ended> {
        let load = match self.warehouse.begin_load(client, &self.identity, path).await? {
            LoadStart::Unchanged(counts) => {
                let mut rejects = Rejects::new(self.request.max_rejects);
                rejects.judge_counts(&counts, &self.identity)?;
                return Ok(Ended::Unchanged(counts));
            }
            LoadStart::Started(load) => load,
        };
        let number = load.number();
        let carried = self.carry(load, progress).await;
        if let Err(error) = &carried
            && let Err(second) = self.warehouse.record_failed_load(&self.identity, number, &error.message).await
        {
            // The first error is the one to tell.
            tracing::warn!("{second}");
        }
        carried
    }

    /// Carries the rows over; a load that is dropped on the way leaves nothing.
    async fn carry(&self, mut load: Box<Load<'_>>, progress: Tell<'_>) -> Result<Ended> {
        let bytes_read = Arc::new(AtomicU64::new(0));
        let (sender, mut receiver) = tokio::sync::mpsc::channel(4);
        let number = load.number();
        let window = self.mapping.window(number.started_at);
        let destination = Destination { load_id: number.load_id, is_staged: load.is_staged(), window };
        let parsing = {
            let (file, mapping, bytes_read) = (self.file.clone(), self.mapping.clone(), bytes_read.clone());
            tokio::task::spawn_blocking(move || parse::parse(&file, &mapping, destination, bytes_read, &sender))
        };
        let mut rejects = Rejects::new(self.request.max_rejects);
        let (mut rows_fit, mut is_scattered) = (0, false);
        while let Some(batch) = receiver.recv().await {
            let parse::Batch { rows, row_count, rejected, .. } = batch;
            is_scattered = batch.is_scattered;
            if is_scattered && !load.is_staged() {
                return Ok(Ended::Scattered);
            }
            rows_fit += row_count;
            rejects.take(&rejected, rows_fit, &self.identity)?;
            load.write(rows, row_count).await?;
            load.reject(&rejected).await?;
            let rows_read = rows_fit + rejects.count;
            let bytes_read = bytes_read.load(Ordering::Relaxed);
            progress(Progress { rows_read, rows_rejected: rejects.count, bytes_read, bytes_total: self.file.bytes });
        }
        let name = &self.file.name;
        let header =
            parsing.await.map_err(|e| Error::failed(format!("file \"{name}\" cannot be read")).source(e))??;
        if !self.file.is_same() {
            return Err(Error::failed(format!("file \"{name}\" was changed while it was read"))
                .detail("Nothing was loaded.")
                .hint("load it again when it is complete"));
        }
        rejects.judge(rows_fit, &self.identity)?;
        if rows_fit + rejects.count == 0 && load.has_former() && !self.request.allow_empty {
            return Err(Error::failed(format!("file \"{name}\" holds no row, and held some before"))
                .detail("Loading it would take out all that it held.")
                .hint("check the export, or say --allow-empty"));
        }
        let may_conflict = parse::may_conflict(&self.mapping);
        let counts = load.settle(&Arrival { is_scattered, may_conflict }).await?;
        rejects.judge_counts(&counts, &self.identity)?;
        load.commit(counts, &header).await?;
        Ok(Ended::Loaded(counts))
    }
}
