//! A mixture of two estimators: one that knows how buying fades, one that learnt who comes back.
//!
//! A probabilistic estimator needs no outcomes, so it sees customers age beyond the earlier cut, but it knows nothing of them except
//! dates and values. A regressor knows all features, but takes the customers of the cut for as young as those it learnt from. So the
//! mixture decides *who*, and the probabilistic member *how much in all*, corrected by what it was wrong at the earlier cut.
//!
//! With `P`, `R` the members' predictions divided by their totals: `revenue = c (w √P + (1 - w) √R)²`, the power mean of exponent
//! one half, between the arithmetic mean (which follows the higher member) and the geometric one (which follows the lower).

use super::champion::Objective;
use super::fit_and_predict;
use super::folds::{chosen, out_of_sample, sample, taken};
use super::metrics::{Accuracy, total};
use crate::analytics::ltv::appraisal;
use crate::analytics::ltv::estimator::{Customers, Estimator, Family, Fit, Outcome, Prediction, Refusal, Training};
use serde_json::{Value, json};

/// How far the learnt weight may move from one half: half the way. One earlier cut tells weights badly: over 25 cuts of CDNOW and
/// Online Retail the learnt ones were no better than equal ones, but they leave a member that has failed.
const WEIGHT_TRUST: f64 = 0.5;

/// How much of the error of the total at the earlier cut is expected again. By least squares over 25 cuts of CDNOW and Online Retail
/// it was 0.66; half is the shrunk figure.
const TOTAL_TRUST: f64 = 0.5;

/// The correction of the total stays within a factor of two either way.
const CORRECTION_MAX: f64 = std::f64::consts::LN_2;

/// Weights that are tried.
const WEIGHTS: usize = 11;

/// Most customers of the earlier cut that the weight is learnt from; which ones follows from what the rows say.
const CUSTOMERS_MAX: usize = 50_000;

/// The mixture of two estimators, itself an estimator.
pub struct Blend {
    name: &'static str,
    probabilistic: &'static dyn Estimator,
    regressor: &'static dyn Estimator,
}

impl Blend {
    /// The mixture called `name`; `probabilistic` tells the total.
    #[must_use]
    pub const fn new(
        name: &'static str,
        probabilistic: &'static dyn Estimator,
        regressor: &'static dyn Estimator,
    ) -> Self {
        Blend { name, probabilistic, regressor }
    }
}

impl Estimator for Blend {
    fn name(&self) -> &'static str {
        self.name
    }

    fn story(&self) -> &'static str {
        "Who buys is told by the mean of a model of buying and leaving and a regressor, weighed at an earlier cut; how much in all, by the former."
    }

    fn paper(&self) -> &'static str {
        "Bates, Granger (1969), The Combination of Forecasts, OR 20(4); power mean and shrinkage ours, chosen on CDNOW and Online Retail"
    }

    fn family(&self) -> Family {
        Family::Blend
    }

    fn fit(&self, training: &Training<'_>) -> Result<Box<dyn Fit>, Refusal> {
        let Some((earlier, outcome)) = training.earlier else {
            let reason = "there is no earlier cut with an outcome to weigh the members at".into();
            return Err(Refusal { code: "no_earlier_cut", reason });
        };
        let (probabilistic, first) =
            fit_and_predict(self.probabilistic, training).map_err(|r| self.without(self.probabilistic, &r))?;
        let (regressor, second) =
            fit_and_predict(self.regressor, training).map_err(|r| self.without(self.regressor, &r))?;
        let lesson = self.learn(earlier, outcome, training.horizon_days)?;
        let mut fit = BlendFit {
            names: [self.probabilistic.name(), self.regressor.name()],
            members: [probabilistic, regressor],
            totals: [self.positive_total(self.probabilistic, &first)?, self.positive_total(self.regressor, &second)?],
            weight: lesson.weight,
            scale: 1.0,
            lesson,
        };
        let mixed = total(&fit.mixed(&first, &second));
        let wanted = fit.totals[0] * fit.lesson.correction.exp();
        if !(mixed > 0.0 && (wanted / mixed).is_finite()) {
            let reason = "the members' predictions have nothing in common to mix".into();
            return Err(Refusal { code: "no_total", reason });
        }
        fit.scale = wanted / mixed;
        Ok(Box::new(fit))
    }
}

