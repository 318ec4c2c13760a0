//! Proposals for files of many shapes are mappings that read those files.

use super::{propose, propose_relation};
use crate::ingest::convert::{Converter, Destination, Origin};
use crate::ingest::file::OrderFile;
use crate::ingest::mapping::{Mapping, SourceRelation};
use crate::ingest::reader::RecordReader;
use crate::warehouse::copy_rows::RowBuffer;
use std::path::Path;
use std::sync::Arc;

/// The proposal for a file of this content, without its first comment; it is a right mapping.
fn proposal(dir: &Path, content: &[u8]) -> (Mapping, String) {
    let path = dir.join("orders.csv");
    std::fs::write(&path, content).unwrap();
    let text = propose(&path, Some("shop")).unwrap();
    let mapping = Mapping::parse("shop.toml", "shop", &text).unwrap_or_else(|e| panic!("{}\n{text}", e.report()));
    (mapping, text.lines().skip(1).collect::<Vec<_>>().join("\n"))
}

/// The same, after every row of the file was read by it.
fn proposed(content: &[u8]) -> String {
    let dir = tempfile::tempdir().unwrap();
    let (mapping, text) = proposal(dir.path(), content);
    let file = OrderFile::open(&dir.path().join("orders.csv")).unwrap();
    let mut reader = RecordReader::open(&file, &mapping.file, Arc::default()).unwrap();
    let header = std::mem::take(&mut reader.header);
    let window = mapping.window("2026-01-01T00:00:00Z".parse().unwrap());
    let destination = Destination { load_id: 1, is_staged: false, window };
    let mut converter = Converter::new(&mapping, &header, "orders.csv", destination).unwrap();
    let mut rows = RowBuffer::default();
    while reader.advance().unwrap() {
        let converted = converter.convert(reader.record(), &Origin::default(), &mut rows);
        converted.unwrap_or_else(|told| panic!("{told:?}\n{text}"));
    }
    text
}

#[test]
fn an_english_file_with_float_ids_and_percents() {
    insta::assert_snapshot!(proposed(
        b"InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Discount Percent\n\
          536365,85123A,\"LIGHT, WHITE\",6,2010-12-01 08:26:00,2.55,17850.0,2\n536366,71053,,-1,2010-12-02 09:00:00,3.39,,5\n"
    ));
}

#[test]
fn a_german_file_in_windows_1252() {
    insta::assert_snapshot!(proposed(
        b"Order ID;Date;Customer;Qty;Price;Country\nA1;31.12.2023;M\xfcller;1;1.234,50 \x80;DE\nA2;01.02.2024;N/A;2;0,99 \x80;AT\n"
    ));
}

#[test]
fn what_the_dates_do_not_tell_is_said() {
    let text = proposed(b"order_id,order_date,customer_id,quantity,price\n1,3/4/2023,C1,1,10\n2,5/6/2023,C2,1,12\n");
    assert!(text.contains("# AMBIGUOUS: all values fit %m/%d/%Y and %d/%m/%Y. Choose.\nordered_at = { column = \"order_date\", format = \"%m/%d/%Y\" }"), "{text}");
    let text = proposed(b"order_id,order_date,customer_id,quantity,price\n1,3/4/2023,C1,1,10\n2,25/6/2023,C2,1,12\n");
    assert!(!text.contains("AMBIGUOUS") && text.contains("format = \"%d/%m/%Y\""), "{text}");
}

#[test]
fn a_file_without_names_has_its_blanks_told_and_its_columns_left_to_people() {
    let dir = tempfile::tempdir().unwrap();
    let (_, text) = proposal(dir.path(), b" 00001 19970101 1 29.33\n 00002 19970112 2 0.00\n");
    assert!(text.contains("format = \"fixed_blanks\"\nheader = false"), "{text}");
    assert!(text.contains("ordered_at = \"NAME THE COLUMN\""), "{text}");
}

#[test]
fn a_file_without_customers_gets_made_up_ones() {
    let text = proposed(b"Order Id,Order Date,List Price\n1,2023-03-01,260\n2,2023-08-15,730\n");
    assert!(text.contains("[synthetic_customer]\nhash_of = [\"Order Id\"]"), "{text}");
    assert!(text.contains("quantity = { constant = 1 }"), "{text}");
}

#[test]
fn customers_and_wide_text() {
    let text = "customer_id\tGender\tbirth_date\tzip\n1\tMale\t1980-12-31\t01420\n2\tFemale\t\t99999\n";
    let wide: Vec<u8> = "\u{feff}".encode_utf16().chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect();
    insta::assert_snapshot!(proposed(&wide));
}

#[test]
fn a_broken_row_among_several_does_not_hide_what_the_others_are() {
    let dir = tempfile::tempdir().unwrap();
    let file =
        b"Bestellnr;Kunde;Datum;Menge;Preis\n1;a;03.04.2025;2;12,50\n2;b;15.04.2025;1;1.200,00\n3;b;31.04.2025;1;x\n";
    insta::assert_snapshot!(proposal(dir.path(), file).1);
    // The one day that is none in the other order decides, though one broken row would be borne.
    let text = proposal(
        dir.path(),
        b"order_id,order_date,customer_id,quantity,price\n1,3/4/2023,C,1,1\n2,25/6/2023,C,1,1\n3,5/7/2023,C,1,1\n",
    );
    assert!(!text.1.contains("AMBIGUOUS") && text.1.contains("format = \"%d/%m/%Y\""), "{}", text.1);
}

#[test]
fn a_relation_is_read_where_it_stands() {
    let relation = SourceRelation::parse("shop.\"Order lines\"").unwrap();
    let header = ["Bestellnr", "Kunde", "Datum", "Menge", "Preis"].map(str::to_owned).to_vec();
    let rows = [["A1", "C1", "2024-02-01", "1", "1,50"], ["A2", "C2", "2024-02-02", "2", "12,25"]];
    let rows = rows.map(|row| row.map(str::to_owned).to_vec()).to_vec();
    let text = propose_relation(&relation, header, rows, Some("shop"));
    let mapping = Mapping::parse("shop.toml", "shop", &text).unwrap_or_else(|e| panic!("{}\n{text}", e.report()));
    assert_eq!(mapping.relation, Some(relation));
    insta::assert_snapshot!(text);
    // Without orders and customers it is a mapping still, and asks for no numbers of rows.
    let header = vec!["Datum".to_owned(), "Preis".to_owned()];
    let text = propose_relation(&mapping.relation.unwrap(), header, Vec::new(), None);
    assert!(!text.contains("row_number"), "{text}");
}
