//! The tables of a generated shop: columns of its files, and a row of each from the things of the shop.

use super::rows::{Kind, Rows, Table, column};
use crate::analytics::generate::{
    Basket, CHANNELS, CustomerTruth, Event, HORIZON_DAYS, Latent, Person, Product, SEGMENTS, Shop, place,
};
use chrono::Datelike;

const MONEY: Kind = Kind::Decimal(2);
/// Digits of the numbers in ids.
const CUSTOMER_DIGITS: usize = 7;
const ORDER_DIGITS: usize = 9;
const PRODUCT_DIGITS: usize = 5;

/// Order lines and returned lines, by time.
pub(super) static ORDERS: Table = Table {
    name: "orders",
    columns: &[
        column("order_id", Kind::Text),
        column("line", Kind::Integer),
        column("customer_id", Kind::Text),
        column("ordered_at", Kind::Instant),
        column("product_id", Kind::Text),
        column("category", Kind::Text),
        column("quantity", Kind::Integer),
        column("unit_price", MONEY),
        column("discount", Kind::Decimal(4)),
        column("unit_cost", MONEY),
        column("channel", Kind::Text),
        column("country", Kind::Text),
        column("currency", Kind::Text),
    ],
};

/// Customers, by the time of their first order.
pub(super) static CUSTOMERS: Table = Table {
    name: "customers",
    columns: &[
        column("customer_id", Kind::Text),
        column("email", Kind::Text),
        column("name", Kind::Text),
        column("phone", Kind::Text),
        column("birth_date", Kind::Date),
        column("gender", Kind::Text),
        column("city", Kind::Text),
        column("region", Kind::Text),
        column("country", Kind::Text),
        column("postal_code", Kind::Text),
        column("acquisition_channel", Kind::Text),
        column("acquisition_campaign_id", Kind::Text),
        column("signed_up_at", Kind::Instant),
        column("segment", Kind::Text),
        column("has_consent", Kind::Boolean),
    ],
};

/// Products, by price.
pub(super) static PRODUCTS: Table = Table {
    name: "products",
    columns: &[
        column("product_id", Kind::Text),
        column("name", Kind::Text),
        column("category", Kind::Text),
        column("subcategory", Kind::Text),
        column("brand", Kind::Text),
        column("unit_price", MONEY),
        column("unit_cost", MONEY),
        column("currency", Kind::Text),
    ],
};

/// The truth of each customer, in the order of the customers.
pub(super) static TRUTH_CUSTOMERS: Table = Table {
    name: "truth_customers",
    columns: &[
        column("customer_id", Kind::Text),
        column("latent_segment", Kind::Text),
        column("purchase_rate_per_week", Kind::Float),
        column("dropout", Kind::Float),
        column("nu", Kind::Float),
        column("mean_order_value", Kind::Float),
        column("acquired_at", Kind::Instant),
        column("dropped_out_at", Kind::Instant),
        column("is_alive", Kind::Boolean),
        column("repeat_purchases", Kind::Integer),
        column("expected_purchases_90d", Kind::Float),
        column("expected_purchases_180d", Kind::Float),
        column("expected_purchases_365d", Kind::Float),
        column("expected_value_90d", Kind::Float),
        column("expected_value_180d", Kind::Float),
        column("expected_value_365d", Kind::Float),
    ],
};

/// Instants of the calendar of a shop, as seconds from 1970.
pub(super) fn instant(shop: &Shop, second: u32) -> i64 {
    i64::from(shop.parameters().start.to_epoch_days()) * 86_400 + i64::from(second)
}

/// Id of the campaign that brought a customer: channel and year; nothing for a channel that costs nothing a head.
pub(super) fn acquisition_campaign(shop: &Shop, channel: usize, second: u32) -> Option<(usize, i32)> {
    let year = (shop.parameters().start + chrono::Days::new(u64::from(second / 86_400))).year();
    (CHANNELS[channel].cost > 0.0).then_some((channel, year))
}

/// Text of the id of an acquisition campaign.
pub(super) fn acquisition_id(channel: usize, year: i32) -> String {
    format!("{}-{year}", CHANNELS[channel].name)
}

