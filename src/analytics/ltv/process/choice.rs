//! Fitting estimators of purchases, judging what the data could tell them, and choosing one.

use super::grouping::Groups;
use super::{AUTO, PurchaseProcess, requested};
use crate::analytics::ltv::estimate::{Estimate, Likelihood, ROWS_TO_START_ON, maximize};
use crate::analytics::ltv::reason::Reason;
use crate::error::{Error, Result};
use serde::{Deserialize, Serialize};

/// Fewer customers with a repeat purchase than this are not a basis for four parameters.
pub const REPEAT_CUSTOMERS_MIN: usize = 50;

/// A fitted estimator of purchases.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PurchaseFit {
    /// The process.
    #[serde(with = "super::by_name")]
    pub estimator: &'static dyn PurchaseProcess,
    /// Its parameters.
    pub estimate: Estimate,
}

/// The fit to use, why, and all fits that were compared.
pub(in crate::analytics::ltv) struct Choice {
    pub fit: PurchaseFit,
    pub reason: String,
    pub candidates: Vec<PurchaseFit>,
}

struct Rows<'a> {
    estimator: &'static dyn PurchaseProcess,
    groups: &'a Groups,
}

impl Likelihood for Rows<'_> {
    fn log_likelihood(&self, theta: &[f64]) -> f64 {
        self.estimator.log_likelihood(theta, self.groups)
    }

    fn gradient(&self, theta: &[f64]) -> Option<(f64, Vec<f64>)> {
        self.estimator.log_likelihood_gradient(theta, self.groups)
    }

    fn size(&self) -> f64 {
        self.groups.customers()
    }
}

impl PurchaseFit {
    /// Whether the data tell how purchase rates differ between customers.
    #[must_use]
    pub fn is_rate_identified(&self) -> bool {
        self.unidentified(false).is_empty()
    }

    /// Whether the data tell dropout from patience; never in a model without dropout.
    #[must_use]
    pub fn is_dropout_identified(&self) -> bool {
        self.has_dropout() && self.unidentified(true).is_empty()
    }

    /// Whether customers can leave in this model.
    #[must_use]
    pub fn has_dropout(&self) -> bool {
        self.estimator.parameters().iter().any(|parameter| parameter.role.is_dropout())
    }

    /// The parameters of dropout (or of the purchase rate) that the data leave open, each as `name = value (why)`.
    #[must_use]
    pub fn unidentified(&self, of_dropout: bool) -> Vec<String> {
        let mut open = Vec::new();
        for (i, parameter) in self.estimator.parameters().iter().enumerate() {
            if parameter.role.is_dropout() != of_dropout || self.estimate.is_identified(i) {
                continue;
            }
            let why = match self.estimate.standard_errors[i] {
                _ if self.estimate.is_on_bound[i] => "at the limit of its range".into(),
                Some(error) => format!("standard error {error:.4}"),
                None => "any value fits as well".into(),
            };
            open.push(format!("{} = {:.4} ({why})", parameter.name, self.estimate.theta[i]));
        }
        open
    }

    /// The reason why it tells nothing of one customer that it does not tell of all, if so.
    #[must_use]
    pub fn no_difference(&self) -> Option<Reason> {
        (!self.is_rate_identified()).then(|| Reason::RateUnidentified { open: self.unidentified(false) })
    }

    /// All that is to be said about it; some of it refuses.
    #[must_use]
    pub fn findings(&self) -> Vec<Reason> {
        let mut findings = Vec::new();
        if self.has_dropout() && !self.is_dropout_identified() {
            findings.push(Reason::DropoutUnidentified { open: self.unidentified(true) });
        }
        findings.extend(self.no_difference());
        if !self.estimate.has_converged {
            findings.push(Reason::NotConverged);
        }
        if let Some(objection) = self.estimator.objection_to_auto() {
            findings.push(Reason::EstimatorObjection { estimator: self.estimator.name(), objection });
        }
        findings
    }
}

/// Fits one process to grouped histories, which must be sound.
///
/// # Errors
/// [`Reason::LikelihoodNotFinite`]; look at [`PurchaseFit::findings`] before numbers are used.
pub fn fit_process(
    estimator: &'static dyn PurchaseProcess,
    groups: &Groups,
) -> std::result::Result<PurchaseFit, Reason> {
    let bounds: Vec<(f64, f64)> = estimator.parameters().iter().map(|parameter| parameter.role.bounds()).collect();
    let thinned = groups.thinned(ROWS_TO_START_ON);
    let estimate = maximize(
        &Rows { estimator, groups: &thinned },
        &Rows { estimator, groups },
        &estimator.starts(groups),
        &bounds,
    );
    match estimate {
        Some(estimate) => Ok(PurchaseFit { estimator, estimate }),
        None => Err(Reason::LikelihoodNotFinite { estimator: estimator.name() }),
    }
}

