//! A fit as it is kept and scored with: what every customer is to expect, from two rows of a small table.
//!
//! What is ahead of a customer depends on `(x, T)`, and whether he is still there on two moments of his life, `(x, t_x)` and `(x, T)`. So a
//! table over the moments that occur (some ten thousand, however many the customers) tells everyone by two joins; the database does them
//! (`warehouse::score_ltv`), and [`Outlook::score`] is the same in memory: what that statement must say.

use super::churn::ChurnCalibration;
use super::clock::Clock;
use super::discount::Discounting;
use super::estimator::Family;
use super::input::DAYS_OF_A_WEEK;
use super::interval::{self, Curve, Curves};
use super::process::LifeMoment;
use super::process::choice::PurchaseFit;
use super::residual::Terms;
use super::season::Season;
use super::spend::SpendFit;
use super::{LtvSpec, gamma_gamma};
use chrono::NaiveDate;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Seed of the draws behind the intervals.
const INTERVAL_SEED: u64 = 42;

/// Ages within four percent of each other share one curve: the amounts of futures hardly differ, and drawing them is what costs.
const CURVE_STEP: f64 = 0.04;

/// What is ahead of a customer who is alive, in the order of [`Moment::ahead`]; columns of the table over moments.
pub const AHEAD: [&str; 17] = [
    "purchases",
    "discounted_purchases",
    "window_purchases",
    "buys_30d",
    "buys_90d",
    "buys_180d",
    "discounted_90d",
    "discounted_180d",
    "discounted_365d",
    "discounted_year_2",
    "discounted_year_3",
    "discounted_year_4",
    "discounted_year_5",
    "purchases_unadjusted",
    "purchases_30d",
    "purchases_90d",
    "purchases_180d",
];

/// Place in [`AHEAD`] of the purchases within the horizon.
pub const PURCHASES: usize = 0;

/// Place in [`AHEAD`] of the same, discounted.
pub const DISCOUNTED: usize = 1;

/// Place in [`AHEAD`] of the purchases within the horizon of the back-test.
pub const WINDOW: usize = 2;

/// Places in [`AHEAD`] of the probabilities of a purchase within 30, 90 and 180 days.
pub const BUYS: [usize; 3] = [3, 4, 5];

/// Places in [`AHEAD`] of the discounted purchases of 90, 180 and 365 days, and of the second to fifth year.
pub const LATER: [usize; 7] = [6, 7, 8, 9, 10, 11, 12];

/// Place in [`AHEAD`] of the purchases within the horizon if every month were an average one.
pub const UNADJUSTED: usize = 13;

/// Places in [`AHEAD`] of the purchases within 30, 90 and 180 days.
pub const SOON: [usize; 3] = [14, 15, 16];

/// Windows of the probability of a purchase, in days.
const BUYS_WITHIN_DAYS: [f64; 3] = [30.0, 90.0, 180.0];

/// The fitted models and the time that is looked ahead.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Outlook {
    /// The model of buying and leaving.
    pub purchases: PurchaseFit,
    /// What an order is worth.
    pub(super) spend: SpendFit,
    /// The horizon of the values, in days.
    pub horizon_days: f64,
    /// Yearly discount rate.
    pub discount_rate_annual: f64,
    /// Share of revenue that is margin.
    pub margin_share: f64,
    /// Horizon of the back-test, in days; 0 where none was made.
    pub window_days: f64,
    /// How expected purchases become the probability of one; none where the process tells it itself.
    #[serde(default)]
    pub churn: Option<ChurnCalibration>,
    /// The season in whose time the purchases were fitted; none where none is taken into account.
    #[serde(default)]
    pub season: Option<Season>,
    /// Whether it was given, or each of its months was seen in two years; of a single year a season cannot be told from growth.
    #[serde(default)]
    pub is_season_seen_twice: bool,
}

/// One row of the table over moments.
#[derive(Clone, Debug, PartialEq)]
pub struct Moment {
    /// Repeat purchases, `x`.
    pub repeat_count: f64,
    /// Days since the first purchase.
    pub days: f64,
    /// What it says of being alive.
    pub life: LifeMoment,
    /// What is ahead of those alive at that age; see [`AHEAD`].
    pub ahead: [f64; AHEAD.len()],
    /// The value of their horizon, by the share that exceeds it.
    pub curve: Curve,
}

