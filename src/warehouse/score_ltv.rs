//! Scores of lifetime value by the server: a small table over moments of lives goes in, a join tells every customer.
//!
//! The table and what the champion says of each customer live in the transaction that scores, and never outlast it.

use super::connect::{Client, Parameter, Warehouse};
use super::copy::{Cell, CopyIn, Transaction};
use super::fault::{fault, fault_in, fault_within};
use super::frame::{create_statement, trimmed};
use super::statement::{fill, qualified, splice};
use crate::analytics::ltv::ChurnCalibration;
use crate::analytics::ltv::clock::Clock;
use crate::analytics::ltv::outlook::{self, AHEAD, Moment, OrderValue};
use crate::analytics::ltv::score::{FIRST, LATER, QUANTILES, UNADJUSTED};
use crate::analytics::{Column, Values};
use crate::error::{Error, Result};
use crate::project::quote_identifier;
use chrono::{DateTime, Utc};
use tokio_postgres::types::Type;

/// Columns of the SELECT that scores are made from; all others are carried through.
const HISTORY: [&str; 4] = ["repeat_count", "last_purchase_age_days", "age_days", "mean_repeat_value"];

/// The column of the value of the first purchase, which may be there.
const FIRST_VALUE: &str = "first_purchase_value";

/// Joins what the champion says of each customer.
const OF_LEVELS: &str = "\n    INNER JOIN {store}.{levels} AS v\n        ON v.key = l.key";

/// A moment that occurs, and how many customers are of this age now.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MomentCount {
    /// Repeat purchases.
    pub repeat_count: f64,
    /// Days since the first purchase.
    pub days: f64,
    /// Customers.
    pub customers: f64,
}

/// What is scored, and where the rows go.
#[derive(Clone, Copy, Debug)]
pub struct Scoring<'a> {
    /// Name of the model.
    pub model: &'a str,
    /// Table of the store, made anew.
    pub table: &'a str,
    /// The column that names a customer.
    pub key: &'a str,
    /// The run.
    pub run_id: i64,
    /// Its instant.
    pub as_of: DateTime<Utc>,
    /// The compiled SELECT of histories.
    pub select: &'a str,
}

/// What to score with.
#[derive(Clone, Copy, Debug)]
pub struct Scores<'a> {
    /// A row for each moment.
    pub moments: &'a [Moment],
    /// The clock that histories are told on.
    pub clock: &'a Clock,
    /// What an order is worth.
    pub order_value: OrderValue,
    /// Share of revenue that is margin.
    pub margin_share: f64,
    /// Whether `probability_alive` is told.
    pub is_dropout_identified: bool,
    /// Whether purchases and their probabilities are.
    pub tells_purchases: bool,
    /// How expected purchases become the probability of one; none where the process tells it itself.
    pub churn: Option<ChurnCalibration>,
    /// What the champion says that customers bring in the horizon of the back-test, by key; none where it is the model of buying itself.
    pub levels: Option<&'a [(String, f64)]>,
}

impl Warehouse {
    /// The moments that occur in the histories of `select`; none where a row contradicts itself.
    pub async fn ltv_moments(&self, client: &Client, select: &str, clock: &Clock) -> Result<Option<Vec<MomentCount>>> {
        let template = on_the_clock(include_str!("sql/ltv_moments.sql"), "$1", "t.last_days", "t.days");
        let statement = splice(&template, &[("select", trimmed(select))]);
        let table = clock.table().map(<[f64]>::to_vec);
        let rows = client.query(&statement, &[&table]).await;
        let rows = rows.map_err(|e| fault_within("purchase histories cannot be read", select, &statement, &e))?;
        if rows.iter().any(|row| row.get::<_, i64>("unsound") > 0) {
            return Ok(None);
        }
        let of = |row: &tokio_postgres::Row| MomentCount {
            repeat_count: row.get("repeat_count"),
            days: row.get("days"),
            customers: row.get("customers"),
        };
        Ok(Some(rows.iter().map(of).collect()))
    }

