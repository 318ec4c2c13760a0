//! The reading side of a load: a file to batches of rows as bytes, and rejected rows.

use super::convert::{Converter, Destination, Origin, Rejection};
use super::file::OrderFile;
use super::lender::Lender;
use super::lookup::Lookups;
use super::mapping::Mapping;
use super::reader::RecordReader;
use crate::error::{Error, Result};
use crate::warehouse::copy_rows::RowBuffer;
use crate::warehouse::entity::Entity;
use crate::warehouse::load::RejectedRow;
use bytes::Bytes;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use tokio::sync::mpsc::Sender;

/// Bytes of a batch; a few batches are under way at a time.
const BATCH: usize = 128 << 10;

/// Some rows of the file, in its order.
#[derive(Debug, Default)]
pub(super) struct Batch {
    /// Rows of a binary COPY.
    pub(super) rows: Bytes,
    pub(super) row_count: u64,
    pub(super) rejected: Vec<RejectedRow>,
    /// Some lines so far must be numbered by the database.
    pub(super) is_scattered: bool,
}

/// Rows on their way into a batch.
#[derive(Default)]
pub(super) struct Gathered {
    rows: RowBuffer,
    rejected: Vec<RejectedRow>,
    rejected_bytes: usize,
}

impl Gathered {
    /// Converts a record, and keeps its row or the reason why it does not fit; `raw_text` is asked for then only.
    /// Whether it fits.
    pub(super) fn take(
        &mut self,
        converter: &mut Converter<'_>,
        record: &csv::ByteRecord,
        origin: &Origin,
        raw_text: impl FnOnce() -> String,
    ) -> bool {
        if let Err(Rejection { column, reason }) = converter.convert(record, origin, &mut self.rows) {
            let raw_text = raw_text();
            self.rejected_bytes += raw_text.len() + reason.len();
            // A header may hold what PostgreSQL cannot keep.
            let column = column.map(|column| column.replace('\0', "\u{fffd}"));
            self.rejected.push(RejectedRow { line: origin.line, column, reason, raw_text });
            return false;
        }
        true
    }

    pub(super) fn is_full(&self) -> bool {
        self.rows.len() + self.rejected_bytes >= BATCH
    }

    pub(super) fn batch(&mut self, converter: &Converter<'_>) -> Batch {
        let (rows, row_count) = self.rows.take();
        self.rejected_bytes = 0;
        let rejected = std::mem::take(&mut self.rejected);
        Batch { rows, row_count, rejected, is_scattered: converter.is_scattered() }
    }
}

/// Whether rows of one load may have the same key: then the text of each goes along, to be kept where they differ.
pub(super) fn may_conflict(mapping: &Mapping) -> bool {
    mapping.entity != Entity::Orders || mapping.recipe("line").is_some()
}

/// Reads the whole file and sends its rows; ends early, without an error, when nobody receives them any more.
/// Returns the header.
pub(super) fn parse(
    file: &OrderFile,
    mapping: &Mapping,
    destination: Destination,
    bytes_read: Arc<AtomicU64>,
    sender: &Sender<Batch>,
) -> Result<Vec<String>> {
    let mut reader = RecordReader::open(file, &mapping.file, bytes_read)?;
    let header = std::mem::take(&mut reader.header);
    let mut lookups = Lookups::open(mapping, file, &header)?;
    let widened_header = std::mem::take(&mut lookups.header);
    let mut converter = Converter::new(mapping, &widened_header, &file.name, destination)?;
    let keeps_text = destination.is_staged && may_conflict(mapping);
    let mut gathered = Gathered::default();
    let mut row_number: i32 = 0;
    let mut fields = header.len();
    let mut lender = Lender::of(mapping, file)?;
    while reader.advance()? {
        fields = reader.record().len();
        row_number = row_number.checked_add(1).ok_or_else(|| {
            Error::failed(format!("file \"{}\" has too many rows", file.name))
                .detail(format!("A file may have {} rows.", i32::MAX))
                .hint("split the file")
        })?;
        let line = i64::try_from(reader.line()).unwrap_or(i64::MAX);
        let lent_customer = lender.as_mut().map(Lender::next).transpose()?.flatten();
        let origin = Origin { row_number, line, raw_text: keeps_text.then(|| reader.raw_text()), lent_customer };
        if !gathered.take(&mut converter, lookups.widen(reader.record())?, &origin, || reader.raw_text()) {
            reader.check_block()?;
        }
        if gathered.is_full() && sender.blocking_send(gathered.batch(&converter)).is_err() {
            return Ok(header);
        }
    }
    reader.check_end(fields, header.len())?;
    lender.map_or(Ok(()), Lender::check_end)?;
    // A receiver that is gone has its own error to tell.
    let _ = sender.blocking_send(gathered.batch(&converter));
    Ok(header)
}