/// What an order of a customer is worth: `population_mean` without a positive mean of his own, else `(p v + p x z) / (q + p x - 1)` for `x`
/// orders of known value, or his mean itself where there is no Gamma-Gamma.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct OrderValue {
    /// Gamma-Gamma's `p`, `q`, `v`.
    pub gamma_gamma: Option<[f64; 3]>,
    /// Orders of known value beside the repeat purchases: 1 where the first one is known, else 0.
    pub first: f64,
    /// Of a customer without a mean of his own.
    pub population_mean: f64,
}

impl Outlook {
    pub(super) fn new(purchases: PurchaseFit, spend: SpendFit, spec: &LtvSpec, window_days: f64) -> Outlook {
        Outlook {
            purchases,
            spend,
            horizon_days: spec.horizon_days,
            discount_rate_annual: spec.discount_rate_annual,
            margin_share: spec.margin_share,
            window_days,
            churn: None,
            season: None,
            is_season_seen_twice: false,
        }
    }

    /// How the horizon is discounted, month by month.
    #[must_use]
    pub fn plan(&self) -> Discounting {
        Discounting::over_days(self.horizon_days, self.discount_rate_annual)
    }

    /// Whether the data tell dropout from patience; without it `probability_alive` is nobody's.
    #[must_use]
    pub fn is_dropout_identified(&self) -> bool {
        self.tells_purchases() && self.purchases.is_dropout_identified()
    }

    /// Whether customers differ in what the process expects of them; without it purchases and their probabilities are nobody's, and
    /// the process only spreads over time what a champion says.
    #[must_use]
    pub fn tells_purchases(&self) -> bool {
        self.purchases.is_rate_identified()
    }

    /// What an order is worth.
    #[must_use]
    pub fn order_value(&self) -> OrderValue {
        let theta = self.spend.estimate.as_ref().map(|estimate| &estimate.theta);
        OrderValue {
            gamma_gamma: theta.and_then(|theta| theta.as_slice().try_into().ok()),
            first: self.spend.first,
            population_mean: self.spend.population_mean,
        }
    }

    /// The clock of today for histories of at most `oldest_days` days.
    #[must_use]
    pub fn clock(&self, today: NaiveDate, oldest_days: u32) -> Clock {
        self.season.as_ref().map_or_else(Clock::calendar, |season| Clock::of(season, today, oldest_days))
    }

    /// What a champion of this family says of the window ahead has to be multiplied by, for the season that lies in it; 1 without one.
    ///
    /// A regressor learnt from the last window, and knows customers as they bought in its season. Others take all months for alike.
    /// A season of a single year moves no level: what looks like one may be growth, or that the first customers grow old.
    #[must_use]
    pub fn season_of_window(&self, family: Family, clock: &Clock) -> f64 {
        if !self.is_season_seen_twice {
            return 1.0;
        }
        let ahead = clock.ahead_weeks(self.window_days / DAYS_OF_A_WEEK) * DAYS_OF_A_WEEK;
        let learnt_in = match family {
            Family::Regressor => clock.back_at(self.window_days),
            Family::Baseline | Family::Probabilistic | Family::Blend => self.window_days,
        };
        if learnt_in > 0.0 { ahead / learnt_in } else { 1.0 }
    }

    /// The rows of these moments (`x`, days on the clock), in their order.
    #[must_use]
    pub fn moments(&self, moments: &[(f64, f64)], clock: &Clock) -> Vec<Moment> {
        let curves = self.curves(moments, clock);
        moments
            .par_iter()
            .map(|(count, days)| Moment {
                repeat_count: *count,
                days: *days,
                life: self.purchases.estimator.life(self.theta(), *count, days / DAYS_OF_A_WEEK),
                ahead: self.ahead(*count, days / DAYS_OF_A_WEEK, clock),
                curve: curves[&curve_key(*count, *days)].clone(),
            })
            .collect()
    }

    fn theta(&self) -> &[f64] {
        &self.purchases.estimate.theta
    }