    /// Makes the table of scores; one transaction. Returns what all customers bring in the horizon of the back-test.
    pub async fn score_ltv(&self, client: &Client, scoring: &Scoring<'_>, scores: &Scores<'_>) -> Result<f64> {
        let doing = format!("model \"{}\" failed", scoring.model);
        let select = trimmed(scoring.select);
        let carried = self.carried(client, scoring).await?;
        let transaction = Transaction::begin(client).await?;
        self.create_table(client, scoring, &carried, &doing).await?;
        let (moments, levels) = (beside(scoring, "moments"), beside(scoring, "levels"));
        self.copy_moments(client, &moments, scores.moments, &doing).await?;
        if let Some(rows) = scores.levels {
            self.copy_levels(client, &levels, rows, &doing).await?;
        }
        let names = [
            ("store", self.schemas.store.as_str()),
            ("table", scoring.table),
            ("key", scoring.key),
            ("moments", &moments),
            ("levels", &levels),
        ];
        let filled = |template: &str| fill(template, &names);
        let priced = filled(&priced(scores.order_value.first > 0.0));
        let level = scores.levels.map(|_| filled(OF_LEVELS));
        let score = statement(&filled(include_str!("sql/score_ltv.sql")), &priced, &carried, level.as_deref());
        let score = splice(&score, &[("select", select)]);
        let gamma_gamma = scores.order_value.gamma_gamma.map(Vec::from);
        let mean = scores.order_value.population_mean;
        let clock = scores.clock.table().map(<[f64]>::to_vec);
        let churn = scores.churn.map(|churn| vec![churn.level, churn.shape]);
        let values: [&dyn Parameter; 9] = [
            &gamma_gamma,
            &mean,
            &clock,
            &scoring.run_id,
            &scoring.as_of,
            &scores.margin_share,
            &scores.is_dropout_identified,
            &scores.tells_purchases,
            &churn,
        ];
        let told = |e: &tokio_postgres::Error| {
            fault_within(&doing, select, &score, e)
                .hint("look for extreme values in repeat_count, age_days and mean_repeat_value")
        };
        client.execute(&score, &values).await.map_err(|e| told(&e))?;
        let total = match scores.levels {
            Some(rows) => rows.iter().map(|(_, revenue)| revenue).sum(),
            None => {
                let total = statement(include_str!("sql/total_ltv.sql"), &priced, &[], None);
                let total = splice(&total, &[("select", select)]);
                let row = client.query_one(&total, &values[..3]).await;
                row.map_err(|e| fault_within(&doing, select, &total, &e))?.get("revenue")
            }
        };
        for table in [&moments, &levels] {
            let drop = format!("DROP TABLE IF EXISTS {}", qualified(&self.schemas.store, table));
            client.batch_execute(&drop).await.map_err(|e| fault(&doing, &e))?;
        }
        transaction.commit().await?;
        Ok(total)
    }

    /// Makes the table of customers without predictions.
    pub async fn leave_ltv_empty(&self, client: &Client, scoring: &Scoring<'_>) -> Result<()> {
        let doing = format!("model \"{}\" failed", scoring.model);
        let carried = self.carried(client, scoring).await?;
        let transaction = Transaction::begin(client).await?;
        self.create_table(client, scoring, &carried, &doing).await?;
        let names = [("store", self.schemas.store.as_str()), ("table", scoring.table), ("key", scoring.key)];
        let listed = |prefix: &str| -> String {
            carried.iter().map(|(name, _)| format!(", {prefix}{}", quote_identifier(name))).collect()
        };
        let sql = splice(
            &fill(include_str!("sql/leave_ltv_empty.sql"), &names),
            &[("carried_names", &listed("")), ("carried", &listed("f.")), ("select", trimmed(scoring.select))],
        );
        let written = client.execute(&sql, &[&scoring.run_id, &scoring.as_of]).await;
        written.map_err(|e| fault_within(&doing, scoring.select, &sql, &e))?;
        transaction.commit().await
    }

    /// Names and types of the columns of the SELECT that are no part of a history.
    async fn carried(&self, client: &Client, scoring: &Scoring<'_>) -> Result<Vec<(String, String)>> {
        let select = trimmed(scoring.select);
        let described = client.describe(select).await.map_err(|e| fault_in("histories cannot be read", select, &e))?;
        let found: Vec<(&str, &Type)> = described.columns().iter().map(|c| (c.name(), c.type_())).collect();
        let missing = HISTORY.iter().chain([&scoring.key]).find(|name| found.iter().all(|(column, _)| column != *name));
        if let Some(missing) = missing {
            return Err(Error::failed(format!("model \"{}\" has no column \"{missing}\"", scoring.model))
                .hint("docs/ltv.md defines the columns that lifetime value is made from"));
        }
        let is_carried = |name: &str| !HISTORY.contains(&name) && name != FIRST_VALUE && name != scoring.key;
        let rest = found.into_iter().filter(|(name, _)| is_carried(name));
        Ok(rest.map(|(name, of)| (name.to_owned(), of.name().to_owned())).collect())
    }