/// What the earlier cut taught.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Lesson {
    /// Best weight of the probabilistic member there.
    best_weight: f64,
    /// That weight, drawn towards one half.
    weight: f64,
    /// Logarithm of actual over predicted total of the probabilistic member there.
    total_error: f64,
    /// The part of it that is expected again.
    correction: f64,
}

impl Blend {
    /// A fit as its facts wrote it; none where a member's cannot be had back.
    #[must_use]
    pub fn restore(&self, facts: &Value) -> Option<Box<dyn Fit>> {
        let members = facts.get("members")?.as_array()?;
        let [first, second] = members.as_slice() else { return None };
        let number = |of: &Value, name: &str| of.get(name).and_then(Value::as_f64).filter(|value| value.is_finite());
        let restored = |member: &dyn Estimator, facts: &Value| {
            (facts.get("estimator")?.as_str()? == member.name())
                .then(|| appraisal::restore(member.name(), facts.get("facts")?))
                .flatten()
        };
        let correction = number(facts, "correction_of_total")?;
        let weight = number(first, "weight")?;
        Some(Box::new(BlendFit {
            names: [self.probabilistic.name(), self.regressor.name()],
            members: [restored(self.probabilistic, first)?, restored(self.regressor, second)?],
            totals: [number(first, "total")?, number(second, "total")?],
            weight,
            scale: number(facts, "scale")?,
            lesson: Lesson {
                best_weight: number(facts, "best_weight_at_earlier_cut")?,
                weight,
                total_error: number(facts, "log_error_of_total_at_earlier_cut")?,
                correction: correction.ln(),
            },
        }))
    }

    fn without(&self, member: &dyn Estimator, refusal: &Refusal) -> Refusal {
        let reason = format!("its member \"{}\" refused ({}): {}", member.name(), refusal.code, refusal.reason);
        Refusal { code: "member_refused", reason }
    }

    fn positive_total(&self, member: &dyn Estimator, prediction: &Prediction) -> Result<f64, Refusal> {
        let sum = total(&prediction.revenue.iter().map(|value| value.max(0.0)).collect::<Vec<_>>());
        if sum > 0.0 && sum.is_finite() {
            return Ok(sum);
        }
        let reason = format!("its member \"{}\" predicts a total of {sum}", member.name());
        Err(Refusal { code: "no_total", reason })
    }

    /// Weighs the members at the earlier cut, by predictions that did not see the outcomes they are held against.
    fn learn(&self, earlier: &Customers, outcome: &Outcome, horizon_days: f64) -> Result<Lesson, Refusal> {
        let rows = sample(earlier, CUSTOMERS_MAX);
        let (customers, outcome) = (
            chosen(earlier, &rows),
            Outcome { revenue: taken(&outcome.revenue, &rows), purchases: taken(&outcome.purchases, &rows) },
        );
        let of = |member: &'static dyn Estimator| {
            out_of_sample(member, &customers, &outcome, horizon_days).map_err(|refusal| self.without(member, &refusal))
        };
        let (first, second) = (of(self.probabilistic)?, of(self.regressor)?);
        let totals = [self.positive_total(self.probabilistic, &first)?, self.positive_total(self.regressor, &second)?];
        let actual = total(&outcome.revenue);
        // Without revenue there is nothing to learn, and nothing is unlearnt.
        if actual.is_nan() || actual <= 0.0 {
            return Ok(Lesson { best_weight: 0.5, weight: 0.5, total_error: 0.0, correction: 0.0 });
        }
        let loss = |weight: f64| {
            let mixed = power_mean(&first.revenue, &second.revenue, totals, weight);
            let scale = actual / total(&mixed);
            let revenue = mixed.iter().map(|value| value * scale).collect();
            // With the totals made equal, the loss is about errors and order alone.
            Objective::Balanced.losses(&Accuracy::of(&Prediction { revenue, ..Prediction::default() }, &outcome), 1).0
        };
        let tried = (0..WEIGHTS).map(|step| step as f64 / (WEIGHTS - 1) as f64).map(|weight| (weight, loss(weight)));
        let best_weight = tried
            .filter(|(_, loss)| loss.is_finite())
            .min_by(|left, right| left.1.total_cmp(&right.1))
            .map_or(0.5, |(weight, _)| weight);
        let total_error = (actual / totals[0]).ln();
        Ok(Lesson {
            best_weight,
            weight: 0.5 + WEIGHT_TRUST * (best_weight - 0.5),
            total_error,
            correction: (TOTAL_TRUST * total_error).clamp(-CORRECTION_MAX, CORRECTION_MAX),
        })
    }
}

