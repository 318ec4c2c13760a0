//! Models of repeat purchases and silent dropout: what each must tell, and the one list of them.

pub mod bg_nbd;
pub mod choice;
mod coin;
pub mod grouping;
pub mod mbg_nbd;
pub mod nbd;
pub mod pareto_nbd;

pub use bg_nbd::BgNbd;
pub use mbg_nbd::MbgNbd;
pub use nbd::Nbd;
pub use pareto_nbd::ParetoNbd;

use crate::analytics::math::random::Random;
use crate::error::{Error, Result};
use grouping::{Groups, History};

/// All estimators of purchases; enrolment is one line here.
pub static PROCESSES: &[&dyn PurchaseProcess] = &[&MbgNbd, &ParetoNbd, &BgNbd, &Nbd];

/// The name that leaves the choice to the data.
pub const AUTO: &str = "auto";

/// A parameter of an estimator.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Parameter {
    /// The paper's symbol.
    pub name: &'static str,
    /// What it says.
    pub role: Role,
}

/// What a parameter describes; decides its bounds and what is lost when the data cannot tell it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Shape of the purchase rates over customers.
    PurchaseShape,
    /// Scale of the purchase rates, in weeks.
    PurchaseScale,
    /// Shape of the dropout over customers.
    DropoutShape,
    /// Scale of the dropout, in weeks.
    DropoutScale,
}

impl Role {
    /// Whether it describes dropout.
    #[must_use]
    pub fn is_dropout(self) -> bool {
        matches!(self, Role::DropoutShape | Role::DropoutScale)
    }

    /// Smallest and largest value that a fit may reach.
    #[must_use]
    pub fn bounds(self) -> (f64, f64) {
        match self {
            Role::PurchaseShape => (1e-4, 1e4),
            Role::DropoutShape => (1e-3, 1e4),
            Role::PurchaseScale => (1e-3, 1e5),
            // Two centuries: beyond it nobody could be seen to drop out.
            Role::DropoutScale => (0.1, 1e4),
        }
    }
}

/// One moment `u` weeks after the first purchase in the life of a customer with `x` repeat purchases.
///
/// In all of these models `P(alive | x, t_x, T) = 1 / (exp(ln_density(t_x) - ln_density(T)) gone_after(t_x) + 1 - gone_by(T))`: two rows of a
/// table over `(x, u)` tell what would take one over `(x, t_x, T)`, which has some thirty times as many.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LifeMoment {
    /// Logarithm of the likelihood of buying until `u` and living on, up to a part of `x` alone.
    pub ln_density: f64,
    /// Chance, or odds, of leaving after a last purchase at `u`.
    pub gone_after: f64,
    /// Chance, seen from `u`, of leaving before the next purchase.
    pub gone_by: f64,
}

impl LifeMoment {
    /// `P(alive)` at `age`, of a customer who bought last at `last`.
    #[must_use]
    pub fn alive(last: &LifeMoment, age: &LifeMoment) -> f64 {
        // Nobody leaves: the densities, which may underflow, say nothing.
        if last.gone_after == 0.0 {
            return 1.0;
        }
        let fall = (age.ln_density - last.ln_density).min(0.0).exp();
        (fall / (last.gone_after + fall * (1.0 - age.gone_by))).min(1.0)
    }
}

/// A process by its name, for facts of a fit.
pub(in crate::analytics::ltv) mod by_name {
    use super::{PROCESSES, PurchaseProcess};
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub fn serialize<S: Serializer>(process: &&'static dyn PurchaseProcess, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(process.name())
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<&'static dyn PurchaseProcess, D::Error> {
        let name = String::deserialize(from)?;
        let known = PROCESSES.iter().copied().find(|process| process.name() == name);
        known.ok_or_else(|| D::Error::custom(format!("process \"{name}\" is unknown")))
    }
}

/// A model of repeat purchases and silent dropout ("buy till you die"). Times are in weeks, `theta` follows [`PurchaseProcess::parameters`].
pub trait PurchaseProcess: Send + Sync {
    /// Name as in `config(estimator='...')`.
    fn name(&self) -> &'static str;

    /// Its assumptions in one sentence.
    fn story(&self) -> &'static str;

    /// Where the formulas come from.
    fn paper(&self) -> &'static str;

