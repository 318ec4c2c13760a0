//! Rejected rows once more, after the mapping was corrected: those that fit now join the rest of their file.

use super::convert::{Converter, Destination, Origin};
use super::mapping::{Mapping, Recipe};
use super::parse::{Batch, Gathered, may_conflict};
use super::reader::is_whole;
use super::report::LoadReport;
use crate::error::{Error, Result};
use crate::warehouse::Warehouse;
use crate::warehouse::load::{Arrival, Load, LoadCounts, LoadPath, LoadStart, LoadedFile, RejectedRow};
use crate::warehouse::rejects::RejectedFile;
use csv::ByteRecord;
use futures_util::StreamExt;
use std::path::Path;
use std::time::Instant;

/// The files whose rows this mapping rejected. Several mappings may name one source, each for a table of its own.
pub async fn rejected_files(warehouse: &Warehouse, mapping_dir: &Path, mapping: &str) -> Result<Vec<RejectedFile>> {
    let mapping = Mapping::load(mapping_dir, mapping)?;
    warehouse.rejected_files(&mapping.source, mapping.entity).await
}

/// Tries the rejected rows of one file again. Those that still do not fit stay, with the reason of now.
pub async fn retry(warehouse: &Warehouse, mapping_dir: &Path, source: &str, file: &RejectedFile) -> Result<LoadReport> {
    let began = Instant::now();
    let mapping = Mapping::load(mapping_dir, source)?.of_files()?;
    let refused = |why: &str| {
        Err(Error::config(format!("rejected rows of file \"{}\" cannot be tried again", file.file_name))
            .detail(why)
            .hint("load the file again with the corrected mapping"))
    };
    let has_row_number = |recipe: &Recipe| matches!(recipe, Recipe::Join { row_number: true, .. });
    if mapping.columns.iter().flatten().any(has_row_number) {
        return refused("The mapping makes ids of row numbers, which rejected rows do not have.");
    }
    if mapping.lent_customer.is_some() {
        return refused("The mapping borrows customers by row number, which rejected rows do not have.");
    }
    if !mapping.lookups.is_empty() {
        return refused("The mapping looks columns up in other files, which rejected rows do not have.");
    }
    let Some(header) = &file.header else {
        return refused("They were kept by an older version, without the names of the file's columns.");
    };
    let identity = LoadedFile {
        source: mapping.source.clone(),
        entity: mapping.entity,
        file_name: file.file_name.clone(),
        checksum: file.checksum.clone(),
        mapping_checksum: mapping.checksum.clone(),
        bytes: file.bytes,
    };
    let client = warehouse.client().await?;
    let load = match warehouse.begin_load(&client, &identity, LoadPath::Late).await? {
        LoadStart::Started(load) => load,
        LoadStart::Unchanged(counts) => return Ok(LoadReport::new(&identity, counts, true, began.elapsed())),
    };
    let number = load.number();
    match carry(warehouse, &mapping, &identity, header, load).await {
        Ok(counts) => Ok(LoadReport::new(&identity, counts, false, began.elapsed())),
        Err(error) => {
            if let Err(second) = warehouse.record_failed_load(&identity, number, &error.message).await {
                // The first error is the one to tell.
                tracing::warn!("{second}");
            }
            Err(error)
        }
    }
}

async fn carry(
    warehouse: &Warehouse,
    mapping: &Mapping,
    identity: &LoadedFile,
    header: &[String],
    mut load: Box<Load<'_>>,
) -> Result<LoadCounts> {
    let number = load.number();
    let window = mapping.window(number.started_at);
    let destination = Destination { load_id: number.load_id, is_staged: load.is_staged(), window };
    let mut converter = Converter::new(mapping, header, identity.short_name(), destination)?;
    // On a connection of its own: that of the load is taken up by its COPY.
    let reading = warehouse.client().await?;
    let mut rows = Box::pin(warehouse.rejects_of_file(&reading, identity).await?);
    let mut gathered = Gathered::default();
    let mut row_number = 0;
    while let Some(row) = rows.next().await {
        let row: RejectedRow = row?;
        row_number += 1;
        if row.is_erased() {
            // It stays as it is, so that the rows of its file still add up, and is no fault of the mapping.
            load.reject(&[row]).await?;
            continue;
        }
        match record_of(&row.raw_text, mapping.file.delimiter) {
            Some(record) => {
                let origin =
                    Origin { row_number, line: row.line, raw_text: Some(row.raw_text.clone()), lent_customer: None };
                gathered.take(&mut converter, &record, &origin, || row.raw_text);
            }
            None => load.reject(&[row]).await?,
        }
        if gathered.is_full() {
            send(&mut load, gathered.batch(&converter)).await?;
        }
    }
    let batch = gathered.batch(&converter);
    let is_scattered = batch.is_scattered;
    send(&mut load, batch).await?;
    let counts = load.settle(&Arrival { is_scattered, may_conflict: may_conflict(mapping) }).await?;
    load.commit(counts, header).await?;
    Ok(counts)
}

async fn send(load: &mut Load<'_>, batch: Batch) -> Result<()> {
    load.write(batch.rows, batch.row_count).await?;
    load.reject(&batch.rejected).await
}

/// The record of a kept text; `None` where the text is not all that the file had.
fn record_of(raw_text: &str, delimiter: u8) -> Option<ByteRecord> {
    if !is_whole(raw_text) {
        return None;
    }
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(delimiter)
        .buffer_capacity(raw_text.len().max(16))
        .from_reader(raw_text.as_bytes());
    let mut record = ByteRecord::new();
    let is_there = reader.read_byte_record(&mut record).unwrap_or(false);
    is_there.then_some(record)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kept_text_is_a_record_again_where_it_is_whole() {
        assert_eq!(record_of("1;\"a\nb;c\";", b';'), Some(ByteRecord::from(vec!["1", "a\nb;c", ""])));
        for text in ["a,\u{fffd}", &format!("{}...", "x".repeat(2_000))] {
            assert_eq!(record_of(text, b','), None);
        }
    }
}
