//! Files and mappings changed at random: what comes out is rows, rejected rows or an error, never a panic.
//!
//! `cargo test --test it mutations -- --ignored` goes on for `QUINTILE_FUZZ_MINUTES` (10), from a seed that it prints.

use quintile::ingest::convert::{Converter, Destination, Origin};
use quintile::ingest::file::OrderFile;
use quintile::ingest::mapping::Mapping;
use quintile::ingest::reader::RecordReader;
use quintile::warehouse::copy_rows::RowBuffer;
use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::{RngCore, SeedableRng};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

const MAPPINGS: [&str; 3] = [
    "[file]\nnulls = [\"\", \"N/A\"]\ndecimal = \",\"\nthousands = \".\"\ncurrency_signs = [\"€\"]\ndelimiter = \";\"\n\
     [defaults]\ncurrency = \"EUR\"\ntimezone = \"Europe/Berlin\"\nearliest = \"2000-01-01\"\n[columns]\norder_id = \"id\"\n\
     customer_id = { column = [\"name\", \"who\"], strip_suffix = \".0\", nulls = [\"-\"], values = { A = \"B\" } }\n\
     ordered_at = { column = \"day\", format = [\"%d.%m.%Y %H:%M\", \"iso\", \"epoch_seconds\", \"%d %b %y\"] }\n\
     quantity = \"units\"\nunit_price = { expression = \"price * (1 - units / 100)\" }\n",
    "[file]\nformat = \"fixed_blanks\"\nheader = false\n[defaults]\ncurrency = \"USD\"\n[columns]\n\
     order_id = { join = [\"1\", \"2\"], row_number = true }\n\
     ordered_at = { column = \"2\", format = \"%Y%m%d\" }\nquantity = { constant = 1 }\nunit_price = \"3\"\n\
     [synthetic_customer]\nrule = \"hashtext\"\nhash_of = [\"1\"]\nmodulo = 7\n",
    "table = \"customers\"\n[file]\nencoding = \"utf-16\"\n[columns]\ncustomer_id = \"id\"\nemail = \"mail\"\n\
     birth_date = { column = \"born\", format = [\"%d/%m/%Y\", \"iso\"] }\nhas_consent = \"yes\"\n",
];

fn texts() -> Vec<(usize, Vec<u8>)> {
    let orders = "id;day;units;price;who\r\nA1;1.3.2023 10:05;2;€ 1.234,50;Zoë\r\nA2;2023-03-01T10:00:00+02:00;-1;\"12,5\";B.0\r\n\
                  A3;1700000000;1;N/A;-\r\n\"A\n4\";03 Jan 14;0;0,001;A\r\n";
    let blanks = " 00001 19970101  29.33\r\n 00002 19970112   0.00\r\n";
    let people = "\u{feff}id,mail,born,yes\n1,a@b.c,31/12/1980,true\n2,,1999-02-28,0\n";
    let wide: Vec<u8> = people.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut gzip, orders.as_bytes()).unwrap();
    vec![
        (0, orders.into()),
        (1, blanks.into()),
        (2, wide),
        (0, gzip.finish().unwrap()),
        (0, zstd::encode_all(orders.as_bytes(), 3).unwrap()),
        (0, parquet_file()),
    ]
}

fn parquet_file() -> Vec<u8> {
    use parquet::data_type::{ByteArray, ByteArrayType, DoubleType, Int32Type, Int64Type};
    let schema = "message m { required binary id (STRING); optional int64 day (TIMESTAMP(MICROS,true)); \
                  required int32 units; required double price; required binary who (STRING); }";
    let schema = Arc::new(parquet::schema::parser::parse_message_type(schema).unwrap());
    let mut writer = parquet::file::writer::SerializedFileWriter::new(Vec::new(), schema, Default::default()).unwrap();
    let mut group = writer.next_row_group().unwrap();
    let words: Vec<ByteArray> = ["A1", "A2", "A3"].map(ByteArray::from).to_vec();
    let mut column = group.next_column().unwrap().unwrap();
    column.typed::<ByteArrayType>().write_batch(&words, None, None).unwrap();
    column.close().unwrap();
    let mut column = group.next_column().unwrap().unwrap();
    column.typed::<Int64Type>().write_batch(&[1_700_000_000_000_000, 0], Some(&[1, 0, 1]), None).unwrap();
    column.close().unwrap();
    let mut column = group.next_column().unwrap().unwrap();
    column.typed::<Int32Type>().write_batch(&[1, -2, 3], None, None).unwrap();
    column.close().unwrap();
    let mut column = group.next_column().unwrap().unwrap();
    column.typed::<DoubleType>().write_batch(&[0.5, f64::NAN, 1e300], None, None).unwrap();
    column.close().unwrap();
    let mut column = group.next_column().unwrap().unwrap();
    column.typed::<ByteArrayType>().write_batch(&words, None, None).unwrap();
    column.close().unwrap();
    group.close().unwrap();
    writer.into_inner().unwrap()
}

