//! Hostile files: each is refused whole, loads in part with its bad rows named, or loads as it is.
//!
//! Written anew after a corpus of 98 inputs. Its models are in `bad_models`, its degenerate shops in `degenerate`, and
//! its identifiers with the settings.

use crate::harness::Database;
use quintile::error::Error;
use quintile::ingest::{IngestRequest, LoadReport, ingest};
use quintile::warehouse::Warehouse;
use std::fmt::Write as _;
use std::io::Write as _;

const MAPPING: &str = r#"
    [file]
    nulls = ["", "Not Available", "unknown"]
    [defaults]
    currency = "USD"
    [columns]
    order_id = "order_id"
    customer_id = "customer_id"
    ordered_at = { column = "order_date", format = "%Y-%m-%d" }
    product_id = "product_id"
    description = "sub_category"
    category = "category"
    quantity = "quantity"
    unit_price = "list_price"
    unit_cost = "cost_price"
    discount = { column = "discount_percent", scale = 0.01 }
    channel = "segment"
    country = "region"
"#;
const HEADER: &str = "order_id,order_date,customer_id,segment,region,category,sub_category,product_id,cost_price,list_price,quantity,discount_percent\n";

/// A row of the corpus; every field that a case changes has a name.
#[derive(Clone, Copy)]
struct Row<'a> {
    id: &'a str,
    date: &'a str,
    customer: &'a str,
    region: &'a str,
    price: &'a str,
    quantity: &'a str,
}

const ROW: Row<'_> = Row { id: "1", date: "2023-03-01", customer: "C1", region: "West", price: "12.5", quantity: "2" };

impl Row<'_> {
    fn text(self) -> String {
        let Row { id, date, customer, region, price, quantity } = self;
        format!("{id},{date},{customer},Consumer,{region},Furniture,Chairs,FUR-1,10,{price},{quantity},5\n")
    }
}

fn good() -> String {
    let mut text = HEADER.to_owned();
    for i in 1..=400 {
        let (date, customer) = (format!("2023-{:02}-{:02}", 1 + i % 12, 1 + i % 28), format!("C{}", i % 37));
        text += &Row { id: &i.to_string(), date: &date, customer: &customer, ..ROW }.text();
    }
    text
}

