//! Loads: the one transaction that brings a file's rows into a raw table, each unit exactly once.
//!
//! The first file of a source goes straight into the table. Every other one is staged and compared with what is there
//! (`load_stage`). Loads of one table wait for each other, so that their numbers follow their commits: who asks for
//! rows with a greater `load_id` than the last one seen misses none.

use super::connect::{Client, Warehouse};
use super::copy::Transaction;
use super::copy_rows::{RowBuffer, RowCopy};
use super::entity::Entity;
use super::fault::fault;
use super::load_record::LoadRecord;
pub use super::load_record::{LoadCounts, LoadNumber, LoadedFile, Outcome};
use super::load_stage::{Manner, Stage};
use super::raw_tables::lock;
use super::statement::{fill, qualified, splice};
use super::tombstones::{Screened, screen};
use crate::config::Schemas;
use crate::crash_point;
use crate::error::Result;
use bytes::Bytes;

/// Bytes of rejected rows that are held until they are written.
const REJECTED_BATCH: usize = 1 << 20;
const REJECTED_COLUMNS: [&str; 7] = ["source", "file_name", "line", "column_name", "reason", "raw_text", "load_id"];

/// A row that did not fit.
#[derive(Clone, Debug, PartialEq)]
pub struct RejectedRow {
    /// Line in the file, from 1, the header included.
    pub line: i64,
    /// Column of the file that does not fit, if it is one.
    pub column: Option<String>,
    /// Why, in words.
    pub reason: String,
    /// The row's text, cut where it is very long.
    pub raw_text: String,
}

/// How rows come into the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoadPath {
    /// Straight where the source has no rows yet, else compared.
    Fastest,
    /// Compared with what is there.
    Compared,
    /// Compared, and added to what is there of the same file.
    Late,
}

/// What [`Warehouse::begin_load`] found.
pub enum LoadStart<'a> {
    /// The same file by the same mapping is there already; only this was recorded.
    Unchanged(LoadCounts),
    /// Rows can come.
    Started(Box<Load<'a>>),
}

/// An open load. Dropped before [`Load::commit`], it leaves everything as it was.
pub struct Load<'a> {
    // Before the transaction, so that a dropped load ends its COPY first.
    rows: Option<RowCopy>,
    transaction: Transaction<'a>,
    client: &'a Client,
    warehouse: Warehouse,
    file: LoadedFile,
    number: LoadNumber,
    path: LoadPath,
    is_staged: bool,
    has_former: bool,
    rejected: RowBuffer,
    rows_sent: i64,
    rows_rejected: i64,
}

/// How the rows of a load came, once all are there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Arrival {
    /// The database has to number the lines of orders.
    pub is_scattered: bool,
    /// Rows of the load may have the same key.
    pub may_conflict: bool,
}

impl Warehouse {
    /// Begins the load of a file; `client` must not be in a transaction. Loads of one table wait for each other.
    pub async fn begin_load<'a>(&self, client: &'a Client, file: &LoadedFile, path: LoadPath) -> Result<LoadStart<'a>> {
        self.create_raw_tables(client).await?;
        if path != LoadPath::Fastest || file.entity != Entity::Orders || self.has_rows(client, file).await? {
            // Its rows are compared with those that are there.
            self.tend_raw_tables(client).await?;
        }
        crash_point::reach("load: begin").await?;
        let transaction = Transaction::begin(client).await?;
        lock(client, &format!("quintile load {}\n{}", self.schemas.raw, file.entity.table())).await?;
        let last = self.last_load(client, file).await?;
        let number = self.number_load(client).await?;
        if let Some(last) = &last
            && path != LoadPath::Late
            && last.is_whole
            && (&last.checksum, &last.mapping_checksum) == (&file.checksum, &file.mapping_checksum)
        {
            let there = last.counts.rows_read - last.counts.rows_rejected - last.counts.rows_erased;
            let counts = LoadCounts {
                load_id: number.load_id,
                rows_loaded: 0,
                rows_updated: 0,
                rows_unchanged: there,
                ..last.counts
            };
            let record = LoadRecord { outcome: Outcome::Unchanged, counts, header: None, error: None };
            self.record_load(client, file, number, &record).await?;
            transaction.commit().await?;
            return Ok(LoadStart::Unchanged(counts));
        }
        let is_first =
            path == LoadPath::Fastest && file.entity == Entity::Orders && !self.has_rows(client, file).await?;
        if !is_first {
            Stage::new(client, &self.schemas, file.entity, number.load_id).create().await?;
        }
        let forget = fill(include_str!("sql/load_forget_rejected.sql"), &[("raw", &self.schemas.raw)]);
        let forgotten = client.execute(&forget, &[&file.source, &file.file_name]).await;
        forgotten.map_err(|e| fault("former rejected rows cannot be removed", &e))?;
        crash_point::reach("load: begun").await?;
        Ok(LoadStart::Started(Box::new(Load {
            rows: None,
            transaction,
            client,
            warehouse: self.clone(),
            file: file.clone(),
            number,
            path,
            is_staged: !is_first,
            has_former: last.is_some(),
            rejected: RowBuffer::default(),
            rows_sent: 0,
            rows_rejected: 0,
        })))
    }

    async fn has_rows(&self, client: &Client, file: &LoadedFile) -> Result<bool> {
        let names = [("raw", self.schemas.raw.as_str()), ("table", file.entity.table())];
        let asked = fill(include_str!("sql/load_has_rows.sql"), &names);
        let row = client.query_one(&asked, &[&file.source]).await;
        Ok(row.map_err(|e| fault("raw table cannot be read", &e))?.get(0))
    }
}