    /// Whether `auto` may choose it; if not, the reason.
    fn objection_to_auto(&self) -> Option<&'static str> {
        None
    }

    /// The parameters, in the order of every `theta`.
    fn parameters(&self) -> &'static [Parameter];

    /// Parameters to start the search from.
    fn starts(&self, groups: &Groups) -> Vec<Vec<f64>>;

    /// Log-likelihood of all customers, time in weeks.
    fn log_likelihood(&self, theta: &[f64], groups: &Groups) -> f64;

    /// Log-likelihood and its derivatives by each parameter, if the estimator has them in closed form.
    fn log_likelihood_gradient(&self, theta: &[f64], groups: &Groups) -> Option<(f64, Vec<f64>)> {
        let _ = (theta, groups);
        None
    }

    /// What a moment says of being alive, so that `P(alive)` is told by two of them; see [`LifeMoment`].
    fn life(&self, theta: &[f64], repeat_count: f64, weeks: f64) -> LifeMoment;

    /// Probability that the customer has not dropped out by the end of observation.
    fn probability_alive(&self, theta: &[f64], history: &History) -> f64;

    /// The same for every group.
    fn alive_by_group(&self, theta: &[f64], groups: &Groups) -> Vec<f64> {
        groups.rows.iter().map(|group| self.probability_alive(theta, &group.history)).collect()
    }

    /// Expected purchases in the `weeks` after the age `T` of a customer with `x` repeat purchases who is still alive then.
    ///
    /// In all of these models the last purchase matters for being alive only, so this depends on `(x, T)` alone.
    fn purchases_if_alive(&self, theta: &[f64], repeat_count: f64, age_weeks: f64, weeks: f64) -> f64;

    /// Probability of at least one purchase in the `weeks` after the age `T`, of the same customer.
    fn buys_if_alive(&self, theta: &[f64], repeat_count: f64, age_weeks: f64, weeks: f64) -> f64;

    /// Draws how many purchases the same customer makes in the `weeks` after the age `T`.
    fn draw_if_alive(&self, theta: &[f64], repeat_count: f64, age_weeks: f64, weeks: f64, random: &mut Random) -> f64;

    /// Expected purchases in the `weeks` after the end of observation.
    fn expected_purchases(&self, theta: &[f64], history: &History, weeks: f64) -> f64 {
        self.probability_alive(theta, history)
            * self.purchases_if_alive(theta, history.repeat_count, history.age_weeks, weeks)
    }

    /// Probability of at least one purchase in the `weeks` after the end of observation.
    fn purchase_probability(&self, theta: &[f64], history: &History, weeks: f64) -> f64 {
        self.probability_alive(theta, history)
            * self.buys_if_alive(theta, history.repeat_count, history.age_weeks, weeks)
    }

    /// Expected repeat purchases of a customer in the first `weeks` after the first purchase.
    fn expected_purchases_of_new(&self, theta: &[f64], weeks: f64) -> f64 {
        self.expected_purchases(theta, &History::NEW, weeks)
    }
}

impl std::fmt::Debug for dyn PurchaseProcess {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(self.name())
    }
}

