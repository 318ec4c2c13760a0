//! What is known of customers from the start (channel, country, first basket) as effects on their rates of purchase and dropout.
//!
//! P. S. Fader, B. G. S. Hardie (2007), Incorporating Time-Invariant Covariates into the Pareto/NBD and BG/NBD Models: with covariates
//! `z1` and `z2`, `alpha_i = alpha exp(-γ1 z1)` and, in Pareto/NBD, `beta_i = beta exp(-γ2 z2)`, so that a positive effect is a
//! higher rate; in BG/NBD and MBG/NBD `a_i = a exp(γ2 z2)` and `b_i = b exp(γ2 z2)`, as CLVTools has it: the mean dropout stays, and a
//! positive effect makes customers more alike in it. All formulas of the process then hold for each customer with the own parameters.
//!
//! Covariates are centred and scaled for the search; what is told is in their own units, and the parameters are those at `z = 0`.

use super::estimate::{Estimate, Likelihood, ROWS_TO_START_ON, maximize};
use super::estimator::Feature;
use super::process::choice::{PurchaseFit, too_few};
use super::process::grouping::{Groups, History};
use super::process::{PurchaseProcess, Role};
use super::reason::Reason;
use statrs::distribution::{ChiSquared, ContinuousCDF};
use std::collections::BTreeMap;

/// Effects beyond this, for a standard deviation of the covariate, are not followed: a factor of 150.
const EFFECT_MAX: f64 = 5.0;

/// An estimated effect, in units of the covariate.
#[derive(Clone, Debug, PartialEq)]
pub struct Effect {
    /// Name of the covariate.
    pub name: String,
    /// Whether it is on dropout; otherwise on purchases.
    pub on_dropout: bool,
    /// The coefficient `γ`.
    pub value: f64,
    /// Its standard error; `None` where the data do not tell.
    pub standard_error: Option<f64>,
}

/// The fit with covariates, and how it compares with the one without.
#[derive(Clone, Debug)]
pub struct CovariateFit {
    /// The process with its parameters at `z = 0`.
    pub base: PurchaseFit,
    /// Effects on purchases, then on dropout, in the order given.
    pub effects: Vec<Effect>,
    /// Twice the gain of log-likelihood over the fit without covariates.
    pub ratio_statistic: f64,
    /// Probability of such a gain if no covariate had an effect: chi squared with as many degrees as effects.
    pub p_value: f64,
}

/// Customers of one vector of covariates.
struct Class {
    z: Vec<f64>,
    groups: Groups,
}

struct Classes<'a> {
    process: &'static dyn PurchaseProcess,
    classes: Vec<Class>,
    on_dropout: &'a [bool],
}

/// By how much `γ z` moves the logarithm of a parameter: -1 for scales, +1 for shapes of dropout, 0 for others.
fn direction(process: &dyn PurchaseProcess, role: Role, on_dropout: bool) -> f64 {
    let has_scale = process.parameters().iter().any(|parameter| parameter.role == Role::DropoutScale);
    match (role, on_dropout) {
        (Role::PurchaseScale, false) | (Role::DropoutScale, true) => -1.0,
        (Role::DropoutShape, true) if !has_scale => 1.0,
        _ => 0.0,
    }
}

/// Parameters of a customer with covariates `z`, given those at 0 and the effects.
fn moved(process: &dyn PurchaseProcess, theta: &[f64], effects: &[(bool, f64)]) -> Vec<f64> {
    let parameters = process.parameters().iter();
    parameters
        .zip(theta)
        .map(|(parameter, value)| {
            let ln_factor: f64 = effects
                .iter()
                .map(|(on_dropout, effect)| direction(process, parameter.role, *on_dropout) * effect)
                .sum();
            let (low, high) = parameter.role.bounds();
            (value * ln_factor.exp()).clamp(low * 1e-3, high * 1e3)
        })
        .collect()
}

impl Classes<'_> {
    /// The last entries of `parameters` are `exp(γ)`, so that the search over logarithms sees `γ` itself.
    fn theta_of(&self, parameters: &[f64], class: &Class) -> Vec<f64> {
        let (theta, coefficients) = parameters.split_at(self.process.parameters().len());
        let effects = coefficients.iter().zip(&class.z).zip(self.on_dropout).map(|((g, z), on)| (*on, g.ln() * z));
        moved(self.process, theta, &effects.collect::<Vec<_>>())
    }
}

