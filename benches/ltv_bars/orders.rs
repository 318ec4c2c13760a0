//! Order lines of the bundled data sets, added up to days of each customer.

use chrono::{NaiveDate, NaiveDateTime};
use flate2::read::GzDecoder;
use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::io::Read;

/// What one customer did on one day.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Day {
    /// Days since 1970-01-01.
    pub day: i64,
    /// Orders, returns not among them; a day without one is no purchase.
    pub orders: f64,
    /// Net revenue.
    pub value: f64,
    /// What came back, positive.
    pub returned: f64,
    /// Units sold.
    pub units: f64,
}

/// Days of each customer, in order of time.
pub type Shop = BTreeMap<String, Vec<Day>>;

/// An order or a return, which is all lines of one number.
#[derive(Clone, Copy, Default)]
struct Header {
    day: i64,
    value: f64,
    units: f64,
}

/// Days since 1970-01-01.
pub fn day_of(date: NaiveDate) -> i64 {
    (date - NaiveDate::default()).num_days()
}

/// The day of `yyyy-mm-dd`.
pub fn day(text: &str) -> Result<i64, Box<dyn Error>> {
    Ok(day_of(text.parse()?))
}

/// First and last day with an order or a return.
pub fn span(shop: &Shop) -> Option<(i64, i64)> {
    let days = || shop.values().flatten().map(|day| day.day);
    Some((days().min()?, days().max()?))
}

/// All of CDNOW: every line is an order, orders of nothing count.
pub fn cdnow(root: &str) -> Result<Shop, Box<dyn Error>> {
    let mut shop: BTreeMap<String, BTreeMap<i64, Day>> = BTreeMap::new();
    for line in text_of(&format!("{root}/seeds/demo/CDNOW_master.txt.gz"))?.lines().skip(1) {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let [id, date, units, dollars] = fields[..] else { return Err(format!("a line of CDNOW: {line}").into()) };
        let day = day_of(NaiveDate::parse_from_str(date, "%Y%m%d")?);
        let of_day = shop.entry(id.into()).or_default().entry(day).or_default();
        of_day.day = day;
        of_day.orders += 1.0;
        of_day.units += units.parse::<f64>()?;
        of_day.value += dollars.parse::<f64>()?;
    }
    Ok(in_order(shop))
}

/// The tenth of `all` that the papers use.
pub fn cdnow_sample(root: &str, all: &Shop) -> Result<Shop, Box<dyn Error>> {
    let ids = std::fs::read_to_string(format!("{root}/tests/fixtures/cdnow_sample_master_ids.txt"))?;
    let ids: BTreeSet<&str> = ids.split_whitespace().collect();
    Ok(all.iter().filter(|(id, _)| ids.contains(id.as_str())).map(|(id, days)| (id.clone(), days.clone())).collect())
}

/// Online Retail by the rules of `stg_orders` and `stg_returns`: known customers; sold at a price above 0, or brought back.
pub fn online_retail(root: &str) -> Result<Shop, Box<dyn Error>> {
    let text = text_of(&format!("{root}/seeds/demo/online_retail.csv.gz"))?;
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let mut headers: BTreeMap<(String, String, bool), Header> = BTreeMap::new();
    for record in reader.records() {
        let record = record?;
        let field = |place: usize| record.get(place).unwrap_or_default();
        let customer = field(6).strip_suffix(".0").unwrap_or(field(6));
        let (units, price): (f64, f64) = (field(3).parse()?, field(5).parse()?);
        let is_return = units < 0.0;
        if customer.is_empty() || units == 0.0 || price < 0.0 || (price == 0.0 && !is_return) {
            continue;
        }
        let day = day_of(NaiveDateTime::parse_from_str(field(4), "%Y-%m-%d %H:%M:%S")?.date());
        let header = headers.entry((customer.into(), field(0).into(), is_return)).or_default();
        // An order stands where its first line does.
        header.day = if header.day == 0 { day } else { header.day.min(day) };
        header.value += units * price;
        header.units += units;
    }
    let mut shop: BTreeMap<String, BTreeMap<i64, Day>> = BTreeMap::new();
    for ((customer, _, is_return), header) in headers {
        let of_day = shop.entry(customer).or_default().entry(header.day).or_default();
        of_day.day = header.day;
        of_day.value += header.value;
        match is_return {
            true => of_day.returned -= header.value,
            false => {
                of_day.orders += 1.0;
                of_day.units += header.units;
            }
        }
    }
    Ok(in_order(shop))
}

fn in_order(shop: BTreeMap<String, BTreeMap<i64, Day>>) -> Shop {
    shop.into_iter().map(|(customer, days)| (customer, days.into_values().collect())).collect()
}

fn text_of(file: &str) -> Result<String, Box<dyn Error>> {
    let mut text = String::new();
    GzDecoder::new(std::fs::File::open(file)?).read_to_string(&mut text)?;
    Ok(text)
}
