//! The shipped mappings: each reads the columns that its source documents, and the real files come out in full.
//!
//! Set `QUINTILE_TEST_DATA` to a folder with `superstore.csv.gz`, `retail_orders.csv`, `online_retail.csv.gz` and
//! `CDNOW_master.txt.gz` to load them whole.

use crate::harness::Database;
use crate::shop;
use quintile::error::Error;
use quintile::ingest::mapping::{Mapping, available};
use quintile::ingest::{IngestRequest, LoadReport, ingest};
use quintile::warehouse::Warehouse;
use std::path::{Path, PathBuf};

struct Sources {
    warehouse: Warehouse,
    _database: Database,
    dir: tempfile::TempDir,
}

impl Sources {
    async fn new() -> Sources {
        let database = Database::new().await;
        Sources { warehouse: database.warehouse().await, _database: database, dir: tempfile::tempdir().unwrap() }
    }

    fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.dir.path().join(name);
        std::fs::write(&path, content).unwrap();
        path
    }

    async fn load_by(&self, file: PathBuf, source: &str, mapping_dir: PathBuf) -> Result<LoadReport, Error> {
        let request = IngestRequest { file, source: source.into(), mapping_dir, ..IngestRequest::default() };
        ingest(&self.warehouse, &request, &mut |_| {}).await
    }

    /// Loads by a shipped mapping; every row must fit.
    async fn load(&self, file: PathBuf, source: &str) -> i64 {
        let report = self.load_by(file, source, shop::project_folder().join("config/sources")).await;
        let report = report.unwrap_or_else(|e| panic!("{source}: {}", e.report()));
        assert_eq!(report.counts.rows_rejected, 0, "{source}");
        report.counts.rows_loaded
    }

    /// The first column of the first row of a SELECT, as text.
    async fn value(&self, sql: &str) -> String {
        let sql = sql.replace("{raw}", &self.warehouse.schemas.raw);
        let client = self.warehouse.client().await.unwrap();
        client.query_one(&sql, &[]).await.unwrap().get(0)
    }
}

