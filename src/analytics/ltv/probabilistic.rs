//! The probabilistic estimators: a model of buying and leaving for purchases, Gamma-Gamma for their value, fitted to histories alone.
//!
//! Revenue over the horizon is expected purchases times expected order value, as in P. S. Fader, B. G. S. Hardie, K. L. Lee (2005), RFM and
//! CLV: Using Iso-Value Curves for Customer Base Analysis, Journal of Marketing Research 42(4); the two are taken as independent.
//! The first purchase counts among the orders where a feature tells its value (`spend::KnownOrders`).
//! No outcome after an earlier cut is needed, so these work from the first day that has enough repeat customers.

use super::HORIZON_DAYS_MAX;
use super::estimator::{Customers, Estimator, Family, Fit, Prediction, Refusal, Training};
use super::facts;
use super::input::DAYS_OF_A_WEEK;
use super::interval::{self, Intervals};
use super::process::choice::{self, PurchaseFit};
use super::process::grouping::{Groups, History};
use super::process::{BgNbd, MbgNbd, Nbd, ParetoNbd, PurchaseProcess};
use super::reason::Reason;
use super::spend::{KnownOrders, SpendFit};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// All of them; enrolment is one line here and one in `PROCESSES`.
pub static PROBABILISTIC: &[&dyn Estimator] =
    &[&Probabilistic(&MbgNbd), &Probabilistic(&ParetoNbd), &Probabilistic(&BgNbd), &Probabilistic(&Nbd)];

/// A process of purchases, with Gamma-Gamma.
#[derive(Clone, Copy)]
pub struct Probabilistic(pub &'static dyn PurchaseProcess);

/// Its fit.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ProbabilisticFit {
    purchases: PurchaseFit,
    spend: SpendFit,
    horizon_weeks: f64,
    customers: f64,
    groups: usize,
}

impl Estimator for Probabilistic {
    fn name(&self) -> &'static str {
        self.0.name()
    }

    fn story(&self) -> &'static str {
        self.0.story()
    }

    fn paper(&self) -> &'static str {
        self.0.paper()
    }

    fn family(&self) -> Family {
        Family::Probabilistic
    }

    fn fit(&self, training: &Training<'_>) -> Result<Box<dyn Fit>, Refusal> {
        let fit = self.fit_customers(training.customers, training.horizon_days).map_err(|reason| reason.refusal())?;
        Ok(Box::new(fit))
    }
}

impl Probabilistic {
    /// Fits the histories and values of `customers`, to predict `horizon_days` ahead.
    ///
    /// # Errors
    /// Any reason that refuses.
    pub fn fit_customers(&self, customers: &Customers, horizon_days: f64) -> Result<ProbabilisticFit, Reason> {
        let invalid = customers.histories.iter().filter(|history| !history.is_sound()).count();
        if invalid > 0 {
            return Err(Reason::HistoryInvalid { histories: invalid });
        }
        let (groups, _) = Groups::new(&customers.histories);
        if let Some(reason) = choice::too_few(&groups) {
            return Err(reason);
        }
        let spend = KnownOrders::of(customers).fit(&customers.histories).ok_or(Reason::NoOrderValue)?;
        let purchases = choice::fit_process(self.0, &groups)?;
        if let Some(reason) = purchases.findings().into_iter().find(Reason::is_refusal) {
            return Err(reason);
        }
        Ok(ProbabilisticFit {
            purchases,
            spend,
            // A horizon that is no number is none.
            horizon_weeks: if horizon_days > 0.0 { horizon_days.min(HORIZON_DAYS_MAX) / DAYS_OF_A_WEEK } else { 0.0 },
            customers: groups.customers(),
            groups: groups.rows.len(),
        })
    }
}

impl ProbabilisticFit {
    /// The model of purchases.
    #[must_use]
    pub fn purchases(&self) -> &PurchaseFit {
        &self.purchases
    }