    async fn create_table(
        &self,
        client: &Client,
        scoring: &Scoring<'_>,
        carried: &[(String, String)],
        doing: &str,
    ) -> Result<()> {
        let relation = qualified(&self.schemas.store, scoring.table);
        let mut statements = vec![
            format!("DROP TABLE IF EXISTS {relation} CASCADE"),
            create_statement(&relation, scoring.key, &columns()),
        ];
        let add = |(name, of): &(String, String)| {
            format!("ALTER TABLE {relation} ADD COLUMN {} {}", quote_identifier(name), quote_identifier(of))
        };
        statements.extend(carried.iter().map(add));
        for statement in statements {
            client.batch_execute(&statement).await.map_err(|e| fault(doing, &e))?;
        }
        Ok(())
    }

    async fn copy_moments(&self, client: &Client, table: &str, moments: &[Moment], doing: &str) -> Result<()> {
        let ahead: Vec<String> = AHEAD.iter().map(|name| format!("{name} float8 NOT NULL")).collect();
        let create =
            fill(include_str!("sql/create_ltv_moments.sql"), &[("store", &self.schemas.store), ("moments", table)]);
        let create = splice(&create, &[("ahead", &ahead.join(",\n    "))]);
        client.batch_execute(&create).await.map_err(|e| fault(doing, &e))?;
        let relation = qualified(&self.schemas.store, table);
        let copy = format!("COPY {relation} FROM STDIN (FORMAT binary)");
        let mut types = vec![Type::FLOAT8; 5 + AHEAD.len()];
        types.push(Type::FLOAT4_ARRAY);
        let mut writer = CopyIn::start(client, &copy, &types, doing).await?;
        for moment in moments {
            let life = moment.life;
            let mut cells: Vec<Cell<'_>> =
                [moment.repeat_count, moment.days, life.ln_density, life.gone_after, life.gone_by]
                    .iter()
                    .chain(&moment.ahead)
                    .map(|value| Cell::Float(Some(*value)))
                    .collect();
            cells.push(Cell::Reals(&moment.curve.0));
            writer.row(&cells).await?;
        }
        writer.finish().await?;
        // Without it the planner expects a table that was just made to be of ten pages, and probes it customer by customer.
        client.batch_execute(&format!("ANALYZE {relation}")).await.map_err(|e| fault(doing, &e))
    }

    async fn copy_levels(&self, client: &Client, table: &str, levels: &[(String, f64)], doing: &str) -> Result<()> {
        let create =
            fill(include_str!("sql/create_ltv_levels.sql"), &[("store", &self.schemas.store), ("levels", table)]);
        client.batch_execute(&create).await.map_err(|e| fault(doing, &e))?;
        let relation = qualified(&self.schemas.store, table);
        let copy = format!("COPY {relation} FROM STDIN (FORMAT binary)");
        let mut writer = CopyIn::start(client, &copy, &[Type::TEXT, Type::FLOAT8], doing).await?;
        for (key, revenue) in levels {
            writer.row(&[Cell::Text(Some(key)), Cell::Float(Some(*revenue))]).await?;
        }
        writer.finish().await?;
        client.batch_execute(&format!("ANALYZE {relation}")).await.map_err(|e| fault(doing, &e))
    }
}

/// The days since the first purchase as a clock tells them, which is the parameter `clock`; `analytics::ltv::Clock::elapsed` is the same.
fn on_the_clock(template: &str, clock: &str, last: &str, days: &str) -> String {
    let place = |days: &str| format!("({clock}::float8[])[({days})::integer + 1]");
    let whole = |days: &str| format!("floor({days} + 0.5)");
    let now = whole(&place(days));
    let last_days = whole(&format!("{} - {}", place(days), place(&format!("{days} - {last}"))));
    let on = |calendar: &str, told: &str| {
        format!("CASE WHEN {clock}::float8[] IS NULL THEN {calendar}::float8 ELSE {told} END")
    };
    let least = format!("LEAST(GREATEST({last_days}, CASE WHEN {last} > 0 THEN 1 ELSE 0 END), {now})");
    splice(template, &[("last_days", &on(last, &least)), ("days", &on(days, &now))])
}

/// The statement that both the scores and their total begin with; `first` tells whether the first purchase is an order of known value.
fn priced(first: bool) -> String {
    let told = on_the_clock(include_str!("sql/ltv_priced.sql"), "$3", "t.last_purchase_age_days", "t.age_days");
    let repeats = "CASE WHEN t.repeat_count > 0 AND t.mean_repeat_value > 0 THEN t.mean_repeat_value::float8 END";
    let with_first = format!(
        "CASE WHEN t.{FIRST_VALUE} IS NULL THEN {repeats} ELSE (COALESCE({repeats} * t.repeat_count, 0) + t.{FIRST_VALUE}::float8) / (t.repeat_count + 1) END"
    );
    match first {
        true => splice(&told, &[("first_count", "1"), ("known_mean", &with_first)]),
        false => splice(&told, &[("first_count", "0"), ("known_mean", repeats)]),
    }
}