/// The same with an error that says what to do.
fn fit_estimator(estimator: &'static dyn PurchaseProcess, groups: &Groups) -> Result<PurchaseFit> {
    fit_process(estimator, groups).map_err(|reason| {
        Error::failed(format!("estimator \"{}\" cannot be fitted", estimator.name()))
            .detail(reason.sentence())
            .hint("look for extreme values in repeat_count and age_days, or set another estimator")
    })
}

/// The reason that refuses a fit for want of repeat customers, if there are too few.
#[must_use]
pub fn too_few(groups: &Groups) -> Option<Reason> {
    let repeat_customers =
        groups.rows.iter().filter(|row| row.history.repeat_count > 0.0).map(|row| row.weight).sum::<f64>() + 0.0;
    (repeat_customers < REPEAT_CUSTOMERS_MIN as f64)
        .then(|| Reason::TooFewRepeatCustomers { repeat_customers, customers: groups.customers() })
}

/// Fits the named estimator, or with `auto` all of them. Of those whose parameters the data identify that one is chosen that did
/// best at cuts of the past, which `by_holdout` names best first; where it names none of them, the likeliest.
pub(in crate::analytics::ltv) fn choose(name: &str, by_holdout: &[&str], groups: &Groups) -> Result<Choice> {
    let estimators = requested(name)?;
    let mut candidates = Vec::new();
    let mut failure = None;
    for estimator in estimators {
        match fit_estimator(estimator, groups) {
            Ok(fit) => candidates.push(fit),
            Err(error) => failure = Some(error),
        }
    }
    if name != AUTO {
        return match (candidates.first().cloned(), failure) {
            (Some(fit), _) => Ok(Choice { fit, reason: "The model's config names it.".into(), candidates }),
            (None, failure) => Err(failure.unwrap_or_else(|| Error::failed("no estimator could be fitted"))),
        };
    }
    let eligible: Vec<&PurchaseFit> =
        candidates.iter().filter(|fit| fit.estimator.objection_to_auto().is_none()).collect();
    let likeliest = |fits: &[&PurchaseFit]| {
        fits.iter()
            .max_by(|left, right| left.estimate.log_likelihood.total_cmp(&right.estimate.log_likelihood))
            .map(|fit| (*fit).clone())
    };
    let identified: Vec<&PurchaseFit> =
        eligible.iter().copied().filter(|fit| fit.is_rate_identified() && fit.is_dropout_identified()).collect();
    let best = by_holdout.iter().find_map(|name| identified.iter().find(|fit| fit.estimator.name() == *name));
    let (fit, reason) = match best.map(|fit| (*fit).clone()).or_else(|| likeliest(&identified)) {
        Some(fit) if best.is_some() => {
            (fit, "It did best at cuts of the past of the eligible estimators whose parameters the data identify.")
        }
        Some(fit) => {
            (fit, "It has the highest log-likelihood of the eligible estimators whose parameters the data identify.")
        }
        None => {
            // Purchases hold without dropout, but nothing holds where customers do not differ.
            let differing: Vec<&PurchaseFit> =
                eligible.iter().copied().filter(|fit| fit.is_rate_identified()).collect();
            let best = by_holdout.iter().find_map(|name| differing.iter().find(|fit| fit.estimator.name() == *name));
            if let Some(best) = best {
                let reason = "It did best at cuts of the past of the eligible estimators; the data identify all parameters of none.";
                return Ok(Choice { fit: (**best).clone(), reason: reason.into(), candidates: candidates.clone() });
            }
            match (likeliest(&differing).or_else(|| likeliest(&eligible)), failure) {
                (Some(fit), _) => (
                    fit,
                    "It has the highest log-likelihood of the eligible estimators; the data identify all parameters of none.",
                ),
                (None, failure) => return Err(failure.unwrap_or_else(|| Error::failed("no estimator could be fitted"))),
            }
        }
    };
    Ok(Choice { fit, reason: reason.into(), candidates })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analytics::ltv::cdnow::{self, assert_near};
    use crate::analytics::ltv::{BgNbd, MbgNbd, ParetoNbd};

    struct Reference {
        theta: [f64; 4],
        parameter_tolerance: f64,
        errors: [f64; 4],
        error_tolerance: f64,
        log_likelihood: f64,
        holdout_purchases: f64,
        holdout_mean_absolute_error: f64,
        mean_alive: f64,
    }

    /// Fits the CDNOW sample and compares everything the reference publishes, also the prediction of the 39 weeks held out.
    fn check(estimator: &'static dyn PurchaseProcess, reference: &Reference) {
        let fit = fit_process(estimator, &cdnow::groups()).expect("finite");
        let estimate = &fit.estimate;
        assert!(estimate.has_converged && fit.is_dropout_identified() && fit.is_rate_identified());
        assert!(estimate.log_likelihood >= reference.log_likelihood - 0.001, "{}", estimate.log_likelihood);
        for (ours, published) in estimate.theta.iter().zip(reference.theta) {
            assert_near(*ours, published, reference.parameter_tolerance);
        }
        for (ours, published) in estimate.standard_errors.iter().zip(reference.errors) {
            assert_near(ours.expect("identified"), published, reference.error_tolerance);
        }
        let customers = cdnow::sample();
        let (mut total, mut off, mut alive) = (0.0, 0.0, 0.0);
        for customer in &customers {
            let purchases = estimator.expected_purchases(&estimate.theta, &customer.history, 39.0);
            total += purchases;
            off += (purchases - customer.holdout_count).abs();
            alive += estimator.probability_alive(&estimate.theta, &customer.history);
        }
        assert_near(total, reference.holdout_purchases, 1e-4);
        assert_near(off / 2357.0, reference.holdout_mean_absolute_error, 1e-4);
        assert_near(alive / 2357.0, reference.mean_alive, 5e-4);
    }

    #[test]
    fn bg_nbd_on_cdnow_sample_equals_the_reference_fit() {
        let reference = Reference {
            theta: [0.242595, 4.413602, 0.792922, 2.425907],
            parameter_tolerance: 1e-4,
            errors: [0.0126, 0.3782, 0.1857, 0.7054],
            error_tolerance: 5e-3,
            log_likelihood: -9582.42921,
            holdout_purchases: 1653.41,
            holdout_mean_absolute_error: 0.78545,
            mean_alive: 0.81344,
        };
        check(&BgNbd, &reference);
    }

    #[test]
    fn mbg_nbd_on_cdnow_sample_equals_the_reference_fit() {
        let reference = Reference {
            theta: [0.524843, 6.183085, 0.891359, 1.614002],
            parameter_tolerance: 1e-4,
            errors: [0.0833, 0.6956, 0.1548, 0.5375],
            error_tolerance: 5e-3,
            log_likelihood: -9582.13572,
            holdout_purchases: 1576.73,
            holdout_mean_absolute_error: 0.76478,
            mean_alive: 0.44872,
        };
        check(&MbgNbd, &reference);
    }

    #[test]
    fn pareto_nbd_on_cdnow_sample_equals_the_reference_fit() {
        let reference = Reference {
            theta: [0.553277, 10.577683, 0.606240, 11.668733],
            parameter_tolerance: 5e-3,
            errors: [0.0476264, 0.8427222, 0.1872594, 6.2105448],
            error_tolerance: 5e-3,
            log_likelihood: -9594.97618,
            holdout_purchases: 1665.51,
            holdout_mean_absolute_error: 0.75452,
            mean_alive: 0.44628,
        };
        check(&ParetoNbd, &reference);
    }

    #[test]
    fn auto_takes_the_likeliest_but_never_bg_nbd() {
        let choice = choose(AUTO, &[], &cdnow::groups()).expect("fitted");
        assert_eq!(choice.fit.estimator.name(), "mbg_nbd");
        assert_eq!(choice.candidates.len(), 4);
        for fit in &choice.candidates {
            let is_objectionable = ["bg_nbd", "nbd"].contains(&fit.estimator.name());
            assert_eq!(fit.estimator.objection_to_auto().is_some(), is_objectionable);
        }
    }

    #[test]
    fn auto_follows_the_cuts_of_the_past_but_never_to_bg_nbd() {
        for (by_holdout, chosen) in [
            (&["blend", "bg_nbd", "nbd", "pareto_nbd", "mbg_nbd"][..], "pareto_nbd"),
            (&["linear", "mbg_nbd", "pareto_nbd"], "mbg_nbd"),
            (&["linear", "bg_nbd"], "mbg_nbd"),
        ] {
            let choice = choose(AUTO, by_holdout, &cdnow::groups()).expect("fitted");
            assert_eq!(choice.fit.estimator.name(), chosen, "{by_holdout:?}");
        }
        assert_eq!(choose("bg_nbd", &["mbg_nbd"], &cdnow::groups()).expect("fitted").fit.estimator.name(), "bg_nbd");
    }

    #[test]
    fn too_few_repeat_customers_are_refused() {
        let few: Vec<_> = cdnow::sample().iter().map(|customer| customer.history).take(80).collect();
        let reason = too_few(&Groups::new(&few).0).expect("too few").sentence();
        let repeaters = few.iter().filter(|history| history.repeat_count > 0.0).count();
        assert!(repeaters > 0);
        assert!(reason.starts_with(&format!("{repeaters} of 80 customers have a repeat purchase; at least 50 are")));
    }
}
