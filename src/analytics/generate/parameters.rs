//! The parameters of a generated shop: all that decides its files, and the first table of the truth.

use crate::error::{Error, Result};
use chrono::NaiveDate;
use serde::Serialize;

/// What decides every byte of the files.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Parameters {
    /// Start of all random numbers.
    pub seed: u64,
    /// Customers with an id.
    pub customers: u32,
    /// First day of the data.
    pub start: NaiveDate,
    /// Days of the data.
    pub days: u32,
    /// Customers come in the first so many days, so that the last ones can be watched for a while.
    pub acquisition_days: u32,
    /// How customers buy and leave.
    pub process: Process,
    /// What an order is worth.
    pub spend: Spend,
    /// 0 knows no season, 1 the whole one.
    pub season: f64,
    /// Lines of an order on average; one and a Poisson number more.
    pub lines_mean: f64,
    /// Different products.
    pub products: u32,
    /// Orders that come back.
    pub returns: Returns,
    /// Persons who buy once without an id, for each customer.
    pub guest_share: f64,
    /// Campaigns to existing customers, spread over the data.
    pub campaigns: Campaigns,
    /// Three letters.
    pub currency: String,
}

/// A purchase process; rates per week of operational time.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(tag = "name", rename_all = "snake_case")]
pub enum Process {
    /// Purchases at a rate `Gamma(r, alpha)`; after each repeat purchase a coin `Beta(a, b)` decides whether it was the last.
    BgNbd {
        /// Shape of the rates.
        r: f64,
        /// Scale of the rates, in weeks.
        alpha: f64,
        /// Of the coin: dropping out.
        a: f64,
        /// Of the coin: staying.
        b: f64,
    },
    /// Purchases at a rate `Gamma(r, alpha)` during a life of rate `Gamma(s, beta)`.
    ParetoNbd {
        /// Shape of the rates.
        r: f64,
        /// Scale of the rates, in weeks.
        alpha: f64,
        /// Shape of the rates of death.
        s: f64,
        /// Scale of the rates of death, in weeks.
        beta: f64,
    },
}

impl Process {
    /// BG/NBD with about six orders a customer in the default time.
    pub const BG_NBD: Process = Process::BgNbd { r: 0.9, alpha: 7.9, a: 0.8, b: 6.0 };
    /// Pareto/NBD with about as many.
    pub const PARETO_NBD: Process = Process::ParetoNbd { r: 0.9, alpha: 7.9, s: 1.5, beta: 60.0 };

    /// Names and values, as the papers write them.
    #[must_use]
    pub fn values(&self) -> [(&'static str, f64); 4] {
        match *self {
            Process::BgNbd { r, alpha, a, b } => [("r", r), ("alpha", alpha), ("a", a), ("b", b)],
            Process::ParetoNbd { r, alpha, s, beta } => [("r", r), ("alpha", alpha), ("s", s), ("beta", beta)],
        }
    }

    /// What turns a hidden dropout into that of the parameters: a rate a day into one a week; a chance stays.
    #[must_use]
    pub fn dropout_unit(&self) -> f64 {
        match self {
            Process::BgNbd { .. } => 1.0,
            Process::ParetoNbd { .. } => 7.0,
        }
    }

    /// Shape and scale of the purchase rates.
    #[must_use]
    pub fn rates(&self) -> (f64, f64) {
        match *self {
            Process::BgNbd { r, alpha, .. } | Process::ParetoNbd { r, alpha, .. } => (r, alpha),
        }
    }
}

/// Gamma-Gamma: an order is worth `Gamma(p, nu)`, and `nu ~ Gamma(q, v)`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Spend {
    /// Shape of the values of one customer's orders.
    pub p: f64,
    /// Shape of `nu`.
    pub q: f64,
    /// Rate of `nu`, in money.
    pub v: f64,
    /// Correlation of purchase rate and mean value, both as normal scores; 0 is what Gamma-Gamma assumes.
    pub correlation: f64,
}

impl Spend {
    /// Mean value of an order over all customers.
    #[must_use]
    pub fn mean(&self) -> f64 {
        self.p * self.v / (self.q - 1.0)
    }
}