/// Name of a table beside that of the scores.
fn beside(scoring: &Scoring<'_>, what: &str) -> String {
    super::materialize::run_relation(&format!("{}__{what}", scoring.model), scoring.run_id)
}

/// The columns of scores, without values.
fn columns() -> Vec<Column> {
    let of = |name: &&str| match *name == FIRST[FIRST.len() - 1] {
        true => Column { name: (*name).into(), values: Values::Boolean(Vec::new()) },
        false => Column::float(name, Vec::new()),
    };
    FIRST.iter().chain(&LATER).chain(&QUANTILES).chain([&UNADJUSTED]).map(of).collect()
}

/// The statement with an expression for each column; what the SELECT holds is filled in afterwards.
fn statement(template: &str, priced: &str, carried: &[(String, String)], levels: Option<&str>) -> String {
    let alive = |name: &str| format!("w.alive * w.{name}");
    let money = |name: &str| format!("w.alive * w.{name} * w.purchase_value * $6::float8");
    // What customers do not differ in is nobody's.
    let told = |value: &str| format!("CASE WHEN $8::boolean THEN {value} END");
    let [month, quarter, half] = [0, 1, 2].map(|window: usize| {
        let level = format!("($9::float8[])[1] * {}", alive(AHEAD[outlook::SOON[window]]));
        let calibrated = format!("1 - power(1 + {level} / ($9::float8[])[2], -($9::float8[])[2])");
        told(&format!(
            "CASE WHEN $9::float8[] IS NULL THEN {} ELSE {calibrated} END",
            alive(AHEAD[outlook::BUYS[window]])
        ))
    });
    let first = [
        told(&alive(AHEAD[outlook::PURCHASES])),
        "CASE WHEN $7::boolean THEN w.alive END".into(),
        month,
        quarter,
        half,
        "w.order_value".into(),
        money(AHEAD[outlook::DISCOUNTED]),
        "$7::boolean".into(),
    ];
    let quantile = |tail: &str| {
        let place = format!("LEAST(GREATEST(ceil(({tail} / w.alive - 0.1) / 0.025 - 0.5), 0), 36)::integer + 1");
        format!(
            "CASE WHEN w.alive > {tail} AND w.order_value > 0 THEN w.curve[{place}] * w.unit / w.order_value * w.purchase_value * $6::float8 ELSE 0 END"
        )
    };
    let names = |prefix: &str| -> String {
        carried.iter().map(|(name, _)| format!(",\n        {prefix}{}", quote_identifier(name))).collect()
    };
    let values = first
        .into_iter()
        .chain(outlook::LATER.iter().map(|place| money(AHEAD[*place])))
        .chain(["0.9", "0.5", "0.1"].map(quantile))
        .chain([told(&alive(AHEAD[outlook::UNADJUSTED]))]);
    let carried_values = carried.iter().map(|(name, _)| format!("w.{}", quote_identifier(name)));
    let columns = FIRST.iter().chain(&LATER).chain(&QUANTILES).chain([&UNADJUSTED]).map(|name| quote_identifier(name));
    let carried_columns = carried.iter().map(|(name, _)| quote_identifier(name));
    let list = |parts: Vec<String>, glue: &str| parts.join(glue);
    let of_level =
        "CASE WHEN l.alive * l.window_purchases > 0 THEN v.revenue / (l.alive * l.window_purchases) ELSE 0 END";
    let ahead: Vec<String> = AHEAD.iter().map(|name| format!("a.{name}")).collect();
    splice(
        template,
        &[
            ("priced", priced.trim_end()),
            ("ahead", &ahead.join(",\n        ")),
            ("carried", &names("t.")),
            ("purchase_value", if levels.is_some() { of_level } else { "l.order_value" }),
            ("levels", levels.unwrap_or_default()),
            ("columns", &list(columns.chain(carried_columns).collect(), ", ")),
            ("values", &list(values.chain(carried_values).collect(), ",\n    ")),
        ],
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_column_has_its_expression() {
        let names = [("store", "s"), ("table", "t"), ("key", "id"), ("moments", "m"), ("levels", "v")];
        let carried = [("value \"to date\"".to_owned(), "numeric".to_owned())];
        let priced = fill(&priced(true), &names);
        let template = fill(include_str!("sql/score_ltv.sql"), &names);
        let score = statement(&template, &priced, &carried, Some(&fill(OF_LEVELS, &names)));
        insta::assert_snapshot!(splice(&score, &[("select", "SELECT 1 -- [ahead]")]));
        insta::assert_snapshot!(statement(include_str!("sql/total_ltv.sql"), &priced, &[], None));
    }
}