/// A source, its documented header, a row of its shape, and what becomes of it.
const SHAPES: [(&str, &str, &str, &str, &str); 8] = [
    (
        "superstore",
        "Row ID,Order ID,Order Date,Ship Date,Ship Mode,Customer ID,Customer Name,Segment,Country,City,State,Postal Code,Region,Product ID,Category,Sub-Category,Product Name,Sales,Quantity,Discount,Profit",
        "1,CA-1,11/8/2016,11/11/2016,Second Class,CG-1,Zoë,Consumer,United States,A,B,01420,South,P-1,Furniture,Chairs,\"Chair, blue\",73.5,3,0.2,-1.5",
        "SELECT concat_ws('|', order_id, line, customer_id, ordered_at AT TIME ZONE 'UTC', product_id, description, quantity, unit_price, discount, unit_cost, currency) FROM {raw}.orders WHERE source = 'superstore'",
        "CA-1|1|CG-1|2016-11-08 00:00:00|P-1|Chair, blue|3|24.5|0|25|USD",
    ),
    (
        "online_retail_ii",
        "Invoice,StockCode,Description,Quantity,InvoiceDate,Price,Customer ID,Country",
        "C489434,85048,\"LIGHTS, 15CM\",-12,2009-12-01 07:45:00,6.95,13085.0,United Kingdom",
        "SELECT concat_ws('|', order_id, customer_id, ordered_at AT TIME ZONE 'UTC', quantity, unit_price, country) FROM {raw}.orders WHERE source = 'online_retail_ii'",
        "C489434|13085|2009-12-01 07:45:00|-12|6.95|United Kingdom",
    ),
    (
        "retail_transactions",
        "TransactionID,CustomerID,TransactionDate,ProductCategory,Amount,Quantity,PaymentMethod,TotalAmount",
        "1,7,2025-02-21 20:13:33.101137,Books,190.02,3,PayPal,570.0600000000001",
        "SELECT concat_ws('|', order_id, customer_id, ordered_at AT TIME ZONE 'UTC', category, quantity, unit_price) FROM {raw}.orders WHERE source = 'retail_transactions'",
        "1|7|2025-02-21 20:13:33.101137|Books|3|190.02",
    ),
    (
        "shopify_orders",
        "Name,Email,Financial Status,Currency,Created at,Lineitem quantity,Lineitem name,Lineitem price,Lineitem sku",
        "#1001,a@example.org,paid,EUR,2025-10-07 09:50:26 +0200,3,Mask,34.90,\n#1001,a@example.org,,,2025-10-07 09:50:26 +0200,1,Soap,5.00,S-1",
        "SELECT string_agg(concat_ws('|', order_id, line, customer_id, ordered_at AT TIME ZONE 'UTC', description, quantity, unit_price), ' ' ORDER BY line) FROM {raw}.orders WHERE source = 'shopify_orders'",
        "#1001|1|a@example.org|2025-10-07 07:50:26|Mask|3|34.90 #1001|2|a@example.org|2025-10-07 07:50:26|Soap|1|5.00",
    ),
    (
        "woocommerce_orders",
        "order_id,order_number,order_date,status,discount_total,order_total,order_subtotal,order_currency,customer_id,customer_email",
        "17,W-17,9/6/2016 6:29:00,completed,2.50,33.00,30.00,GBP,0,b@example.org",
        "SELECT concat_ws('|', order_id, customer_id, ordered_at AT TIME ZONE 'UTC', quantity, unit_price, currency) FROM {raw}.orders WHERE source = 'woocommerce_orders'",
        "W-17|b@example.org|2016-09-06 06:29:00|1|27.5|GBP",
    ),
    (
        "retail_customers",
        "CustomerID,Gender,Age,Annual_Income_k,Spending_Score_1_100",
        "1,Male,39,67.155,18",
        "SELECT concat_ws('|', customer_id, gender) FROM {raw}.customers WHERE source = 'retail_customers'",
        "1|male",
    ),
    (
        "ecommerce_customers",
        "customer_id,customer_unique_id,customer_zip_code_prefix,customer_city,customer_state",
        "C1,U1,01420,São Paulo,SP",
        "SELECT concat_ws('|', customer_id, city, region, country, postal_code) FROM {raw}.customers WHERE source = 'ecommerce_customers'",
        "C1|São Paulo|SP|BR|01420",
    ),
    (
        "retail_orders",
        "Order Id,Order Date,Ship Mode,Segment,Country,City,State,Postal Code,Region,Category,Sub Category,Product Id,cost price,List Price,Quantity,Discount Percent",
        "1,2023-03-01,Not Available,Consumer,United States,A,B,42420,South,Furniture,Chairs,P-1,240,260,2,2",
        "SELECT concat_ws('|', order_id, id_is_synthetic, channel, unit_price, discount) FROM {raw}.orders WHERE source = 'retail_orders'",
        "1|t|260|0.02",
    ),
];

#[test]
fn every_shipped_mapping_is_right() {
    let dir = shop::project_folder().join("config/sources");
    let names = available(&dir);
    for (source, ..) in SHAPES {
        assert!(names.contains(&source.to_owned()), "{source} of {names:?}");
    }
    for name in names {
        if let Err(error) = Mapping::load(&dir, &name) {
            panic!("{}", error.report());
        }
    }
}

#[tokio::test]
async fn documented_columns_become_canonical_rows() {
    let sources = Sources::new().await;
    for (source, header, row, sql, expected) in SHAPES {
        let file = sources.write(&format!("{source}.csv"), format!("{header}\n{row}\n"));
        sources.load(file, source).await;
        assert_eq!(sources.value(sql).await, expected, "{source}");
    }
}