impl Likelihood for Classes<'_> {
    fn log_likelihood(&self, parameters: &[f64]) -> f64 {
        let of = |class: &Class| self.process.log_likelihood(&self.theta_of(parameters, class), &class.groups);
        self.classes.iter().map(of).sum()
    }

    fn gradient(&self, parameters: &[f64]) -> Option<(f64, Vec<f64>)> {
        let count = self.process.parameters().len();
        let (mut sum, mut gradient) = (0.0, vec![0.0; parameters.len()]);
        for class in &self.classes {
            let theta = self.theta_of(parameters, class);
            let (value, slope) = self.process.log_likelihood_gradient(&theta, &class.groups)?;
            sum += value;
            for (i, parameter) in self.process.parameters().iter().enumerate() {
                let by_logarithm = slope[i] * theta[i];
                gradient[i] += by_logarithm / parameters[i];
                for (k, on_dropout) in self.on_dropout.iter().enumerate() {
                    let ln_moved = direction(self.process, parameter.role, *on_dropout) * class.z[k];
                    gradient[count + k] += by_logarithm * ln_moved / parameters[count + k];
                }
            }
        }
        Some((sum, gradient))
    }

    fn size(&self) -> f64 {
        self.classes.iter().map(|class| class.groups.customers()).sum()
    }
}

/// Fits a process with covariates on the rates of purchase and of dropout; the histories must be sound.
///
/// # Errors
/// Too few repeat customers; a covariate that is not finite or does not vary, or that has nothing to act upon; a likelihood that is
/// nowhere finite.
pub fn fit(
    process: &'static dyn PurchaseProcess,
    histories: &[History],
    on_purchases: &[Feature],
    on_dropout: &[Feature],
) -> Result<CovariateFit, Reason> {
    let covariates: Vec<(&Feature, bool)> = on_purchases
        .iter()
        .map(|feature| (feature, false))
        .chain(on_dropout.iter().map(|feature| (feature, true)))
        .collect();
    let (all, _) = Groups::new(histories);
    if let Some(reason) = too_few(&all) {
        return Err(reason);
    }
    let mut scales = Vec::new();
    for (feature, on_dropout) in &covariates {
        let acts = process.parameters().iter().any(|p| direction(process, p.role, *on_dropout) != 0.0);
        match scale(&feature.values, histories.len()) {
            Some(scale) if acts => scales.push(scale),
            _ => return Err(Reason::CovariateInvalid { name: feature.name.clone() }),
        }
    }
    let flags: Vec<bool> = covariates.iter().map(|(_, on_dropout)| *on_dropout).collect();
    let mut by_z: BTreeMap<Vec<u64>, Vec<usize>> = BTreeMap::new();
    for i in 0..histories.len() {
        let key = covariates.iter().map(|(feature, _)| (feature.values[i] + 0.0).to_bits()).collect();
        by_z.entry(key).or_default().push(i);
    }
    let classes: Vec<Class> = by_z
        .into_values()
        .map(|members| {
            let z = covariates.iter().zip(&scales);
            let z =
                z.map(|((feature, _), (mean, deviation))| (feature.values[members[0]] - mean) / deviation).collect();
            let own: Vec<History> = members.iter().map(|i| histories[*i]).collect();
            Class { z, groups: Groups::new(&own).0 }
        })
        .collect();
    let every = all.rows.len().div_ceil(ROWS_TO_START_ON).max(1);
    let thin = |class: &Class| {
        let rows = class.groups.rows.len().div_ceil(every);
        Class { z: class.z.clone(), groups: class.groups.thinned(rows) }
    };
    let thinned = Classes { process, classes: classes.iter().map(thin).collect(), on_dropout: &flags };
    let all_classes = Classes { process, classes, on_dropout: &flags };
    let mut starts = process.starts(&all);
    starts.iter_mut().for_each(|start| start.extend(flags.iter().map(|_| 1.0)));
    let mut bounds: Vec<(f64, f64)> = process.parameters().iter().map(|parameter| parameter.role.bounds()).collect();
    bounds.extend(flags.iter().map(|_| ((-EFFECT_MAX).exp(), EFFECT_MAX.exp())));
    let none = Reason::LikelihoodNotFinite { estimator: process.name() };
    let estimate = maximize(&thinned, &all_classes, &starts, &bounds).ok_or_else(|| none.clone())?;
    let without = super::process::choice::fit_process(process, &all)?;
    let ratio_statistic = (2.0 * (estimate.log_likelihood - without.estimate.log_likelihood)).max(0.0);
    let p_value = match ChiSquared::new(flags.len() as f64) {
        Ok(distribution) => distribution.sf(ratio_statistic),
        Err(_) => 1.0,
    };
    let (base, effects) = in_own_units(process, &estimate, &covariates, &scales);
    Ok(CovariateFit { base, effects, ratio_statistic, p_value })
}