/// `(w √(p / P) + (1 - w) √(r / R))²` for each customer; what is below 0 counts as 0.
fn power_mean(first: &[f64], second: &[f64], totals: [f64; 2], weight: f64) -> Vec<f64> {
    let root = |value: f64, total: f64| (value.max(0.0) / total).sqrt();
    first
        .iter()
        .zip(second)
        .map(|(p, r)| (weight * root(*p, totals[0]) + (1.0 - weight) * root(*r, totals[1])).powi(2))
        .collect()
}

/// A fitted mixture. Its scale belongs to the customers of the training, so that a customer's value is the same in any company.
struct BlendFit {
    names: [&'static str; 2],
    members: [Box<dyn Fit>; 2],
    totals: [f64; 2],
    weight: f64,
    scale: f64,
    lesson: Lesson,
}

impl BlendFit {
    fn mixed(&self, first: &Prediction, second: &Prediction) -> Vec<f64> {
        power_mean(&first.revenue, &second.revenue, self.totals, self.weight)
    }

    /// The weighted mean of what both tell, or what one of them tells.
    fn either(&self, first: Option<Vec<f64>>, second: Option<Vec<f64>>) -> Option<Vec<f64>> {
        match (first, second) {
            (Some(first), Some(second)) => {
                let mean = |(p, r): (&f64, &f64)| self.weight * p + (1.0 - self.weight) * r;
                Some(first.iter().zip(&second).map(mean).collect())
            }
            (first, second) => first.or(second),
        }
    }
}

impl Fit for BlendFit {
    fn predict(&self, customers: &Customers) -> Prediction {
        let (first, second) = (self.members[0].predict(customers), self.members[1].predict(customers));
        let revenue = self.mixed(&first, &second).into_iter().map(|value| value * self.scale).collect();
        Prediction {
            revenue,
            purchases: self.either(first.purchases, second.purchases),
            buys: self.either(first.buys, second.buys),
        }
    }

