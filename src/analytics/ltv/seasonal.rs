//! Which season a fit is to take into account, and the fit in its time.

use super::input::{DAYS_OF_A_WEEK, Input};
use super::process::PurchaseProcess;
use super::season::{self, DatedHistory, Season, SeasonalFit};
use crate::error::{Error, Result};
use chrono::{Days, NaiveDate};

/// So many days of history show every month twice.
const DAYS_OF_TWO_YEARS: f64 = 730.0;

/// The season that a fit takes into account.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Seasonal {
    /// None.
    #[default]
    None,
    /// That of the customers' own repeat purchases, if the data hold one.
    Own {
        /// Last day of the histories.
        today: NaiveDate,
        /// Repeat purchases of each day, counted back: place 0 is today. Of all customers.
        repeats: Vec<f64>,
        /// The share of all customers that is fitted to.
        share: f64,
    },
    /// That of a calendar.
    Given {
        /// Last day of the histories.
        today: NaiveDate,
        /// Factors of the months, from January.
        factors: [f64; 12],
    },
}

impl Seasonal {
    /// Whether the season is given, or the histories reach back two years.
    pub(super) fn is_seen_twice(&self, input: &Input) -> bool {
        let oldest = input.histories.iter().map(|history| history.age_weeks * DAYS_OF_A_WEEK).fold(0.0, f64::max);
        match self {
            Seasonal::None => false,
            Seasonal::Own { .. } => oldest >= DAYS_OF_TWO_YEARS,
            Seasonal::Given { .. } => true,
        }
    }

    /// The fit of `process` in the season's time; none where no season is wanted.
    pub(super) fn fit(&self, process: &'static dyn PurchaseProcess, input: &Input) -> Result<Option<SeasonalFit>> {
        let days_of = |weeks: f64| (weeks * DAYS_OF_A_WEEK).round() as u32;
        let oldest = input.histories.iter().map(|history| days_of(history.age_weeks)).max().unwrap_or(0);
        // The oldest customers came on day 0, and the last day of observation ends at `until`. A customer is watched from the end of his
        // first day on, so that a history of T days has T of them.
        let until = oldest + 1;
        let histories = || -> Vec<DatedHistory> {
            let dated = |history: &super::process::grouping::History| {
                let first_day = until - days_of(history.age_weeks);
                let last_day = first_day + days_of(history.last_purchase_weeks);
                DatedHistory { first_day, last_day, repeat_count: history.repeat_count }
            };
            input.histories.iter().map(dated).collect()
        };
        let start_of = |today: &NaiveDate| today.checked_sub_days(Days::new(u64::from(oldest))).unwrap_or(*today);
        let found = match self {
            Seasonal::None => return Ok(None),
            Seasonal::Own { today, repeats, share } => {
                let of_day = |back: u32| repeats.get(back as usize).copied().unwrap_or(0.0) * share;
                let by_day: Vec<f64> = (0..until).rev().map(of_day).collect();
                season::fit(process, &histories(), &by_day, start_of(today))
            }
            Seasonal::Given { today, factors } => {
                let season = Season::given(*factors).ok_or_else(|| {
                    Error::failed("the season that is given cannot be used")
                        .detail(format!("The factors are {factors:?}; each must lie between 0.05 and 20."))
                        .hint("correct the model that season names")
                })?;
                season::fit_given(process, &histories(), season, (start_of(today), until))
            }
        };
        match found {
            Ok(found) => Ok(Some(found)),
            Err(reason) => Err(Error::failed("no fit can be made in the time of the season").detail(reason.sentence())),
        }
    }
}
