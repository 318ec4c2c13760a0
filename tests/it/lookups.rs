//! Exports that are spread over files: rows that find by a key what other files say of them.

use crate::harness::Database;
use crate::shop;
use quintile::error::Error;
use quintile::ingest::{IngestRequest, LoadReport, ingest};
use quintile::warehouse::Warehouse;

const ITEMS: &str = "order_id,order_item_id,product_id,seller_id,shipping_limit_date,price,freight_value\n\
    o1,1,p1,s,2017-01-09 10:00:00,10.50,1\no1,2,p2,s,2017-01-09 10:00:00,3.00,1\no2,1,p1,s,2017-01-09 10:00:00,7.25,1\n\
    o9,1,p1,s,2017-01-09 10:00:00,1.00,1\n";
const ORDERS: &str = "order_id,customer_id,order_status,order_purchase_timestamp\n\
    o2,c2,delivered,2017-02-01 09:00:00\no1,c1,delivered,2017-01-01 23:30:00\no3,c3,canceled,2017-03-01 09:00:00\n";
const CUSTOMERS: &str = "customer_id,customer_unique_id,customer_zip_code_prefix,customer_city,customer_state\n\
    c1,Ann,01310,a,SP\nc2,Ann,01310,a,SP\nc3,Bob,01310,a,RJ\n";

struct Olist {
    warehouse: Warehouse,
    _database: Database,
    dir: tempfile::TempDir,
}

impl Olist {
    async fn new() -> Olist {
        let database = Database::new().await;
        let olist =
            Olist { warehouse: database.warehouse().await, _database: database, dir: tempfile::tempdir().unwrap() };
        olist.write("olist_orders_dataset.csv", ORDERS);
        olist.write("olist_customers_dataset.csv", CUSTOMERS);
        olist
    }

    fn write(&self, name: &str, content: &str) {
        std::fs::write(self.dir.path().join(name), content).unwrap();
    }

    async fn load(&self) -> Result<LoadReport, Error> {
        let request = IngestRequest {
            file: self.dir.path().join("olist_order_items_dataset.csv"),
            source: "olist_orders".into(),
            mapping_dir: shop::project_folder().join("config/sources"),
            ..IngestRequest::default()
        };
        ingest(&self.warehouse, &request, &mut |_| {}).await
    }

    async fn rows(&self) -> String {
        let told = "SELECT string_agg(concat_ws('|', order_id, line, customer_id, ordered_at AT TIME ZONE 'America/Sao_Paulo', \
            unit_price, id_is_synthetic), ' ' ORDER BY order_id, line) FROM raw.orders";
        shop::value(&self.warehouse, told).await
    }
}

#[tokio::test]
async fn rows_take_what_other_files_say_by_a_key_and_by_the_key_that_gave() {
    let olist = Olist::new().await;
    olist.write("olist_order_items_dataset.csv", ITEMS);
    let report = olist.load().await.unwrap();
    assert_eq!((report.counts.rows_read, report.counts.rows_loaded, report.counts.rows_rejected), (4, 3, 1));
    let expected =
        "o1|1|Ann|2017-01-01 23:30:00|10.50|f o1|2|Ann|2017-01-01 23:30:00|3.00|f o2|1|Ann|2017-02-01 09:00:00|7.25|f";
    assert_eq!(olist.rows().await, expected);
    // What no file says is a value that is missing; the text kept is the file's own.
    let rejected =
        "SELECT string_agg(concat_ws(': ', line, column_name, reason, raw_text), ' ') FROM raw.rejected_rows";
    let expected = "5: order_purchase_timestamp: the value is missing: o9,1,p1,s,2017-01-09 10:00:00,1.00,1";
    assert_eq!(shop::value(&olist.warehouse, rejected).await, expected);
    assert!(olist.load().await.unwrap().is_unchanged);
    // Another word of another file makes other rows of the same one.
    olist.write("olist_customers_dataset.csv", &CUSTOMERS.replace("c2,Ann", "c2,Cid"));
    let report = olist.load().await.unwrap();
    assert_eq!((report.counts.rows_updated, report.counts.rows_unchanged), (1, 2));
    assert!(olist.rows().await.contains("o2|1|Cid|"));
}

#[tokio::test]
async fn rows_of_a_wrong_length_are_no_rows_with_what_was_looked_up() {
    let olist = Olist::new().await;
    // As long as a widened row, and shorter.
    olist.write("olist_order_items_dataset.csv", &format!("{ITEMS}o2,2,p,s,d,1,1,c,2017-01-01 00:00:00,x,y\no2,3\n"));
    let report = olist.load().await.unwrap();
    assert_eq!((report.counts.rows_loaded, report.counts.rows_rejected), (3, 3));
}

#[tokio::test]
async fn files_that_cannot_be_looked_up_are_told_and_nothing_is_loaded() {
    let olist = Olist::new().await;
    olist.write("olist_order_items_dataset.csv", ITEMS);
    let mut told = String::new();
    for (name, content) in [
        ("olist_orders_dataset.csv", format!("{ORDERS}o1,c2,delivered,2017-01-01 23:30:00\n")),
        ("olist_orders_dataset.csv", format!("{ORDERS}o4,c4\no5,c5,delivered,2017-01-01 23:30:00\n")),
        ("olist_orders_dataset.csv", format!("{ORDERS}o4,c4")),
        ("olist_orders_dataset.csv", ORDERS.replace("customer_id", "customer")),
        ("olist_customers_dataset.csv", CUSTOMERS.replace("customer_id", "id")),
        ("olist_customers_dataset.csv", String::new()),
    ] {
        olist.write(name, &content);
        told += &format!("{}\n\n", olist.load().await.unwrap_err().report());
        olist.write("olist_orders_dataset.csv", ORDERS);
        olist.write("olist_customers_dataset.csv", CUSTOMERS);
    }
    std::fs::remove_file(olist.dir.path().join("olist_customers_dataset.csv")).unwrap();
    told += &olist.load().await.unwrap_err().report();
    insta::assert_snapshot!(told.replace(&olist.dir.path().display().to_string(), "DIR"));
    assert_eq!(olist.rows().await, "");
}