/// The two spellings under which copies of Online Retail go round.
const SPELLINGS: [&str; 2] = [
    "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country",
    "Invoice,StockCode,Description,Quantity,InvoiceDate,Price,Customer ID,Country",
];

#[tokio::test]
async fn one_mapping_reads_both_spellings_of_online_retail() {
    let sources = Sources::new().await;
    for source in ["online_retail", "online_retail_ii"] {
        for (number, header) in SPELLINGS.into_iter().enumerate() {
            let row = format!("53636{number},85123A,LIGHT,6,2010-12-01 08:26:00,2.55,17850.0,United Kingdom");
            let file = sources.write(&format!("{source}-{number}.csv"), format!("{header}\n{row}\n"));
            assert_eq!(sources.load(file, source).await, 1, "{source}: {header}");
        }
        let told = format!(
            "SELECT string_agg(concat_ws('|', order_id, customer_id, unit_price), ' ' ORDER BY order_id) FROM {{raw}}.orders WHERE source = '{source}'"
        );
        assert_eq!(sources.value(&told).await, "536360|17850|2.55 536361|17850|2.55");
    }
    let both = sources.write("both.csv", format!("{},Invoice\n", SPELLINGS[0]));
    let error =
        sources.load_by(both, "online_retail", shop::project_folder().join("config/sources")).await.unwrap_err();
    assert!(
        error.report().contains("Columns \"InvoiceNo\" and \"Invoice\" both stand in the header"),
        "{}",
        error.report()
    );
}

/// The mapping of retail_orders by the rule of the project that made its customers up first.
fn by_hashtext() -> String {
    let own = std::fs::read_to_string(shop::project_folder().join("config/sources/retail_orders.toml")).unwrap();
    own.replace("[synthetic_customer]\n", "[synthetic_customer]\nrule = \"hashtext\"\n")
}

#[tokio::test]
async fn customers_by_hashtext_are_those_that_the_server_makes_up() {
    let sources = Sources::new().await;
    sources.write("hashed.toml", by_hashtext());
    // Ids of every length, so that each way to fill the last block of the hash comes up.
    let ids = (1..=400).map(|n| format!("{n}{}", "\u{e9}x".repeat(n % 13)));
    let rows: String = ids.map(|id| format!("{id},2023-03-01,,C,,,A,B,1,S,F,P-1,240,260,2,2\n")).collect();
    let header = SHAPES.iter().find(|shape| shape.0 == "retail_orders").unwrap().1;
    let header = header.replace("Ship Mode,Segment", "Ship Mode,Other,Segment").replace("Region,Category", "Category");
    let file = sources.write("orders.csv", format!("{header}\n{rows}"));
    let report = sources.load_by(file, "hashed", sources.dir.path().into()).await.unwrap();
    assert_eq!((report.counts.rows_loaded, report.counts.rows_rejected), (400, 0));
    let told = "SELECT concat_ws('|', count(DISTINCT customer_id) > 300, bool_and(id_is_synthetic), \
        bool_and(customer_id = (abs(hashtext(order_id) % 1000) + 1)::text)) FROM {raw}.orders";
    assert_eq!(sources.value(told).await, "t|t|t");
}

const LENDING: &str = r#"
    [defaults]
    currency = "EUR"
    [columns]
    order_id = "id"
    ordered_at = "day"
    quantity = "units"
    unit_price = "price"
    [lent_customer]
    file = "lender.csv"
    column = "who"
    delimiter = ";"
"#;

