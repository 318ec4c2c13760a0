//! How the bytes of a file are packed, told by the first of them and never by the file's name.

use flate2::bufread::MultiGzDecoder;
use std::io::{BufRead, BufReader};

/// Largest window of a zstd file, as a power of two: 16 MiB. Level 19 needs half of it; levels above would take more
/// memory than a load may have.
const ZSTD_WINDOW: u32 = 24;

/// Unpacks gzip and zstd; several packed pieces after each other are one text.
pub(super) fn unpacked<'a>(
    mut packed: impl BufRead + Send + 'a,
    buffer: usize,
) -> std::io::Result<Box<dyn BufRead + Send + 'a>> {
    let begin = packed.fill_buf()?;
    if begin.starts_with(&[0x1f, 0x8b]) {
        return Ok(Box::new(BufReader::with_capacity(buffer, MultiGzDecoder::new(packed))));
    }
    if begin.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]) {
        let mut decoder = zstd::stream::read::Decoder::with_buffer(packed)?;
        decoder.window_log_max(ZSTD_WINDOW)?;
        return Ok(Box::new(BufReader::with_capacity(buffer, decoder)));
    }
    Ok(Box::new(packed))
}

/// What the content is and what to do with it, where it is certainly no text.
pub(super) fn foreign(begin: &[u8]) -> Option<(&'static str, &'static str)> {
    Some(match begin {
        [b'P', b'K', 3, 4, ..] => ("a ZIP archive or an Excel workbook", "unpack it, or export the sheet as CSV"),
        [0xfd, b'7', b'z', b'X', b'Z', ..] => ("packed by xz", "unpack it, or pack it with zstd"),
        [b'B', b'Z', b'h', b'1'..=b'9', b'1', ..] => ("packed by bzip2", "unpack it, or pack it with zstd"),
        [0x1f, 0x8b, ..] | [0x28, 0xb5, 0x2f, 0xfd, ..] => ("packed twice", "unpack it once"),
        [b'P', b'A', b'R', b'1', ..] => ("a packed Parquet file", "unpack it; Parquet packs its columns itself"),
        [b'%', b'P', b'D', b'F', ..] => ("a PDF document", "export the data as CSV"),
        [0xd0, 0xcf, 0x11, 0xe0, ..] => ("an old Excel workbook", "export the sheet as CSV"),
        _ => return None,
    })
}