    /// Expected value of an order of each customer.
    #[must_use]
    pub fn order_values(&self, customers: &Customers) -> Vec<f64> {
        let known = KnownOrders::of(customers);
        let value = |(history, mean): (&History, &Option<f64>)| {
            self.spend.expected_order_value(history.repeat_count + known.first, *mean)
        };
        customers.histories.iter().zip(&known.means).map(value).collect()
    }

    /// Quantiles of purchases and value of each customer over the horizon; `seed` decides the draws.
    ///
    /// `customers` must be sound and have the features of the fit.
    #[must_use]
    pub fn intervals(&self, customers: &Customers, seed: u64) -> Intervals {
        let (groups, group_of_customer) = Groups::new(&customers.histories);
        let of = (&groups, group_of_customer.as_slice());
        let means = KnownOrders::of(customers).means;
        interval::intervals(&self.purchases, &self.spend, of, &means, self.horizon_weeks, seed)
    }

    /// What must be known before the numbers are used.
    #[must_use]
    pub fn cautions(&self) -> Vec<Reason> {
        let mut cautions = self.purchases.findings();
        cautions.extend(self.spend.findings());
        cautions
    }
}

impl Fit for ProbabilisticFit {
    /// A history that contradicts itself is predicted nothing.
    fn predict(&self, customers: &Customers) -> Prediction {
        let (groups, group_of_customer) = Groups::new(&customers.histories);
        let (process, theta) = (self.purchases.estimator, &self.purchases.estimate.theta);
        let ahead = groups.by_age(|count, age| {
            let last_purchase_weeks = if count > 0.0 { age } else { 0.0 };
            match (History { repeat_count: count, last_purchase_weeks, age_weeks: age }).is_sound() {
                true => (
                    process.purchases_if_alive(theta, count, age, self.horizon_weeks),
                    process.buys_if_alive(theta, count, age, self.horizon_weeks),
                ),
                false => (0.0, 0.0),
            }
        });
        let by_group: Vec<(f64, f64)> = process
            .alive_by_group(theta, &groups)
            .into_iter()
            .zip(&groups.rows)
            .map(|(alive, group)| match ahead[group.age_index as usize] {
                Some((purchases, buys)) if group.history.is_sound() => (alive * purchases, alive * buys),
                _ => (0.0, 0.0),
            })
            .collect();
        let purchases: Vec<f64> = group_of_customer.iter().map(|group| by_group[*group as usize].0).collect();
        let buys = group_of_customer.iter().map(|group| by_group[*group as usize].1).collect();
        let revenue = self
            .order_values(customers)
            .iter()
            .zip(&purchases)
            .map(|(value, count)| (value * count).min(f64::MAX))
            .collect();
        Prediction { revenue, purchases: Some(purchases), buys: Some(buys) }
    }

    fn facts(&self) -> Value {
        let cautions = self.cautions();
        json!({
            "estimator": self.purchases.estimator.name(),
            "time_unit": "week",
            "parameters": facts::parameters(&self.purchases),
            "standard_errors": facts::standard_errors(&self.purchases),
            "log_likelihood": self.purchases.estimate.log_likelihood,
            "is_dropout_identified": self.purchases.is_dropout_identified(),
            "customers": self.customers,
            "groups": self.groups,
            "spend": facts::spend(&self.spend),
            "fit": self,
            "flags": cautions.iter().map(Reason::code).collect::<Vec<_>>(),
            "warnings": cautions.iter().map(Reason::sentence).collect::<Vec<_>>(),
        })
    }
}

/// A fit as its facts wrote it.
pub(super) fn restore(facts: &Value) -> Option<Box<dyn Fit>> {
    let fit = ProbabilisticFit::deserialize(facts.get("fit")?).ok()?;
    (fit.purchases.estimate.theta.len() == fit.purchases.estimator.parameters().len())
        .then(|| Box::new(fit) as Box<dyn Fit>)
}

#[cfg(test)]
mod tests;
