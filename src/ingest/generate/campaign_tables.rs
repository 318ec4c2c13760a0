//! Campaigns, their members, and what they truly brought.

use super::rows::{Kind, Rows, Table, column};
use super::tables::{acquisition_id, customer_id, instant};
use crate::analytics::generate::{CHANNELS, Member, RESPONSE_CURVES, SEGMENTS, Shop};
use std::collections::BTreeMap;

const MONEY: Kind = Kind::Decimal(2);

/// Campaigns, by their start.
pub(super) static CAMPAIGNS: Table = Table {
    name: "campaigns",
    columns: &[
        column("campaign_id", Kind::Text),
        column("name", Kind::Text),
        column("channel", Kind::Text),
        column("starts_at", Kind::Instant),
        column("ends_at", Kind::Instant),
        column("cost", MONEY),
        column("currency", Kind::Text),
    ],
};

/// Members of the campaigns to existing customers, by time and customer.
pub(super) static CAMPAIGN_MEMBERS: Table = Table {
    name: "campaign_members",
    columns: &[
        column("campaign_id", Kind::Text),
        column("customer_id", Kind::Text),
        column("arm", Kind::Text),
        column("assigned_at", Kind::Instant),
        column("responded_at", Kind::Instant),
        column("spend", MONEY),
    ],
};

/// What each campaign truly does to each latent segment at each level of spend; 0 is the hold-out.
pub(super) static TRUTH_CAMPAIGNS: Table = Table {
    name: "truth_campaigns",
    columns: &[
        column("campaign_id", Kind::Text),
        column("latent_segment", Kind::Text),
        column("spend_per_member", MONEY),
        column("members", Kind::Integer),
        column("responses", Kind::Integer),
        column("curve_limit", Kind::Float),
        column("curve_half", Kind::Float),
        column("curve_shape", Kind::Float),
        column("response_probability", Kind::Float),
        column("mean_order_value", Kind::Float),
        column("incremental_value_per_member", Kind::Float),
    ],
};

/// What each acquisition channel truly brings.
pub(super) static TRUTH_CHANNELS: Table = Table {
    name: "truth_channels",
    columns: &[
        column("channel", Kind::Text),
        column("customers", Kind::Integer),
        column("cost_per_customer", MONEY),
        column("mean_purchase_rate_per_week", Kind::Float),
        column("mean_expected_value_365d", Kind::Float),
        column("alive_share", Kind::Float),
    ],
};

/// Every parameter by name.
pub(super) static TRUTH_PARAMETERS: Table =
    Table { name: "truth_parameters", columns: &[column("name", Kind::Text), column("value", Kind::Text)] };

/// Counts of one segment at one level of spend.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Cell {
    members: u64,
    responses: u64,
    mean_values: f64,
}

/// Counts of one campaign by segment and level; the last level is the hold-out.
#[derive(Clone, Debug)]
pub(super) struct Response {
    cells: Vec<Cell>,
    levels: usize,
}

impl Response {
    pub(super) fn new(shop: &Shop) -> Self {
        let levels = shop.parameters().campaigns.spend_levels.len();
        Response { cells: vec![Cell::default(); SEGMENTS.len() * (levels + 1)], levels }
    }

    /// Counts a member.
    pub(super) fn take(&mut self, segment: u8, member: &Member, mean_value: f64) {
        let cell = &mut self.cells[segment as usize * (self.levels + 1) + member.level.unwrap_or(self.levels)];
        cell.members += 1;
        cell.responses += u64::from(member.responded.is_some());
        cell.mean_values += mean_value;
    }

    /// Adds the counts of other customers. Taken in their order, or sums of floats would depend on the threads.
    pub(super) fn add(&mut self, other: &Response) {
        for (cell, more) in self.cells.iter_mut().zip(&other.cells) {
            cell.members += more.members;
            cell.responses += more.responses;
            cell.mean_values += more.mean_values;
        }
    }

    /// Cents spent on all members.
    pub(super) fn cost_cents(&self, shop: &Shop) -> i64 {
        let levels = &shop.parameters().campaigns.spend_levels;
        let treated = |(place, cell): (usize, &Cell)| match levels.get(place % (self.levels + 1)) {
            Some(spend) => cents(*spend) * cell.members as i64,
            None => 0,
        };
        self.cells.iter().enumerate().map(treated).sum()
    }

    /// The rows of the truth.
    pub(super) fn rows<R: Rows>(&self, rows: &mut R, shop: &Shop, campaign: u32) {
        let kept = 1.0 - shop.returned_value_share();
        for (place, cell) in self.cells.iter().enumerate() {
            let (segment, level) = (place / (self.levels + 1), place % (self.levels + 1));
            let spend = shop.parameters().campaigns.spend_levels.get(level).copied().unwrap_or(0.0);
            let curve = RESPONSE_CURVES[segment];
            let probability = if spend > 0.0 { curve.probability(spend) } else { 0.0 };
            let mean_value = if cell.members > 0 { cell.mean_values / cell.members as f64 } else { 0.0 };
            rows.text(Some(&retention_id(campaign)));
            rows.text(Some(SEGMENTS[segment]));
            rows.integer(cents(spend));
            rows.integer(cell.members as i64);
            rows.integer(cell.responses as i64);
            rows.float(curve.limit);
            rows.float(curve.half);
            rows.float(curve.shape);
            rows.float(probability);
            rows.float(mean_value);
            rows.float(probability * mean_value * kept);
        }
    }
}

