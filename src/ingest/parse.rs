//! The reading side of a load: a file to batches of order lines and rejected rows.

use super::convert::{Converter, Rejection};
use super::file::OrderFile;
use super::mapping::Mapping;
use super::reader::RecordReader;
use crate::error::{Error, Result};
use crate::warehouse::load::{OrderLine, RejectedRow};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use tokio::sync::mpsc::Sender;

/// Rows of a batch; a few batches are under way at a time.
const BATCH: usize = 2_000;

/// Some rows of the file, in its order.
#[derive(Debug, Default)]
pub(super) struct Batch {
    pub(super) lines: Vec<OrderLine>,
    pub(super) rejected: Vec<RejectedRow>,
}

/// Reads the whole file and sends its rows; ends early, without an error, when nobody receives them any more.
pub(super) fn parse(
    file: &OrderFile,
    mapping: &Mapping,
    bytes_read: Arc<AtomicU64>,
    sender: &Sender<Batch>,
) -> Result<()> {
    let mut reader = RecordReader::open(file, &mapping.file, bytes_read)?;
    let header = std::mem::take(&mut reader.header);
    let converter = Converter::new(mapping, &header, &file.name)?;
    let mut batch = Batch::default();
    let mut row_number: i32 = 0;
    let mut fields = header.len();
    while reader.advance()? {
        fields = reader.record().len();
        row_number = row_number.checked_add(1).ok_or_else(|| {
            Error::failed(format!("file \"{}\" has too many rows", file.name))
                .detail(format!("A file may have {} rows.", i32::MAX))
                .hint("split the file")
        })?;
        match converter.convert(reader.record(), row_number) {
            Ok(line) => batch.lines.push(line),
            Err(Rejection { column, reason }) => {
                reader.check_block()?;
                batch.rejected.push(RejectedRow {
                    line: i64::try_from(reader.line()).unwrap_or(i64::MAX),
                    // A header may hold what PostgreSQL cannot keep.
                    column: column.map(|column| column.replace('\0', "\u{fffd}")),
                    reason,
                    raw_text: reader.raw_text(),
                });
            }
        }
        if batch.lines.len() + batch.rejected.len() >= BATCH
            && sender.blocking_send(std::mem::take(&mut batch)).is_err()
        {
            return Ok(());
        }
    }
    reader.check_end(fields, header.len())?;
    // A receiver that is gone has its own error to tell.
    let _ = sender.blocking_send(batch);
    Ok(())
}