/// Rows of an order or a return: one a line. `number` counts them by time, as shops do; a return has its own, and nothing
/// says which order it belongs to but customer, product and price.
pub(super) fn order_rows<R: Rows>(rows: &mut R, shop: &Shop, number: u32, event: &Event, basket: &mut Basket) {
    shop.fill(event, basket);
    let ordered_at = instant(shop, event.second);
    let is_guest = event.customer >= shop.parameters().customers;
    let (_, _, country, _) = place(event.place);
    for line in &basket.lines {
        let product = &shop.catalogue().products()[line.product];
        rows.id('O', ORDER_DIGITS, Some(number));
        rows.integer(line.number.into());
        rows.id('C', CUSTOMER_DIGITS, (!is_guest).then_some(event.customer + 1));
        rows.instant(Some(ordered_at));
        rows.id('P', PRODUCT_DIGITS, Some(product.number));
        rows.text(Some(product.category()));
        rows.integer(line.quantity);
        rows.integer(product.price_cents);
        rows.integer(line.discount);
        rows.integer(product.cost_cents);
        rows.text(Some(basket.channel));
        rows.text(Some(country));
        rows.text(Some(&shop.parameters().currency));
    }
}

/// The row of a customer.
pub(super) fn customer_row<R: Rows>(rows: &mut R, shop: &Shop, latent: &Latent, person: &Person) {
    let number = latent.customer + 1;
    let (city, region, country, postal) = place(person.place);
    let signed_up = shop.clock().second(latent.acquired);
    let campaign = acquisition_campaign(shop, person.channel, signed_up);
    rows.id('C', CUSTOMER_DIGITS, Some(number));
    rows.text(Some(&format!("customer{number}@example.com")));
    rows.text(Some(&format!("{} {}", person.first_name, person.last_name)));
    rows.text(person.phone.map(|digits| format!("+44 7700 900{digits:03}")).as_deref());
    rows.date(person.birth_day);
    rows.text(person.gender.map(crate::analytics::generate::Gender::name));
    rows.text(Some(city));
    rows.text(Some(region));
    rows.text(Some(country));
    rows.text(Some(&format!("{postal}{:03}", person.postal_digits)));
    rows.text(Some(CHANNELS[person.channel].name));
    rows.text(campaign.map(|(channel, year)| acquisition_id(channel, year)).as_deref());
    rows.instant(Some(instant(shop, signed_up)));
    rows.text(Some(if person.is_business { "business" } else { "private" }));
    rows.boolean(latent.has_consent);
}

/// The row of a product.
pub(super) fn product_row<R: Rows>(rows: &mut R, shop: &Shop, product: &Product) {
    let name = format!("{} {} {} {}", product.brand(), product.style(), product.subcategory(), product.number);
    rows.id('P', PRODUCT_DIGITS, Some(product.number));
    rows.text(Some(&name));
    rows.text(Some(product.category()));
    rows.text(Some(product.subcategory()));
    rows.text(Some(product.brand()));
    rows.integer(product.price_cents);
    rows.integer(product.cost_cents);
    rows.text(Some(&shop.parameters().currency));
}

/// The row of a customer's truth.
pub(super) fn truth_row<R: Rows>(rows: &mut R, shop: &Shop, latent: &Latent, truth: &CustomerTruth) {
    const { assert!(HORIZON_DAYS[0] == 90 && HORIZON_DAYS[1] == 180 && HORIZON_DAYS[2] == 365) };
    rows.id('C', CUSTOMER_DIGITS, Some(latent.customer + 1));
    rows.text(Some(SEGMENTS[latent.segment as usize]));
    rows.float(latent.rate * 7.0);
    rows.float(latent.dropout * shop.parameters().process.dropout_unit());
    rows.float(latent.nu.into());
    rows.float(truth.mean_value);
    rows.instant(Some(instant(shop, shop.clock().second(latent.acquired))));
    rows.instant(truth.dropped_out.map(|second| instant(shop, second)));
    rows.boolean(truth.dropped_out.is_none());
    rows.integer(truth.repeat_purchases.into());
    for value in truth.expected_purchases.iter().chain(&truth.expected_value) {
        rows.float(*value);
    }
}

/// Id of a customer where it is written into another table.
pub(super) fn customer_id<R: Rows>(rows: &mut R, customer: u32) {
    rows.id('C', CUSTOMER_DIGITS, Some(customer + 1));
}