    fn facts(&self) -> Value {
        json!({
            "members": [
                { "estimator": self.names[0], "weight": self.weight, "total": self.totals[0], "facts": self.members[0].facts() },
                { "estimator": self.names[1], "weight": 1.0 - self.weight, "total": self.totals[1], "facts": self.members[1].facts() },
            ],
            "best_weight_at_earlier_cut": self.lesson.best_weight,
            "log_error_of_total_at_earlier_cut": self.lesson.total_error,
            "correction_of_total": self.lesson.correction.exp(),
            "scale": self.scale,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{AGAIN, MEAN, Rule, Small, origin};
    use super::super::{backtest, window::Origin};
    use super::*;

    /// Knows the order, but predicts half the total.
    static HALF: Small = Small("half", Family::Probabilistic, |_| Ok(Box::new(Rule(|spent| spent, 0.5))));
    /// Has the order upside down.
    static UPSIDE_DOWN: Small =
        Small("upside_down", Family::Regressor, |_| Ok(Box::new(Rule(|spent| 60.0 - spent, 1.0))));
    static REFUSES: Small = Small("refuses", Family::Probabilistic, |_| {
        Err(Refusal { code: "dropout_unidentified", reason: "nobody leaves.".into() })
    });
    static ZERO: Small = Small("zero", Family::Regressor, |_| Ok(Box::new(Rule(|_| 0.0, 1.0))));

    fn fitted(blend: &Blend, earlier: &Origin, now: &Origin) -> Result<Box<dyn Fit>, Refusal> {
        let earlier = Some((&earlier.customers, &earlier.outcome));
        blend.fit(&Training { customers: &now.customers, earlier, horizon_days: 30.0 })
    }

    fn code(blend: &Blend, earlier: &Origin, now: &Origin) -> &'static str {
        fitted(blend, earlier, now).err().expect("refused").code
    }

    #[test]
    fn half_of_the_earlier_error_of_the_total_is_taken_back() {
        let (earlier, now) = (origin(0, 1.0), origin(30, 1.0));
        let fit = fitted(&Blend::new("blend", &HALF, &AGAIN), &earlier, &now).expect("fitted");
        let (spent, actual) = (60.0 * 59.0 / 2.0, earlier.outcome.revenue.iter().sum::<f64>());
        let expected = 0.5 * spent * (actual / (0.5 * spent)).sqrt();
        let predicted = total(&fit.predict(&now.customers).revenue);
        assert!((predicted / expected - 1.0).abs() < 1e-12, "{predicted} {expected}");
        // The members agree on shares, so the mixture has them too.
        let first = fit.predict(&now.customers).revenue;
        assert!((first[40] / first[20] - 2.0).abs() < 1e-12);
    }

    #[test]
    fn a_member_that_fails_loses_half_of_its_weight() {
        let fit = fitted(&Blend::new("blend", &HALF, &UPSIDE_DOWN), &origin(0, 1.0), &origin(30, 1.0)).expect("fitted");
        let facts = fit.facts();
        let weight = facts["members"][0]["weight"].as_f64().expect("a number");
        let best = facts["best_weight_at_earlier_cut"].as_f64().expect("a number");
        assert!(best > 0.75 && (weight - (0.25 + best / 2.0)).abs() < 1e-12, "{facts}");
    }

    #[test]
    fn a_customer_is_worth_the_same_in_any_company() {
        let now = origin(30, 1.0);
        let fit = fitted(&Blend::new("blend", &HALF, &MEAN), &origin(0, 1.0), &now).expect("fitted");
        let all = fit.predict(&now.customers).revenue;
        assert_eq!(fit.predict(&chosen(&now.customers, &[7, 3])).revenue, [all[7], all[3]]);
    }

    #[test]
    fn nothing_after_the_cut_and_no_order_of_rows_reaches_a_fit() {
        static BLEND: Blend = Blend::new("blend", &HALF, &MEAN);
        let mut origins = vec![origin(0, 1.0), origin(30, 2.0), origin(60, 1.5)];
        let before = backtest(&origins, &[&BLEND], 30.0).expect("origins");
        origins[2].outcome.revenue.iter_mut().for_each(|revenue| *revenue *= 9.0);
        let after = backtest(&origins, &[&BLEND], 30.0).expect("origins");
        assert_eq!(before.trials[0].total_at(2).map(|pair| pair.0), after.trials[0].total_at(2).map(|pair| pair.0));
        assert_eq!(before.trials[0].verdicts[1], after.trials[0].verdicts[1]);
        let rows: Vec<usize> = (0..60).rev().collect();
        let turned = Origin {
            customers: chosen(&origins[0].customers, &rows),
            outcome: Outcome {
                revenue: taken(&origins[0].outcome.revenue, &rows),
                purchases: taken(&origins[0].outcome.purchases, &rows),
            },
            ..origins[0].clone()
        };
        let straight = fitted(&BLEND, &origins[0], &origins[1]).expect("fitted").predict(&origins[1].customers);
        let other = fitted(&BLEND, &turned, &origins[1]).expect("fitted").predict(&origins[1].customers);
        assert!(straight.revenue.iter().zip(&other.revenue).all(|(a, b)| (a - b).abs() < 1e-9 * a.abs().max(1.0)));
    }

    #[test]
    fn a_member_that_refuses_or_predicts_nothing_is_named() {
        let (earlier, now) = (origin(0, 1.0), origin(30, 1.0));
        let refusal = fitted(&Blend::new("blend", &REFUSES, &MEAN), &earlier, &now).err().expect("refused");
        assert_eq!(refusal.reason, "its member \"refuses\" refused (dropout_unidentified): nobody leaves.");
        assert_eq!(code(&Blend::new("blend", &HALF, &ZERO), &earlier, &now), "no_total");
        let none = Blend::new("blend", &HALF, &MEAN).fit(&Training {
            customers: &now.customers,
            earlier: None,
            horizon_days: 30.0,
        });
        assert_eq!(none.err().map(|refusal| refusal.code), Some("no_earlier_cut"));
        // Nobody bought at the earlier cut: equal weights, no correction.
        let fit = fitted(&Blend::new("blend", &HALF, &AGAIN), &origin(0, 0.0), &now).expect("fitted");
        assert_eq!(fit.facts()["correction_of_total"], 1.0);
    }
}