#[tokio::test]
async fn customers_are_lent_row_by_row_and_said_to_be() {
    let sources = Sources::new().await;
    sources.write("lending.toml", LENDING);
    let file =
        sources.write("orders.csv", "id,day,units,price\n1,2023-01-01,1,2\n2,2023-01-02,x,2\n3,2023-01-03,1,2\n");
    let load = || sources.load_by(file.clone(), "lending", sources.dir.path().into());
    sources.write("lender.csv", "n;who\n1;Ann\n2;Bob\n3;\n");
    let report = load().await.unwrap();
    assert_eq!((report.counts.rows_loaded, report.counts.rows_rejected), (2, 1));
    let told = "SELECT string_agg(concat_ws('|', order_id, customer_id, id_is_synthetic), ' ' ORDER BY order_id) FROM {raw}.orders";
    assert_eq!(sources.value(told).await, "1|Ann|t 3|t");
    // Other customers lent make other rows of the same file.
    sources.write("lender.csv", "n;who\n1;Ann\n2;Bob\n3;Cid\n");
    load().await.unwrap();
    assert_eq!(sources.value(told).await, "1|Ann|t 3|Cid|t");
    for rows in ["n;who\n1;Ann\n", "n;who\n1;Ann\n2;B\n3;C\n4;D\n"] {
        sources.write("lender.csv", rows);
        assert!(load().await.unwrap_err().message.ends_with("does not correspond to file \"orders.csv\""));
    }
    sources.write("lender.csv", "n;whom\n1;Ann\n");
    assert_eq!(load().await.unwrap_err().message, "file \"lender.csv\" has no column \"who\" to lend");
}

#[tokio::test]
async fn packings_and_encodings_of_one_text_give_the_same_rows() {
    let sources = Sources::new().await;
    let mapping = LENDING.split("[lent_customer]").next().unwrap().to_owned() + "customer_id = \"who\"\n";
    let text = "id,day,units,price,who\n1,2023-01-01,1,2,José\n2,2023-01-02,3,4,Zoë\n";
    let latin: Vec<u8> = text.chars().map(|c| u8::try_from(u32::from(c)).unwrap()).collect();
    let wide: Vec<u8> = "\u{feff}".encode_utf16().chain(text.encode_utf16()).flat_map(u16::to_be_bytes).collect();
    for (name, encoding, bytes) in [
        ("plain", "utf-8", text.as_bytes().to_vec()),
        ("zstd", "utf-8", zstd::encode_all(text.as_bytes(), 3).unwrap()),
        ("latin", "latin-1", latin),
        ("wide", "utf-16", wide),
    ] {
        sources.write(&format!("{name}.toml"), format!("[file]\nencoding = \"{encoding}\"\n{mapping}"));
        let file = sources.write(&format!("{name}.csv"), bytes);
        let report = sources.load_by(file, name, sources.dir.path().into()).await.unwrap();
        assert_eq!((report.counts.rows_loaded, report.counts.rows_rejected), (2, 0), "{name}");
        let names = format!(
            "SELECT string_agg(customer_id, ' ' ORDER BY order_id) FROM {{raw}}.orders WHERE source = '{name}'"
        );
        assert_eq!(sources.value(&names).await, "José Zoë", "{name}");
    }
}