struct Mutator(Xoshiro256PlusPlus);

impl Mutator {
    fn below(&mut self, end: usize) -> usize {
        (self.0.next_u64() % end.max(1) as u64) as usize
    }

    /// Changes bytes, takes pieces away, doubles them, or puts in what breaks programs.
    fn mutate(&mut self, bytes: &mut Vec<u8>) {
        const NASTY: [&[u8]; 14] = [
            b"\"",
            b"\n",
            b"\r",
            b"\0",
            b"\xff",
            b"\xed\xa0\x80",
            b"99999999999999999999",
            b"-",
            b"1e999",
            b"NaN",
            b"(",
            b"%",
            b";;;;",
            b"\xef\xbb\xbf",
        ];
        for _ in 0..=self.below(4) {
            let place = self.below(bytes.len() + 1);
            let end = (place + self.below(16)).min(bytes.len());
            match self.below(6) {
                0 if place < bytes.len() => bytes[place] = self.0.next_u64() as u8,
                1 => drop(bytes.drain(place..end)),
                2 => {
                    let piece = bytes[place..end].to_vec();
                    drop(bytes.splice(place..place, piece));
                }
                3 => bytes.truncate(place),
                4 if place < bytes.len() => bytes[place] ^= 1 << self.below(8),
                _ => {
                    let nasty = NASTY[self.below(NASTY.len())];
                    drop(bytes.splice(place..place, nasty.iter().copied()));
                }
            }
        }
    }
}

/// Reads a file by a mapping as a load does; the rows that fit, or `None` where the file is refused.
fn read(path: &Path, mapping: &Mapping) -> Option<u64> {
    let file = OrderFile::open(path).ok()?;
    let mut reader = RecordReader::open(&file, &mapping.file, Arc::default()).ok()?;
    let header = std::mem::take(&mut reader.header);
    let window = mapping.window("2024-01-01T00:00:00Z".parse().unwrap());
    let destination = Destination { load_id: 1, is_staged: false, window };
    let mut converter = Converter::new(mapping, &header, "mutated", destination).ok()?;
    let (mut rows, mut fit, mut row_number) = (RowBuffer::default(), 0, 0);
    while reader.advance().ok()? {
        row_number += 1;
        let origin = Origin { row_number, line: row_number.into(), ..Origin::default() };
        match converter.convert(reader.record(), &origin, &mut rows) {
            Ok(()) => fit += 1,
            Err(_) => assert!(!reader.raw_text().contains('\0')),
        }
        reader.check_block().ok()?;
    }
    Some(fit)
}

/// Rounds done, mappings that were right, files that were read to their end, rows that fit.
fn run(seed: u64, is_over: impl Fn(u64) -> bool) -> (u64, u64, u64, u64) {
    let mut mutator = Mutator(Xoshiro256PlusPlus::seed_from_u64(seed));
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("mutated");
    let texts = texts();
    let (mut rounds, mut right, mut whole, mut fit) = (0, 0, 0, 0);
    while !is_over(rounds) {
        rounds += 1;
        let (number, text) = &texts[mutator.below(texts.len())];
        let mut mapping = MAPPINGS[*number].as_bytes().to_vec();
        if mutator.below(3) == 0 {
            mutator.mutate(&mut mapping);
        }
        let Ok(mapping) = Mapping::parse("m.toml", "m", &String::from_utf8_lossy(&mapping)) else { continue };
        right += 1;
        let mut text = text.clone();
        mutator.mutate(&mut text);
        std::fs::write(&path, &text).unwrap();
        if let Some(rows) = read(&path, &mapping) {
            (whole, fit) = (whole + 1, fit + rows);
        }
    }
    (rounds, right, whole, fit)
}

#[test]
fn mutated_files_and_mappings_end_without_a_panic() {
    let (rounds, right, whole, fit) = run(1, |rounds| rounds == 3_000);
    assert_eq!(rounds, 3_000);
    // That many are read to the end shows that more than the first check is exercised.
    assert!(right > 1_500 && whole > 500 && fit > 500, "{right} mappings, {whole} files, {fit} rows");
}

#[test]
#[ignore = "runs for minutes"]
#[allow(clippy::print_stdout)] // The figures are what it is run for.
fn mutations_for_minutes() {
    let minutes = std::env::var("QUINTILE_FUZZ_MINUTES").ok().and_then(|text| text.parse().ok()).unwrap_or(10);
    let seed = std::time::UNIX_EPOCH.elapsed().map_or(0, |since| since.as_secs());
    println!("seed {seed}");
    let began = Instant::now();
    let told = run(seed, |_| began.elapsed() > Duration::from_secs(60 * minutes));
    println!("{told:?} rounds, right mappings, files read to their end, rows that fit");
}