/// The estimators that a name asks for: one, or all for `auto`.
pub fn requested(name: &str) -> Result<Vec<&'static dyn PurchaseProcess>> {
    if name == AUTO {
        return Ok(PROCESSES.to_vec());
    }
    let names = PROCESSES.iter().map(|estimator| estimator.name()).collect::<Vec<_>>().join(", ");
    match PROCESSES.iter().find(|estimator| estimator.name() == name) {
        Some(estimator) => Ok(vec![*estimator]),
        None => Err(Error::config(format!("estimator \"{name}\" is unknown"))
            .detail(format!("The estimators are: {AUTO}, {names}."))
            .hint(format!("set estimator='{AUTO}' in the model's config"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analytics::ltv::cdnow::history;
    use proptest::prelude::*;

    #[test]
    fn names_are_unique_and_an_unknown_one_lists_them() {
        let mut names: Vec<_> = PROCESSES.iter().map(|estimator| estimator.name()).collect();
        names.sort_unstable();
        assert_eq!(names, ["bg_nbd", "mbg_nbd", "nbd", "pareto_nbd"]);
        let error = requested("prophet").expect_err("unknown");
        assert_eq!(error.detail.as_deref(), Some("The estimators are: auto, mbg_nbd, pareto_nbd, bg_nbd, nbd."));
    }

    prop_compose! {
        /// Parameters and a history over the range that bounds and data allow, extremes included.
        fn any_case()(
            ln_theta in prop::collection::vec(-6.0f64..7.0, 4),
            x in prop_oneof![Just(0.0f64), 1.0..20.0f64, 20.0..3000.0f64],
            last_share in prop_oneof![Just(0.0f64), Just(1.0f64), 0.0..1.0f64],
            age in 0.1f64..1000.0,
            weeks in 0.01f64..520.0,
        ) -> (Vec<f64>, History, f64) {
            let x = x.floor();
            let last = if x == 0.0 { 0.0 } else { last_share * age };
            (ln_theta.into_iter().map(f64::exp).collect(), history(x, last, age), weeks)
        }
    }

    proptest! {
        #[test]
        fn every_prediction_is_finite_and_inside_its_range((theta, history, weeks) in any_case()) {
            for estimator in PROCESSES {
                let name = estimator.name();
                let alive = estimator.probability_alive(&theta, &history);
                let buys = estimator.purchase_probability(&theta, &history, weeks);
                let expected = estimator.expected_purchases(&theta, &history, weeks);
                prop_assert!((0.0..=1.0).contains(&alive), "{}: alive {}", name, alive);
                let life = |weeks: f64| estimator.life(&theta, history.repeat_count, weeks);
                let by_moments = LifeMoment::alive(&life(history.last_purchase_weeks), &life(history.age_weeks));
                prop_assert!((by_moments - alive).abs() <= 1e-8 * alive + 1e-300, "{}: {} {}", name, by_moments, alive);
                prop_assert!((0.0..=1.0).contains(&buys), "{}: buys {}", name, buys);
                prop_assert!(expected.is_finite() && expected >= 0.0, "{}: expected {}", name, expected);
                // No purchase without life, and Markov's inequality.
                prop_assert!(buys <= alive * (1.0 + 1e-9) + 1e-14, "{}: buys {} alive {}", name, buys, alive);
                prop_assert!(buys <= expected * (1.0 + 1e-8) + 1e-13, "{}: buys {} expected {}", name, buys, expected);
                let likelihood = estimator.log_likelihood(&theta, &Groups::new(&[history]).0);
                prop_assert!(likelihood.is_finite(), "{}: {}", name, likelihood);
            }
        }

        #[test]
        fn predictions_grow_with_the_window((theta, history, weeks) in any_case(), more in 1.01f64..3.0) {
            for estimator in PROCESSES {
                let name = estimator.name();
                let short = estimator.expected_purchases(&theta, &history, weeks);
                let long = estimator.expected_purchases(&theta, &history, weeks * more);
                prop_assert!(long >= short * (1.0 - 1e-10), "{}: {} then {}", name, short, long);
                let short = estimator.purchase_probability(&theta, &history, weeks);
                let long = estimator.purchase_probability(&theta, &history, weeks * more);
                prop_assert!(long >= short - 1e-12, "{}: {} then {}", name, short, long);
            }
        }

        #[test]
        fn a_short_window_holds_one_purchase_or_none((theta, history, _) in any_case()) {
            for estimator in PROCESSES {
                // Over a time much shorter than 1 / rate the expected number is the probability of one.
                let rate = (theta[0] + history.repeat_count) / (theta[1] + history.age_weeks);
                let weeks = 1e-4 / rate.max(1.0);
                let expected = estimator.expected_purchases(&theta, &history, weeks);
                let buys = estimator.purchase_probability(&theta, &history, weeks);
                prop_assert!((buys - expected).abs() <= 3e-4 * expected + 1e-13, "{}: {} {}", estimator.name(), buys, expected);
            }
        }

        #[test]
        fn closed_gradients_are_those_of_the_likelihood((theta, history, _) in any_case()) {
            let (groups, _) = Groups::new(&[history, History { repeat_count: 0.0, last_purchase_weeks: 0.0, ..history }]);
            for estimator in PROCESSES {
                let Some((value, gradient)) = estimator.log_likelihood_gradient(&theta, &groups) else { continue };
                let direct = estimator.log_likelihood(&theta, &groups);
                prop_assert!((value - direct).abs() <= 1e-9 * direct.abs().max(1.0));
                let logs: Vec<f64> = theta.iter().map(|value| value.ln()).collect();
                let numeric = crate::analytics::math::minimize::central_gradient(
                    |logs| estimator.log_likelihood(&logs.iter().map(|log| log.exp()).collect::<Vec<_>>(), &groups),
                    &logs,
                );
                for i in 0..estimator.parameters().len() {
                    let ours = gradient[i] * theta[i];
                    // Differences of a value of this size carry this much rounding.
                    let noise = 1e-9 * (1.0 + direct.abs() + theta.iter().sum::<f64>() + history.repeat_count) * 10.0;
                    prop_assert!((ours - numeric[i]).abs() <= 1e-5 * ours.abs() + noise, "{}: {} {}", i, ours, numeric[i]);
                }
            }
        }
    }
}