impl CovariateFit {
    /// Parameters of a customer with these covariates, in the order of [`CovariateFit::effects`]; for the formulas of the process.
    #[must_use]
    pub fn theta_of(&self, covariates: &[f64]) -> Vec<f64> {
        let effects = self.effects.iter().zip(covariates).map(|(effect, z)| (effect.on_dropout, effect.value * z));
        moved(self.base.estimator, &self.base.estimate.theta, &effects.collect::<Vec<_>>())
    }
}

/// Mean and deviation of a covariate that is finite, complete and varies.
fn scale(values: &[f64], customers: usize) -> Option<(f64, f64)> {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let deviation = (values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / n).sqrt();
    (values.len() == customers && deviation.is_finite() && deviation > 1e-12 * mean.abs().max(f64::MIN_POSITIVE))
        .then_some((mean, deviation))
}

/// From centred and scaled covariates to their own units: linear in the logarithms, so the covariance moves along.
fn in_own_units(
    process: &'static dyn PurchaseProcess,
    estimate: &Estimate,
    covariates: &[(&Feature, bool)],
    scales: &[(f64, f64)],
) -> (PurchaseFit, Vec<Effect>) {
    let count = process.parameters().len();
    let size = estimate.theta.len();
    let mut step = vec![vec![0.0; size]; size];
    for (i, parameter) in process.parameters().iter().enumerate() {
        step[i][i] = 1.0;
        for (k, (mean, deviation)) in scales.iter().enumerate() {
            step[i][count + k] = -direction(process, parameter.role, covariates[k].1) * mean / deviation;
        }
    }
    for (k, (_, deviation)) in scales.iter().enumerate() {
        step[count + k][count + k] = 1.0 / deviation;
    }
    let logarithms: Vec<f64> = estimate.theta.iter().map(|value| value.ln()).collect();
    let moved: Vec<f64> = step.iter().map(|row| row.iter().zip(&logarithms).map(|(s, l)| s * l).sum()).collect();
    let covariance: Vec<Vec<f64>> = (0..size)
        .map(|i| {
            (0..size)
                .map(|j| {
                    (0..size)
                        .flat_map(|k| (0..size).map(move |l| (k, l)))
                        .map(|(k, l)| step[i][k] * estimate.covariance[k][l] * step[j][l])
                        .sum()
                })
                .collect()
        })
        .collect();
    let is_known = |i: usize| estimate.standard_errors[i].is_some();
    let error = |i: usize| is_known(i).then(|| covariance[i][i].max(0.0).sqrt());
    let effects = covariates
        .iter()
        .enumerate()
        .map(|(k, (feature, on_dropout))| Effect {
            name: feature.name.clone(),
            on_dropout: *on_dropout,
            value: moved[count + k],
            standard_error: error(count + k),
        })
        .collect();
    let theta: Vec<f64> = moved[..count].iter().map(|value| value.exp()).collect();
    let base = Estimate {
        standard_errors: theta.iter().enumerate().map(|(i, value)| error(i).map(|error| error * value)).collect(),
        covariance: covariance[..count].iter().map(|row| row[..count].to_vec()).collect(),
        theta,
        is_on_bound: estimate.is_on_bound[..count].to_vec(),
        ..estimate.clone()
    };
    (PurchaseFit { estimator: process, estimate: base }, effects)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analytics::ltv::cdnow;
    use crate::analytics::ltv::{BgNbd, MbgNbd, Nbd, ParetoNbd};
    use crate::analytics::math::random::Random;

    /// Pareto/NBD lives over 78 weeks with a binary covariate on purchases and an uneven one on dropout.
    fn simulated(customers: usize, seed: u64, (on_rate, on_death): (f64, f64)) -> (Vec<History>, Feature, Feature) {
        let [r, alpha, s, beta] = [0.9, 8.0, 1.5, 40.0];
        let mut random = Random::new(seed, &[]);
        let (mut histories, mut channel, mut age) = (Vec::new(), Vec::new(), Vec::new());
        for i in 0..customers {
            let (z1, z2) = (f64::from(u8::from(i % 3 == 0)), 20.0 + 5.0 * (i % 7) as f64);
            let rate = random.gamma(r) / alpha * (on_rate * z1).exp();
            let death = random.exponential() / (random.gamma(s) / beta * (on_death * z2).exp());
            let window = 52.0 + (i % 26) as f64;
            let (mut now, mut count, mut last) = (0.0, 0.0, 0.0);
            loop {
                now += random.exponential() / rate;
                if now >= window.min(death) {
                    break;
                }
                count += 1.0;
                last = now;
            }
            histories.push(History { repeat_count: count, last_purchase_weeks: last, age_weeks: window });
            channel.push(z1);
            age.push(z2);
        }
        let feature = |name: &str, values| Feature { name: name.into(), values };
        (histories, feature("channel", channel), feature("age", age))
    }

    /// Four shops; six estimates each, of which 95 % belong within 1.96 standard errors.
    #[test]
    fn known_effects_are_recovered_within_their_standard_errors() {
        let mut inside = 0;
        for seed in 1..=4 {
            let (histories, channel, age) = simulated(1_500, seed, (0.7, 0.03));
            let fit = fit(&ParetoNbd, &histories, &[channel], &[age]).expect("sound");
            assert!(fit.p_value < 1e-6, "{fit:?}");
            let estimate = &fit.base.estimate;
            let base = estimate.theta.iter().copied().zip(estimate.standard_errors.iter().copied());
            let all = base.chain(fit.effects.iter().map(|effect| (effect.value, effect.standard_error)));
            for ((value, error), truth) in all.zip([0.9, 8.0, 1.5, 40.0, 0.7, 0.03]) {
                let error = error.expect("identified");
                assert!((value - truth).abs() < 3.5 * error && error < truth, "{value}, not {truth}, within {error}");
                inside += u32::from((value - truth).abs() < 1.96 * error);
            }
            let theta = fit.theta_of(&[1.0, 30.0]);
            assert!((theta[1] / (estimate.theta[1] * (-fit.effects[0].value).exp()) - 1.0).abs() < 1e-12);
            assert!((theta[3] / (estimate.theta[3] * (-30.0 * fit.effects[1].value).exp()) - 1.0).abs() < 1e-12);
        }
        assert!(inside >= 20, "{inside} of 24");
    }

    #[test]
    fn covariates_without_an_effect_gain_nothing() {
        let (histories, channel, age) = simulated(1_000, 6, (0.0, 0.0));
        for process in [&ParetoNbd as &'static dyn PurchaseProcess, &MbgNbd] {
            let fit =
                fit(process, &histories, std::slice::from_ref(&channel), std::slice::from_ref(&age)).expect("sound");
            assert!(fit.p_value > 0.01, "{}: {}", process.name(), fit.p_value);
        }
    }

    #[test]
    fn two_classes_are_two_fits_that_share_the_other_parameters() {
        let sample = cdnow::sample();
        let histories: Vec<History> = sample.iter().map(|customer| customer.history).collect();
        let none = fit(&BgNbd, &histories, &[], &[]).expect("sound");
        assert!(none.ratio_statistic < 1e-6 && none.p_value == 1.0, "{none:?}");
        assert!((none.base.estimate.theta[0] - 0.242_595).abs() < 1e-4);
        // The unit of a covariate only moves the effect's unit.
        let flag: Vec<f64> = (0..histories.len()).map(|i| f64::from(u8::from(i % 2 == 0))).collect();
        let of = |factor: f64, shift: f64| {
            let values = flag.iter().map(|z| z * factor + shift).collect();
            fit(&BgNbd, &histories, &[Feature { name: "half".into(), values }], &[]).expect("sound")
        };
        let (plain, moved) = (of(1.0, 0.0), of(1000.0, 500.0));
        assert!((plain.effects[0].value - 1000.0 * moved.effects[0].value).abs() < 1e-4, "{plain:?} {moved:?}");
        assert!((plain.base.estimate.log_likelihood - moved.base.estimate.log_likelihood).abs() < 1e-5);
    }

    #[test]
    fn covariates_that_say_nothing_are_refused_by_name() {
        let (histories, mut channel, age) = simulated(400, 5, (0.5, 0.0));
        let code = |process: &'static dyn PurchaseProcess, purchases: &[Feature], dropout: &[Feature]| {
            fit(process, &histories, purchases, dropout).err().map_or("none", |reason| reason.code())
        };
        assert_eq!(code(&Nbd, &[], std::slice::from_ref(&age)), "covariate_invalid");
        channel.values[3] = f64::NAN;
        assert_eq!(code(&ParetoNbd, std::slice::from_ref(&channel), &[]), "covariate_invalid");
        channel.values.fill(2.0);
        assert_eq!(code(&ParetoNbd, std::slice::from_ref(&channel), &[]), "covariate_invalid");
        channel.values.truncate(3);
        assert_eq!(code(&ParetoNbd, &[channel], &[]), "covariate_invalid");
    }
}
