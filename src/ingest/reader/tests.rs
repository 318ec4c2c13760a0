//! What comes out of texts, whole and broken.

use super::separated::MAX_RECORD;
use super::*;
use crate::ingest::mapping::Format;
use proptest::prelude::*;

fn format(format: Format, delimiter: u8, has_header: bool) -> FileFormat {
    FileFormat { format, delimiter, has_header, ..FileFormat::default() }
}

fn reader(text: &[u8], format: &FileFormat) -> RecordReader {
    RecordReader::of_text(Box::new(std::io::Cursor::new(text.to_vec())), format, "orders.csv").unwrap()
}

fn all(reader: &mut RecordReader) -> Vec<(u64, String)> {
    let mut rows = Vec::new();
    while reader.advance().unwrap() {
        rows.push((reader.line(), reader.raw_text()));
    }
    rows
}

#[test]
fn csv_with_mark_carriage_returns_and_quoted_line_ends() {
    let text = b"\xef\xbb\xbfid, name \r\n1,\"a\r\nb\"\r\n\r\n2,c";
    let mut reader = reader(text, &format(Format::Csv, b',', true));
    assert_eq!(reader.header, ["id", "name"]);
    let rows = all(&mut reader);
    assert_eq!(rows.iter().map(|row| row.1.as_str()).collect::<Vec<_>>(), ["1,\"a\r\nb\"", "2,c"]);
    assert_eq!(rows[0].0, 2);
}

#[test]
fn blanks_separate_in_runs_and_lead_the_line() {
    let text = b" id  date   x\r\n 01 \"19970101  1 \r\n\r\n   \r\n 02 2  3\r\n";
    let mut reader = reader(text, &format(Format::FixedBlanks, b' ', true));
    assert_eq!(reader.header, ["id", "date", "x"]);
    assert!(reader.advance().unwrap());
    assert_eq!(reader.record(), &ByteRecord::from(vec!["01", "\"19970101", "1"]));
    assert!(reader.advance().unwrap());
    assert_eq!((reader.record().get(2), reader.line()), (Some(&b"3"[..]), 5));
    assert!(!reader.advance().unwrap());
}

#[test]
fn without_header_the_columns_are_numbered_and_no_row_is_lost() {
    let mut reader = reader(b"a;b\nc;d\n", &format(Format::Csv, b';', false));
    assert_eq!(reader.header, ["1", "2"]);
    assert_eq!(all(&mut reader), [(1, "a;b".to_owned()), (2, "c;d".to_owned())]);
}

#[test]
fn raw_text_is_fit_for_the_database() {
    let long = "x".repeat(3_000);
    let mut reader = reader(format!("a,b\nc\0d,{long}\n").as_bytes(), &format(Format::Csv, b',', true));
    assert!(reader.advance().unwrap());
    let text = reader.raw_text();
    assert!(text.starts_with("c\u{fffd}d,xxx") && text.ends_with("x..."));
    assert_eq!(text.chars().count(), MAX_RAW_TEXT + 3);
}

#[test]
fn a_quote_that_is_never_closed_ends_in_an_error_not_in_memory() {
    let mut text = b"a,b\n1,\"".to_vec();
    text.resize(MAX_RECORD + 100_000, b'x');
    let mut reader = reader(&text, &format(Format::Csv, b',', true));
    let error = reader.advance().unwrap_err();
    assert_eq!(error.detail.as_deref(), Some("The row that begins on line 2 is longer than 16 MiB."));
}

#[test]
fn a_last_row_that_is_short_and_has_no_line_end_is_told() {
    for (text, is_whole) in [("a,b\n1,2\n3", false), ("a,b\n1,2\n3\n", true), ("a,b\n1,2", true)] {
        let mut reader = reader(text.as_bytes(), &format(Format::Csv, b',', true));
        let mut fields = 2;
        while reader.advance().unwrap() {
            fields = reader.record().len();
        }
        assert_eq!(reader.check_end(fields, 2).is_ok(), is_whole, "{text}");
    }
}

#[test]
fn text_that_breaks_off_is_an_error() {
    struct Broken(u8);
    impl Read for Broken {
        fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
            self.0 += 1;
            if self.0 > 1 {
                return Err(std::io::ErrorKind::UnexpectedEof.into());
            }
            buffer[..8].copy_from_slice(b"a,b\n1,2\n");
            Ok(8)
        }
    }
    let mut reader =
        RecordReader::of_text(Box::new(Broken(0)), &format(Format::Csv, b',', true), "orders.csv").unwrap();
    assert!(reader.advance().unwrap());
    assert_eq!(reader.advance().unwrap_err().message, "file \"orders.csv\" cannot be read to its end");
}

#[test]
fn a_quote_that_is_open_at_the_end_is_told() {
    for text in ["a,b\n1,\"2", "a,b\n1,\"2\n", "a,b\n1,2\n\""] {
        let mut reader = reader(text.as_bytes(), &format(Format::Csv, b',', true));
        let error = std::iter::repeat_with(|| reader.advance()).find_map(Result::err).unwrap();
        assert_eq!(error.message, "file \"orders.csv\" ends within quotes", "{text}");
    }
    let mut reader = reader(b"a,b\n1,\"2\"", &format(Format::Csv, b',', true));
    assert_eq!(all(&mut reader), [(2, "1,2".to_owned())]);
    assert!(!reader.advance().unwrap());
}

#[test]
fn a_block_of_zeros_condemns_the_file() {
    for (zeros, is_whole) in [(LOST_BLOCK - 1, true), (LOST_BLOCK, false)] {
        let text = [b"a,b\n1,".to_vec(), vec![0; zeros], b"\n".to_vec()].concat();
        let mut reader = reader(&text, &format(Format::Csv, b',', true));
        assert!(reader.advance().unwrap());
        assert_eq!(reader.check_block().is_ok(), is_whole);
    }
}

proptest! {
    #[test]
    fn any_bytes_are_read_without_panic(bytes in proptest::collection::vec(any::<u8>(), 1..200), is_blanks: bool) {
        let format = if is_blanks { format(Format::FixedBlanks, b' ', true) } else { format(Format::Csv, b',', true) };
        if let Ok(mut reader) = RecordReader::of_text(Box::new(std::io::Cursor::new(bytes)), &format, "orders.csv") {
            for (_, text) in all(&mut reader) {
                prop_assert!(!text.contains('\0'));
            }
        }
    }
}