    fn ahead(&self, count: f64, age_weeks: f64, clock: &Clock) -> [f64; AHEAD.len()] {
        let (process, theta) = (self.purchases.estimator, self.theta());
        let evenly = |weeks: f64| process.purchases_if_alive(theta, count, age_weeks, weeks);
        let until = |weeks: f64| evenly(clock.ahead_weeks(weeks));
        let buys_in =
            |days: f64| process.buys_if_alive(theta, count, age_weeks, clock.ahead_weeks(days / DAYS_OF_A_WEEK));
        let (purchases, discounted) = self.plan().present(until);
        let unadjusted = evenly(self.horizon_days / DAYS_OF_A_WEEK);
        let terms = Terms { rate_annual: self.discount_rate_annual, ..Terms::default() };
        let left = terms.residual(until);
        let [_, later_years @ ..] = left.in_year;
        let mut ahead = [0.0; AHEAD.len()];
        ahead[PURCHASES] = purchases;
        ahead[DISCOUNTED] = discounted;
        ahead[WINDOW] = until(self.window_days / DAYS_OF_A_WEEK);
        for (place, value) in LATER.into_iter().zip(left.within_days.into_iter().chain(later_years)) {
            ahead[place] = value;
        }
        for (window, days) in BUYS_WITHIN_DAYS.into_iter().enumerate() {
            ahead[BUYS[window]] = buys_in(days);
            ahead[SOON[window]] = until(days / DAYS_OF_A_WEEK);
        }
        ahead[UNADJUSTED] = unadjusted;
        ahead
    }

    /// One curve for each repeat count and step of age that occurs.
    fn curves(&self, moments: &[(f64, f64)], clock: &Clock) -> BTreeMap<(u64, u32), Curve> {
        let weeks = clock.ahead_weeks(self.horizon_days / DAYS_OF_A_WEEK);
        let curves = Curves::new(&self.purchases, &self.spend, weeks, INTERVAL_SEED);
        let mut keys: Vec<(u64, u32)> = moments.iter().map(|(count, days)| curve_key(*count, *days)).collect();
        keys.sort_unstable();
        keys.dedup();
        keys.into_par_iter().map(|key| (key, curves.of(f64::from_bits(key.0), age_of(key.1)))).collect()
    }
}

impl OrderValue {
    /// Of a customer with `count` repeat purchases whose known orders have this mean, if it is positive.
    #[must_use]
    pub fn of(&self, count: f64, mean: Option<f64>) -> f64 {
        let count = count + self.first;
        match (self.gamma_gamma, mean) {
            (Some(theta), Some(mean)) => gamma_gamma::expected_value(&theta, count, mean),
            (None, Some(mean)) => mean,
            (_, None) => self.population_mean,
        }
    }

    /// What one unit of a [`Curve`] is worth to him: `v + x z`, or without Gamma-Gamma an order.
    #[must_use]
    pub fn unit(&self, count: f64, mean: Option<f64>) -> f64 {
        match self.gamma_gamma {
            Some([_, _, v]) => v + (count + self.first) * mean.unwrap_or(self.population_mean),
            None => mean.unwrap_or(self.population_mean),
        }
    }
}

/// Who shares a curve: the repeat count, and the age by steps.
fn curve_key(count: f64, days: f64) -> (u64, u32) {
    ((count + 0.0).to_bits(), ((days / DAYS_OF_A_WEEK).ln_1p() / CURVE_STEP).round() as u32)
}

/// The age in weeks in the middle of a step.
fn age_of(step: u32) -> f64 {
    (f64::from(step) * CURVE_STEP).exp_m1()
}

/// The amount of a curve at a quantile, of one who is alive with this probability.
#[must_use]
pub fn quantile(curve: &Curve, level: f64, alive: f64) -> f64 {
    interval::place_of(level, alive).and_then(|place| curve.0.get(place)).map_or(0.0, |amount| f64::from(*amount))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_those_of_the_names() {
        assert_eq!(
            [PURCHASES, DISCOUNTED, WINDOW].map(|place| AHEAD[place]),
            ["purchases", "discounted_purchases", "window_purchases"]
        );
        assert_eq!(BUYS.map(|place| AHEAD[place]), ["buys_30d", "buys_90d", "buys_180d"]);
        assert_eq!(SOON.map(|place| AHEAD[place]), ["purchases_30d", "purchases_90d", "purchases_180d"]);
        assert_eq!(
            LATER.map(|place| AHEAD[place].trim_start_matches("discounted_")),
            ["90d", "180d", "365d", "year_2", "year_3", "year_4", "year_5"]
        );
        assert_eq!(AHEAD[UNADJUSTED], "purchases_unadjusted");
    }
}