/// The header, a good row and the given rows.
fn beside(rows: &[Row<'_>]) -> Vec<u8> {
    let rows: String = rows.iter().map(|row| Row { id: "2", ..*row }.text()).collect();
    [HEADER, &ROW.text(), &rows].concat().into_bytes()
}

/// A database, and a folder with a mapping for each case.
struct Corpus {
    warehouse: Warehouse,
    _database: Database,
    dir: tempfile::TempDir,
}

impl Corpus {
    async fn new() -> Corpus {
        let database = Database::new().await;
        Corpus { warehouse: database.warehouse().await, _database: database, dir: tempfile::tempdir().unwrap() }
    }

    /// Loads a case as a source of its own, so that no case sees the orders of another.
    async fn load(&self, name: &str, content: &[u8]) -> Result<LoadReport, Error> {
        self.load_by(name, content, MAPPING).await
    }

    async fn load_by(&self, name: &str, content: &[u8], mapping: &str) -> Result<LoadReport, Error> {
        let file = self.dir.path().join(format!("{name}.csv"));
        std::fs::write(&file, content).unwrap();
        std::fs::write(self.dir.path().join(format!("{name}.toml")), mapping).unwrap();
        let request = IngestRequest {
            file,
            source: name.into(),
            mapping_dir: self.dir.path().into(),
            ..IngestRequest::default()
        };
        ingest(&self.warehouse, &request, &mut |_| {}).await
    }

    async fn texts(&self, sql: &str) -> Vec<String> {
        let client = self.warehouse.client().await.unwrap();
        let rows = client.query(&sql.replace("{raw}", &self.warehouse.schemas.raw), &[]).await.unwrap();
        rows.iter().map(|row| row.get(0)).collect()
    }
}

#[tokio::test]
async fn whole_files_are_refused_with_a_reason_and_leave_nothing() {
    let corpus = Corpus::new().await;
    let good = good();
    let columns = |change: fn(Vec<&str>) -> Vec<String>| -> String {
        good.lines().map(|line| change(line.split(',').collect()).join(",") + "\n").collect()
    };
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(good.as_bytes()).unwrap();
    let gzip = gzip.finish().unwrap();
    let zstd = zstd::encode_all(good.as_bytes(), 3).unwrap();
    let wide: Vec<u8> = "\u{feff}".encode_utf16().chain(good.encode_utf16()).flat_map(u16::to_le_bytes).collect();
    let cases: Vec<(&str, Vec<u8>)> = vec![
        ("empty", Vec::new()),
        ("truncated_midrow", good.as_bytes()[..good.len() - 37].to_vec()),
        ("truncated_in_quotes", [HEADER, &ROW.text(), "2,2023-01-01,\"C2"].concat().into()),
        ("truncated_in_the_last_quotes", [HEADER, &ROW.text(), ROW.text().trim_end(), "\"\n\""].concat().into()),
        ("truncated_gzip", gzip[..gzip.len() - 20].to_vec()),
        ("truncated_zstd", zstd[..zstd.len() - 20].to_vec()),
        ("nul_block", [&good.as_bytes()[..2_000], &[0; 4_096], &good.as_bytes()[2_000..]].concat()),
        ("utf16", wide),
        ("dup_header", (HEADER.replace("region", "segment") + &ROW.text()).into()),
        (
            "missing_column",
            columns(|mut cells| {
                cells.pop();
                cells.into_iter().map(str::to_owned).collect()
            })
            .into(),
        ),
        ("renamed_column", good.replacen("customer_id", "customerId", 1).into()),
        ("semicolon", good.replace(',', ";").into()),
        ("many_columns", {
            let names: Vec<String> = (0..5_000).map(|i| format!("c{i}")).collect();
            format!("{}\n{}\n", names.join(","), vec!["1"; 5_000].join(",")).into()
        }),
        ("quote_bomb", [HEADER, &"\"".repeat(1_000_001), "\n"].concat().into()),
    ];
    let mut told = String::new();
    for (name, content) in cases {
        let error = corpus.load(name, &content).await.expect_err(name);
        writeln!(told, "{name}: {}\n", error.report()).unwrap();
    }
    let dir = corpus.dir.path().display().to_string();
    insta::assert_snapshot!(told.replace(&dir, "DIR"));
    assert_eq!(corpus.texts("SELECT count(*)::text FROM {raw}.orders").await, ["0"]);
    assert_eq!(corpus.texts("SELECT count(*)::text FROM {raw}.rejected_rows").await, ["0"]);
}

#[tokio::test]
async fn bad_rows_are_kept_aside_and_good_ones_load() {
    let corpus = Corpus::new().await;
    let mut cases: Vec<(String, Vec<u8>)> = Vec::new();
    let mut add = |name: &str, rows: Vec<u8>| cases.push((name.to_owned(), rows));
    add("nul_byte", beside(&[Row { customer: "C\0X", ..ROW }]));
    for (name, bytes) in
        [("latin1", &b"S\xe3o"[..]), ("surrogate", b"\xed\xa0\x80"), ("overlong", b"\xc0\xaf"), ("half", b"\xe2\x82")]
    {
        let text = Row { id: "2", region: "@", ..ROW }.text().into_bytes();
        let place = text.iter().position(|byte| *byte == b'@').unwrap();
        add(name, [beside(&[]), text[..place].to_vec(), bytes.to_vec(), text[place + 1..].to_vec()].concat());
    }
    add("ragged", [beside(&[]), b"2,2023-01-01,C2\n".to_vec()].concat());
    add("copy_end_marker", [beside(&[]), b"\\.\n".to_vec()].concat());
    let prices = [
        ("nan", "NaN"),
        ("inf", "Infinity"),
        ("neginf", "-inf"),
        ("hex", "0x1F"),
        ("exp", "1e400"),
        ("comma_decimal", "\"12,50\""),
        ("currency", "$12"),
        ("empty", ""),
        ("na", "Not Available"),
        ("unknown", "unknown"),
    ];
    for (name, price) in prices {
        add(&format!("amount_{name}"), beside(&[Row { price, ..ROW }]));
    }
    add("qty_overflow", beside(&[Row { quantity: "99999999999999999999", ..ROW }]));
    let dates = [
        ("year9999", "9999-12-31"),
        ("year1", "0001-01-01"),
        ("future", "2099-01-01"),
        ("feb30", "2023-02-30"),
        ("us", "03/01/2023"),
        ("text", "yesterday"),
        ("infinity", "infinity"),
        ("dst_gap", "2023-03-12 02:30:00 America/New_York"),
    ];
    for (name, date) in dates {
        add(&format!("date_{name}"), beside(&[Row { date, ..ROW }]));
    }
    let long = "x".repeat(8 << 20);
    add("wide_field", beside(&[Row { region: &long, ..ROW }]));
    for (name, content) in &cases {
        let report = corpus.load(name, content).await.unwrap_or_else(|e| panic!("{name}: {}", e.report()));
        assert_eq!(
            (report.counts.rows_read, report.counts.rows_loaded, report.counts.rows_rejected),
            (2, 1, 1),
            "{name}"
        );
    }
    let told = "SELECT concat_ws(': ', source, line, column_name, regexp_replace(reason, 'and \\d{4}-\\d\\d-\\d\\d', 'and TODAY')) \
        FROM {raw}.rejected_rows ORDER BY load_id";
    insta::assert_snapshot!(corpus.texts(told).await.join("\n"));
    let longest = corpus.texts("SELECT max(length(raw_text))::text FROM {raw}.rejected_rows").await;
    assert_eq!(longest, ["2003"], "two thousand characters and three points");
}

#[tokio::test]
async fn legal_files_load_as_they_are() {
    let corpus = Corpus::new().await;
    let good = good();
    let columns = |change: fn(usize, Vec<&str>) -> Vec<&str>| -> String {
        good.lines().enumerate().map(|(i, line)| change(i, line.split(',').collect()).join(",") + "\n").collect()
    };
    for (name, content) in [
        ("good", good.clone()),
        ("good_crlf", good.replace('\n', "\r\n")),
        ("good_bom", format!("\u{feff}{good}")),
        ("good_no_final_newline", good.trim_end().to_owned()),
        (
            "extra_column",
            columns(|i, mut cells| {
                cells.push(if i == 0 { "note" } else { "x" });
                cells
            }),
        ),
        (
            "reordered",
            columns(|_, mut cells| {
                cells.reverse();
                cells
            }),
        ),
    ] {
        let report = corpus.load(name, content.as_bytes()).await.unwrap_or_else(|e| panic!("{name}: {}", e.report()));
        assert_eq!((report.counts.rows_loaded, report.counts.rows_rejected), (400, 0), "{name}");
        let content = format!(
            "SELECT md5(string_agg(concat_ws('|', order_id, ordered_at, customer_id, country, quantity, unit_price), ' ' \
             ORDER BY order_id)) FROM {{raw}}.orders WHERE source IN ('good', '{name}') GROUP BY source"
        );
        let digests = corpus.texts(&content).await;
        assert_eq!(digests.first(), digests.last(), "{name} has the rows of the good file");
    }
    for (name, price) in [
        ("zero", "0"),
        ("negative", "-15.5"),
        ("huge", "1000000000000"),
        ("tiny", "0.0000001"),
        ("decimals", "12.345678901234567890"),
    ] {
        corpus.load(name, &beside(&[Row { price, ..ROW }])).await.unwrap();
        let kept = format!("SELECT unit_price::text FROM {{raw}}.orders WHERE source = '{name}' AND order_id = '2'");
        assert_eq!(corpus.texts(&kept).await, [price]);
    }
    let large: String = (0..50)
        .map(|i| Row { id: &i.to_string(), price: &"9".repeat(15), quantity: "999999999", ..ROW }.text())
        .collect();
    corpus.load("sum_overflow", (HEADER.to_owned() + &large).as_bytes()).await.unwrap();
    let sum =
        corpus.texts("SELECT sum(quantity * unit_price)::text FROM {raw}.orders WHERE source = 'sum_overflow'").await;
    assert_eq!(sum, [(999_999_999_999_999_i128 * 999_999_999 * 50).to_string()]);
    corpus
        .load("quoted_newline", (HEADER.to_owned() + &Row { region: "\"We\nst\"", ..ROW }.text()).as_bytes())
        .await
        .unwrap();
    assert_eq!(corpus.texts("SELECT country FROM {raw}.orders WHERE source = 'quoted_newline'").await, ["We\nst"]);
}

#[tokio::test]
async fn values_are_stored_byte_for_byte_and_never_executed() {
    let corpus = Corpus::new().await;
    let long = "a".repeat(63) + "b";
    let values = [
        "Zo\u{eb}",
        "Zoe\u{308}",
        "\u{5ba2}\u{6237}-1",
        "\u{1f600}",
        "\u{202e}abc",
        "A\u{200b}B",
        " C1",
        "C1 ",
        "c1",
        "\u{212a}1",
        "K1",
        "'; drop table mart.rfm; --",
        "$$; select pg_sleep(9); --",
        "\\'; --",
        "{{ 7*7 }}",
        "{% for i in range(9) %}x{% endfor %}",
        "%s %d {0}",
        "\\copy x from '/etc/passwd'",
        "\\.",
        "<script>alert(1)</script>",
        "../../etc/passwd",
        &long,
        "=1+1",
        "+1",
        "-1",
        "@SUM(A1)",
        "\t=1",
        "\r=1",
        "=cmd|' /C calc'!A0",
        "\u{ff1d}1+1",
    ];
    let rows = values.iter().enumerate().map(|(i, value)| {
        let quoted = format!("\"{}\"", value.replace('"', "\"\""));
        Row { id: &format!("{i:02}"), customer: &quoted, ..ROW }.text()
    });
    let content = HEADER.to_owned() + &rows.collect::<String>();
    let report = corpus.load("values", content.as_bytes()).await.unwrap();
    assert_eq!(report.counts.rows_loaded, values.len() as i64);
    assert_eq!(corpus.texts("SELECT customer_id FROM {raw}.orders ORDER BY order_id").await, values);
}

#[tokio::test]
async fn an_order_that_stands_twice_counts_once_or_is_kept_aside_with_both_lines() {
    let corpus = Corpus::new().await;
    // A row an order: each is the first line of its order, so that a second one is a contradiction or the same again.
    let a_row_an_order = "    line = { constant = 1 }\n";
    let other = Row { price: "99", ..ROW };
    let third = Row { id: "3", ..ROW }.text();
    for (name, second, expected) in [("same", ROW, (2, 1, 0)), ("conflict", other, (1, 0, 2))] {
        let content = [HEADER, &ROW.text(), &second.text(), &third].concat();
        let report = corpus.load_by(name, content.as_bytes(), &(MAPPING.to_owned() + a_row_an_order)).await.unwrap();
        let counts = report.counts;
        assert_eq!((counts.rows_loaded, counts.rows_duplicate, counts.rows_rejected), expected, "{name}");
    }
    let told = "SELECT concat_ws(': ', line, reason) FROM {raw}.rejected_rows ORDER BY line";
    let reason = "lines 2, 3 have the same order_id and line and other content";
    assert_eq!(corpus.texts(told).await, [format!("2: {reason}"), format!("3: {reason}")]);
}

#[tokio::test]
async fn a_file_whose_only_row_is_bad_is_refused_whole() {
    let corpus = Corpus::new().await;
    let row = Row { quantity: "99999999999999999999", ..ROW }.text();
    let error = corpus.load("only", [HEADER, &row].concat().as_bytes()).await.unwrap_err();
    assert_eq!(error.message, "no row of file \"only.csv\" fits mapping \"only\" because of column \"quantity\"");
    assert_eq!(corpus.texts("SELECT count(*)::text FROM {raw}.rejected_rows").await, ["0"]);
}
