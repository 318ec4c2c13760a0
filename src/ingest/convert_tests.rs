//! Records that fit, cell by cell, and the words for those that do not.

use super::*;

const MAPPING: &str = r#"
    [file]
    nulls = ["", "N/A"]
    [defaults]
    currency = "EUR"
    [columns]
    order_id = "Order"
    customer_id = { column = "Customer", strip_suffix = ".0" }
    ordered_at = { column = "Date", format = "%Y-%m-%d" }
    quantity = "Qty"
    unit_price = "Price"
    discount = { column = "Percent", scale = 0.01 }
    channel = { constant = "online" }
"#;
const HEADER: [&str; 6] = ["Order", "Customer", "Date", "Qty", "Price", "Percent"];

/// The bytes of each cell of a row, `None` for NULL.
type Cells = Vec<Option<Vec<u8>>>;

fn cells(bytes: &[u8]) -> Cells {
    let count = u16::from_be_bytes([bytes[0], bytes[1]]);
    let mut rest = &bytes[2..];
    let mut cell = || {
        let length = i32::from_be_bytes(rest[..4].try_into().unwrap());
        rest = &rest[4..];
        let (cell, after) = rest.split_at(usize::try_from(length).ok()?);
        rest = after;
        Some(cell.to_vec())
    };
    (0..count).map(|_| cell()).collect()
}

/// The bytes of one value.
fn cell(write: impl FnOnce(&mut RowBuffer)) -> Option<Vec<u8>> {
    let mut rows = RowBuffer::default();
    rows.begin_row(1);
    write(&mut rows);
    rows.keep_row();
    cells(&rows.take().0).remove(0)
}

fn text(text: &str) -> Option<Vec<u8>> {
    Some(text.as_bytes().to_vec())
}

fn number(number: &str) -> Option<Vec<u8>> {
    cell(|rows| rows.number(number.parse().unwrap()))
}

/// The cells of the row after its source; the load is number 9.
fn convert(mapping: &str, fields: &[&[u8]]) -> Converted<Cells> {
    let mapping = Mapping::parse("shop.toml", "shop", mapping).unwrap();
    let header = HEADER.map(str::to_owned);
    let window = mapping.window("2024-01-01T00:00:00Z".parse().unwrap());
    let destination = Destination { load_id: 9, is_staged: false, window };
    let mut converter = Converter::new(&mapping, &header, "orders.csv", destination).unwrap();
    let mut rows = RowBuffer::default();
    let origin = Origin { row_number: 7, line: 8, ..Origin::default() };
    let told = converter.convert(&ByteRecord::from(fields.to_vec()), &origin, &mut rows);
    assert_eq!(told.is_ok(), !rows.is_empty());
    told.map(|()| cells(&rows.take().0).split_off(1))
}

#[test]
fn a_row_that_fits_is_kept_exactly() {
    let row = convert(MAPPING, &[b"A1", b" Zo\xc3\xab.0", b"2023-03-01", b"-2", b"12.3450", b"5"]).unwrap();
    assert_eq!(row[..4], [text("A1"), cell(|rows| rows.integer(1)), text(" Zo\u{eb}"), cell(|rows| rows.flag(false))]);
    let instant = "2023-03-01T00:00:00Z".parse().unwrap();
    assert_eq!(row[4], cell(|rows| rows.instant(instant)));
    assert_eq!(row[5..8], [None, None, None]);
    assert_eq!(row[8..12], [number("-2"), number("12.3450"), number("0.05"), None]);
    assert_eq!(row[12..], [text("online"), None, text("EUR"), cell(|rows| rows.bigint(9))]);
}

#[test]
fn a_customer_may_be_missing() {
    let row = convert(MAPPING, &[b"A1", b" N/A ", b"2023-03-01", b"1", b"1", b""]).unwrap();
    assert_eq!((&row[2], &row[10]), (&None, &number("0")));
}

#[test]
fn a_line_of_the_file_is_a_whole_number() {
    let mapping = MAPPING.to_owned() + "line = \"Percent\"\n";
    let mapping = mapping.replace("discount = { column = \"Percent\", scale = 0.01 }", "");
    let convert = |line: &[u8]| convert(&mapping, &[b"A1", b"C", b"2023-03-01", b"1", b"1", line]);
    assert_eq!(convert(b"12").unwrap()[1], cell(|rows| rows.integer(12)));
    for (line, reason) in [("1.5", "\"1.5\" is not a whole number of 32 bits"), ("", "the value is missing")] {
        assert_eq!(convert(line.as_bytes()).unwrap_err().reason, reason);
    }
}