/// The counts of the data sets, where the folder with them is at hand.
#[tokio::test(flavor = "multi_thread")]
async fn real_files_load_with_their_published_counts() {
    let Some(folder) = std::env::var_os("QUINTILE_TEST_DATA") else { return };
    let sources = Sources::new().await;
    let file = |name: &str| Path::new(&folder).join(name);
    assert_eq!(sources.load(file("superstore.csv.gz"), "superstore").await, 9_994);
    let facts = "SELECT concat_ws('|', count(DISTINCT order_id), count(DISTINCT customer_id), round(sum(quantity * unit_price), 4), \
        round(sum(quantity * (unit_price - unit_cost)), 4), min(ordered_at)::date, max(ordered_at)::date, \
        count(*) FILTER (WHERE unit_price < unit_cost)) FROM {raw}.orders WHERE source = 'superstore'";
    assert_eq!(sources.value(facts).await, "5009|793|2297200.8603|286397.0217|2014-01-03|2017-12-30|1871");
    assert_eq!(sources.load(file("retail_orders.csv"), "retail_orders").await, 9_994);
    let facts = "SELECT concat_ws('|', sum(unit_price * (1 - discount))::numeric(20, 2), \
        sum(quantity * unit_price * (1 - discount))::numeric(20, 2), count(*) FILTER (WHERE channel IS NULL), \
        count(*) FILTER (WHERE unit_price * (1 - discount) < unit_cost), bool_and(id_is_synthetic)) \
        FROM {raw}.orders WHERE source = 'retail_orders'";
    assert_eq!(sources.value(facts).await, "2215858.70|11079328.20|6|3997|t");
    assert_eq!(sources.load(file("online_retail.csv.gz"), "online_retail").await, 541_909);
    let facts = "SELECT concat_ws('|', count(DISTINCT order_id), count(DISTINCT customer_id), \
        count(*) FILTER (WHERE customer_id IS NULL), count(*) FILTER (WHERE quantity < 0), \
        count(*) FILTER (WHERE unit_price = 0), sum(quantity * unit_price)) FROM {raw}.orders WHERE source = 'online_retail'";
    assert_eq!(sources.value(facts).await, "25900|4372|135080|10624|2515|9747747.934");
    let bought = "SELECT concat_ws('|', count(*), count(DISTINCT customer_id), count(DISTINCT order_id)) FROM {raw}.orders \
        WHERE source = 'online_retail' AND customer_id IS NOT NULL AND quantity > 0 AND unit_price > 0";
    assert_eq!(sources.value(bought).await, "397884|4338|18532");
    assert_eq!(sources.load(file("CDNOW_master.txt.gz"), "cdnow").await, 69_659);
    let facts = "SELECT concat_ws('|', count(DISTINCT customer_id), sum(unit_price), sum(description::int), \
        count(*) FILTER (WHERE unit_price = 0)) FROM {raw}.orders WHERE source = 'cdnow'";
    assert_eq!(sources.value(facts).await, "23570|2500315.63|167881|80");
    // The superstore lends its customers to the file that was made from it.
    let own = std::fs::read_to_string(shop::project_folder().join("config/sources/retail_orders.toml")).unwrap();
    let (kept, _) = own.split_once("[synthetic_customer]\n").unwrap();
    let lender = file("superstore.csv.gz");
    sources.write("lent.toml", format!("{kept}[lent_customer]\nfile = {lender:?}\ncolumn = \"Customer ID\"\n"));
    let report = sources.load_by(file("retail_orders.csv"), "lent", sources.dir.path().into()).await.unwrap();
    assert_eq!((report.counts.rows_loaded, report.counts.rows_rejected), (9_994, 0));
    let facts = "SELECT concat_ws('|', count(DISTINCT customer_id), bool_and(id_is_synthetic)) FROM {raw}.orders WHERE source = 'lent'";
    assert_eq!(sources.value(facts).await, "793|t");
    // Made up by its first rule, the customers are those of the project's own results, a few of which stand here:
    // customer, days since the last order, orders, profit.
    sources.write("hashed.toml", by_hashtext());
    sources.load_by(file("retail_orders.csv"), "hashed", sources.dir.path().into()).await.unwrap();
    let facts = "WITH by_customer AS ( \
            SELECT customer_id, max(ordered_at)::date AS last_day, count(DISTINCT order_id) AS orders, \
                sum(quantity * (unit_price * (1 - discount) - unit_cost))::numeric(20, 1) AS profit \
            FROM {raw}.orders WHERE source = 'hashed' GROUP BY customer_id) \
        SELECT (SELECT count(*) || ': ' FROM by_customer) || string_agg(concat_ws('|', customer_id, \
            (SELECT max(last_day) FROM by_customer) - last_day, orders, profit), ' ' ORDER BY customer_id::int) \
        FROM by_customer WHERE customer_id IN ('1', '67', '155', '201', '969', '1000')";
    let expected =
        "1000: 1|152|12|2237.8 67|1|5|8481.0 155|28|14|18888.4 201|114|11|12147.6 969|6|8|21825.0 1000|85|10|671.7";
    assert_eq!(sources.value(facts).await, expected);
}