/// Orders that come back.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Returns {
    /// Orders of which something comes back.
    pub share: f64,
    /// Of these: returned within hours.
    pub same_day_share: f64,
    /// Of these: all lines come back; of the others the first one.
    pub whole_share: f64,
    /// Days to the other returns, on average.
    pub days_mean: f64,
}

/// Campaigns to existing customers.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Campaigns {
    /// How many there are.
    pub count: u32,
    /// Customers of the time who are members.
    pub member_share: f64,
    /// Members who are held out.
    pub holdout_share: f64,
    /// Money spent on a treated member; each campaign draws one of these for each, so that the response can be told.
    pub spend_levels: Vec<f64>,
}

impl Parameters {
    /// The default shop: about 20 lines and 6 orders a customer in the three years from 2022.
    #[must_use]
    pub fn new(seed: u64, customers: u32) -> Self {
        Parameters {
            seed,
            customers,
            start: NaiveDate::from_ymd_opt(2022, 1, 1).unwrap_or_default(),
            days: 1096,
            acquisition_days: 932,
            process: Process::BG_NBD,
            spend: Spend { p: 6.25, q: 3.74, v: 15.44, correlation: 0.0 },
            season: 1.0,
            lines_mean: 3.2,
            products: 2_000,
            returns: Returns { share: 0.06, same_day_share: 0.25, whole_share: 0.4, days_mean: 9.0 },
            guest_share: 0.1,
            campaigns: Campaigns {
                count: 12,
                member_share: 0.3,
                holdout_share: 0.2,
                spend_levels: vec![0.5, 2.0, 6.0],
            },
            currency: "EUR".into(),
        }
    }

    /// All that is out of range, told at once.
    pub fn check(&self) -> Result<()> {
        let mut wrong = Vec::new();
        let mut check = |name: &str, value: f64, low: f64, high: f64| {
            if !(low..=high).contains(&value) {
                wrong.push(format!("{name} is {value}; it must be between {low} and {high}."));
            }
        };
        check("customers", f64::from(self.customers), 1.0, 100_000_000.0);
        check("days", f64::from(self.days), 30.0, 3660.0);
        check("acquisition_days", f64::from(self.acquisition_days), 1.0, f64::from(self.days));
        for (name, value) in self.process.values() {
            // A rate above a few orders a day would not fit the numbers of orders; a scale under half a week gives such.
            let low = if name == "alpha" { 0.5 } else { 0.01 };
            check(name, value, low, 10_000.0);
        }
        let (r, alpha) = self.process.rates();
        check("r / alpha", r / alpha, 1e-6, 7.0);
        check("p", self.spend.p, 0.05, 1_000.0);
        // Without it the mean value of an order is infinite.
        check("q", self.spend.q, 1.05, 1_000.0);
        check("v", self.spend.v, 0.01, 1e6);
        check("spend correlation", self.spend.correlation, -0.95, 0.95);
        check("season", self.season, 0.0, 1.0);
        check("lines_mean", self.lines_mean, 1.0, 20.0);
        check("products", f64::from(self.products), 10.0, 1_000_000.0);
        check("return share", self.returns.share, 0.0, 1.0);
        check("same-day share", self.returns.same_day_share, 0.0, 1.0);
        check("whole share", self.returns.whole_share, 0.0, 1.0);
        check("guest share", self.guest_share, 0.0, 5.0);
        check("campaigns", f64::from(self.campaigns.count), 0.0, 200.0);
        check("member share", self.campaigns.member_share, 0.0, 1.0);
        check("hold-out share", self.campaigns.holdout_share, 0.0, 1.0);
        check("spend levels", self.campaigns.spend_levels.len() as f64, 1.0, 20.0);
        for level in &self.campaigns.spend_levels {
            check("spend level", *level, 0.01, 1_000.0);
        }
        if wrong.is_empty() {
            return Ok(());
        }
        Err(Error::usage("shop cannot be generated").detail(wrong.join("\n")).hint("correct the options"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_out_of_range_is_told_at_once() {
        assert!(Parameters::new(1, 50_000).check().is_ok());
        let mut parameters = Parameters::new(1, 0);
        parameters.season = f64::NAN;
        parameters.spend.q = 1.0;
        insta::assert_snapshot!(parameters.check().unwrap_err().report());
    }
}