impl Load<'_> {
    /// Its number and beginning.
    #[must_use]
    pub fn number(&self) -> LoadNumber {
        self.number
    }

    /// Its rows are compared with those that are there, so each must tell its origin.
    #[must_use]
    pub fn is_staged(&self) -> bool {
        self.is_staged
    }

    /// The file was loaded before.
    #[must_use]
    pub fn has_former(&self) -> bool {
        self.has_former
    }

    /// Sends rows of a binary COPY.
    pub async fn write(&mut self, rows: Bytes, count: u64) -> Result<()> {
        if count == 0 {
            return Ok(());
        }
        if self.rows.is_none() {
            self.rows = Some(self.start_copy().await?);
        }
        if let Some(copy) = &mut self.rows {
            copy.send(rows).await?;
        }
        self.rows_sent += i64::try_from(count).unwrap_or(i64::MAX);
        Ok(())
    }

    /// Takes note of rows that do not fit; they are written as soon as they are many.
    pub async fn reject(&mut self, rows: &[RejectedRow]) -> Result<()> {
        for row in rows {
            let buffer = &mut self.rejected;
            buffer.begin_row(REJECTED_COLUMNS.len());
            buffer.text(&self.file.source);
            buffer.text(&self.file.file_name);
            buffer.bigint(row.line);
            buffer.optional_text(row.column.as_deref());
            buffer.text(&row.reason);
            buffer.text(&row.raw_text);
            buffer.bigint(self.number.load_id);
            buffer.keep_row();
            self.rows_rejected += 1;
            if buffer.len() >= REJECTED_BATCH {
                self.write_rejected().await?;
            }
        }
        Ok(())
    }

    /// Once all rows were sent: brings them into the table, and counts what they are. Nothing is committed yet.
    pub async fn settle(&mut self, arrival: &Arrival) -> Result<LoadCounts> {
        self.write_rejected().await?;
        crash_point::reach("load: rows sent").await?;
        let rows_erased = self.screen().await?;
        let rows_loaded = self.rows_sent - rows_erased;
        let sent = LoadCounts { load_id: self.number.load_id, rows_loaded, ..LoadCounts::default() };
        let mut counts = if self.is_staged {
            let is_late = self.path == LoadPath::Late;
            let Arrival { is_scattered, may_conflict } = *arrival;
            self.stage().settle(&self.file, Manner { is_scattered, may_conflict, is_late }).await?
        } else {
            sent
        };
        counts.rows_read = self.rows_sent + self.rows_rejected;
        counts.rows_rejected += self.rows_rejected;
        counts.rows_erased = rows_erased;
        Ok(counts)
    }

    /// Takes out the rows of erased persons, before they are compared with anything.
    async fn screen(&self) -> Result<i64> {
        let stage = Stage::name(self.number.load_id);
        let entity = self.file.entity;
        let load = Screened {
            entity,
            source: &self.file.source,
            load_id: self.number.load_id,
            table: if self.is_staged { &stage } else { entity.table() },
        };
        screen(self.client, &self.warehouse.schemas, &load).await
    }

    /// Records the settled load, with the names of the file's columns, and commits it.
    pub async fn commit(self, counts: LoadCounts, header: &[String]) -> Result<()> {
        let outcome = if self.path == LoadPath::Late { Outcome::Retried } else { Outcome::Loaded };
        let record = LoadRecord { outcome, counts, header: Some(header), error: None };
        self.warehouse.record_load(self.client, &self.file, self.number, &record).await?;
        crash_point::reach("load: before commit").await?;
        self.transaction.commit().await?;
        crash_point::reach("load: committed").await
    }

    fn stage(&self) -> Stage<'_> {
        Stage::new(self.client, &self.warehouse.schemas, self.file.entity, self.number.load_id)
    }

    async fn start_copy(&self) -> Result<RowCopy> {
        let mut columns = vec!["source"];
        columns.extend(self.file.entity.columns().iter().map(|column| column.name));
        columns.push("load_id");
        let stage = Stage::name(self.number.load_id);
        let table = if self.is_staged {
            columns.extend(["file_line", "raw_text"]);
            &stage
        } else {
            self.file.entity.table()
        };
        let copy = copy_statement(&self.warehouse.schemas, table, &columns);
        RowCopy::start(self.client, &copy, &format!("rows of file \"{}\" cannot be written", self.file.short_name()))
            .await
    }

    /// Writes the rejected rows that are held. A connection does one COPY at a time, so that of the rows ends first.
    async fn write_rejected(&mut self) -> Result<()> {
        if let Some(rows) = self.rows.take() {
            rows.finish().await?;
        }
        if self.rejected.is_empty() {
            return Ok(());
        }
        let copy = copy_statement(&self.warehouse.schemas, "rejected_rows", &REJECTED_COLUMNS);
        let doing = format!("rejected rows of file \"{}\" cannot be written", self.file.short_name());
        let mut writer = RowCopy::start(self.client, &copy, &doing).await?;
        writer.send(self.rejected.take().0).await?;
        writer.finish().await.map(drop)
    }
}

fn copy_statement(schemas: &Schemas, table: &str, columns: &[&str]) -> String {
    let parts = [("table", qualified(&schemas.raw, table)), ("columns", columns.join(", "))];
    splice(include_str!("sql/load_copy_rows.sql"), &parts.each_ref().map(|(name, part)| (*name, part.as_str())))
}