/// Counts of one acquisition channel.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Acquired {
    /// Customers.
    pub customers: u64,
    /// Sum of their purchase rates a week.
    pub rates: f64,
    /// Sum of their expected values of a year.
    pub values: f64,
    /// Those who are alive.
    pub alive: u64,
}

impl Acquired {
    /// Adds the counts of other customers, in their order.
    pub(super) fn add(&mut self, other: &Acquired) {
        self.customers += other.customers;
        self.rates += other.rates;
        self.values += other.values;
        self.alive += other.alive;
    }
}

fn cents(money: f64) -> i64 {
    (money * 100.0).round() as i64
}

fn retention_id(campaign: u32) -> String {
    format!("retention-{:03}", campaign + 1)
}

/// The row of a member.
pub(super) fn member_row<R: Rows>(rows: &mut R, shop: &Shop, campaign: u32, customer: u32, member: &Member) {
    let spend = member.level.map_or(0.0, |level| shop.parameters().campaigns.spend_levels[level]);
    rows.text(Some(&retention_id(campaign)));
    customer_id(rows, customer);
    rows.text(Some(if member.level.is_some() { "treated" } else { "control" }));
    rows.instant(Some(instant(shop, shop.campaign_day(campaign) * 86_400)));
    rows.instant(member.responded.map(|second| instant(shop, second)));
    rows.integer(cents(spend));
}

/// The rows of all campaigns, by their start: those that brought customers, a channel and year each, and those to existing
/// customers.
pub(super) fn campaign_rows<R: Rows>(
    rows: &mut R,
    shop: &Shop,
    acquired: &BTreeMap<(usize, i32), u64>,
    responses: &[Response],
) {
    struct Line {
        starts: i64,
        ends: i64,
        id: String,
        name: String,
        channel: &'static str,
        cost_cents: i64,
    }
    let first_of = |year: i32| {
        chrono::NaiveDate::from_ymd_opt(year, 1, 1).map_or(0, |day| i64::from(day.to_epoch_days()) * 86_400)
    };
    let mut lines: Vec<Line> = acquired
        .iter()
        .map(|((channel, year), customers)| Line {
            starts: first_of(*year).max(instant(shop, 0)),
            ends: first_of(*year + 1).min(instant(shop, shop.end_second())),
            id: acquisition_id(*channel, *year),
            name: format!("New customers by {} {year}", CHANNELS[*channel].name),
            channel: CHANNELS[*channel].name,
            cost_cents: cents(CHANNELS[*channel].cost) * *customers as i64,
        })
        .collect();
    lines.extend((0..).zip(responses).map(|(campaign, response)| {
        let day = shop.campaign_day(campaign);
        Line {
            starts: instant(shop, day * 86_400),
            ends: instant(shop, (day + shop.campaign_length_days()) * 86_400),
            id: retention_id(campaign),
            name: format!("Letter {} to customers", campaign + 1),
            channel: "email",
            cost_cents: response.cost_cents(shop),
        }
    }));
    lines.sort_by(|a, b| (a.starts, &a.id).cmp(&(b.starts, &b.id)));
    for line in &lines {
        rows.text(Some(&line.id));
        rows.text(Some(&line.name));
        rows.text(Some(line.channel));
        rows.instant(Some(line.starts));
        rows.instant(Some(line.ends));
        rows.integer(line.cost_cents);
        rows.text(Some(&shop.parameters().currency));
    }
}

/// The rows of the channels' truth.
pub(super) fn channel_rows<R: Rows>(rows: &mut R, acquired: &[Acquired; CHANNELS.len()]) {
    for (channel, found) in CHANNELS.iter().zip(acquired) {
        let mean = |sum: f64| if found.customers > 0 { sum / found.customers as f64 } else { 0.0 };
        rows.text(Some(channel.name));
        rows.integer(found.customers as i64);
        rows.integer(cents(channel.cost));
        rows.float(mean(found.rates));
        rows.float(mean(found.values));
        rows.float(mean(found.alive as f64));
    }
}

/// The rows of the parameters: names with dots, values as JSON writes them, texts without quotes.
pub(super) fn parameter_rows<R: Rows>(rows: &mut R, name: &str, value: &serde_json::Value) {
    match value {
        serde_json::Value::Object(fields) => {
            for (field, value) in fields {
                let name = if name.is_empty() { field.clone() } else { format!("{name}.{field}") };
                parameter_rows(rows, &name, value);
            }
        }
        value => {
            rows.text(Some(name));
            rows.text(Some(value.as_str().map_or_else(|| value.to_string(), str::to_owned).as_str()));
        }
    }
}