#[test]
fn members_of_campaigns_are_treated_or_control() {
    let mapping = r#"
        table = "campaign_members"
        [columns]
        campaign_id = { constant = "spring" }
        customer_id = "Customer"
        arm = "Order"
        responded_at = { column = "Date", format = "%Y-%m-%d" }
    "#;
    let convert = |arm: &[u8]| convert(mapping, &[arm, b"C", b"", b"", b"", b""]);
    let load = cell(|rows| rows.bigint(9));
    assert_eq!(convert(b"treated").unwrap(), [text("spring"), text("C"), text("treated"), None, None, None, load]);
    assert_eq!(convert(b"placebo").unwrap_err().reason, "\"placebo\" is not one of treated, control");
}

#[test]
fn every_reason_is_in_words() {
    let long = vec![b'x'; MAX_FIELD + 1];
    let rows: [&[&[u8]]; 12] = [
        &[b"A1", b"C", b"2023-03-01", b"x", b"1", b""],
        &[b"A1", b"C", b"2023-02-30", b"1", b"1", b""],
        &[b"A1", b"C", b"2023-03-01", b"1", b"NaN", b""],
        &[b"A1", b"C", b"2023-03-01", b"1", b"1e400", b""],
        &[b"", b"C", b"2023-03-01", b"1", b"1", b""],
        &[b"A1", b"C", b"N/A", b"1", b"1", b""],
        &[b"A1", b"C\0", b"2023-03-01", b"1", b"1", b""],
        &[b"A1", b"C\xff", b"2023-03-01", b"1", b"1", b""],
        &[b"A1", b"C", b"2023-03-01"],
        &[b"A1", &long, b"2023-03-01", b"1", b"1", b""],
        &[b"A1", b"C", b"1492-10-12", b"1", b"1", b""],
        &[b"A1", b"C", b"2023-03-01", b"1", b"1", b"500"],
    ];
    let told: Vec<String> = rows
        .iter()
        .map(|row| convert(MAPPING, row).unwrap_err())
        .map(|told| format!("{}: {}", told.column.unwrap_or_else(|| "-".into()), told.reason))
        .collect();
    insta::assert_snapshot!(told.join("\n"));
}

#[test]
fn ids_are_joined_and_customers_made_up() {
    let mapping = MAPPING
        .replace("\"Order\"", "{ join = [\"Customer\", \"Date\"], row_number = true }")
        .replace("customer_id = { column = \"Customer\", strip_suffix = \".0\" }", "")
        + "[synthetic_customer]\nhash_of = [\"Order\"]\nmodulo = 1000";
    let row = |order: &'static [u8]| [order, b"00001", b"2023-03-01", b"1", b"1", b""];
    let made_up = convert(&mapping, &row(b"A1")).unwrap();
    assert_eq!((&made_up[0], &made_up[3]), (&text("00001-2023-03-01-7"), &cell(|rows| rows.flag(true))));
    let customer = made_up[2].clone().unwrap();
    assert_eq!(customer.len(), "synthetic-000".len());
    assert_eq!(convert(&mapping, &row(b"A1")).unwrap()[2].as_ref(), Some(&customer));
    assert_ne!(convert(&mapping, &row(b"A2")).unwrap()[2].as_ref(), Some(&customer));
    let told = convert(&mapping, &row(b"")).unwrap_err();
    assert_eq!((told.column.as_deref(), told.reason.as_str()), (Some("Order"), "the value is missing"));
}

#[test]
fn customers_are_made_up_by_the_named_rule() {
    let mapping = MAPPING.replace("customer_id = { column = \"Customer\", strip_suffix = \".0\" }", "")
        + "[synthetic_customer]\nrule = \"hashtext\"\nhash_of = [\"Order\"]\nmodulo = 1000";
    let row = |order: &'static [u8]| [order, b"", b"2023-03-01", b"1", b"1", b""];
    // hashtext('1') is -631133447, hashtext('9994') is 1315334793.
    for (order, customer) in [(&b"1"[..], "448"), (b"9994", "794")] {
        let made_up = convert(&mapping, &row(order)).unwrap();
        assert_eq!((&made_up[2], &made_up[3]), (&text(customer), &cell(|rows| rows.flag(true))));
    }
}

#[test]
fn a_rejected_value_is_told_by_the_name_that_its_file_has() {
    let mapping =
        MAPPING.replace("\"Qty\"", "[\"Units\", \"Qty\"]").replace("\"Price\"", "{ expression = \"Units / 0\" }");
    let told = convert(&mapping, &[b"A1", b"C", b"2023-03-01", b"x", b"1", b""]).unwrap_err();
    assert_eq!(told.column.as_deref(), Some("Qty"));
}
