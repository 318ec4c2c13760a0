//! The facts of a fit as JSON: everything needed to judge it later, or to score with it again.

use super::discount::{DAYS_OF_A_MONTH, Discounting};
use super::estimate::Estimate;
use super::reason::Reason;
use super::season::SeasonalFit;
use super::{Choice, Groups, Input, LtvSpec, PurchaseFit, gamma_gamma, spend::SpendFit};
use serde_json::{Map, Value, json};

/// What there is to tell.
pub(super) struct Story<'a> {
    pub spec: &'a LtvSpec,
    pub input: &'a Input,
    pub groups: &'a Groups,
    pub choice: &'a Choice,
    pub spend: &'a SpendFit,
    pub plan: &'a Discounting,
}

/// Tells it. `flags` are stable words for programs, `warnings` the same as sentences for people, in the same order.
pub(super) fn tell(story: &Story) -> Value {
    let Story { spec, input, groups, choice, spend, plan } = story;
    let fit = &choice.fit;
    let mut findings = fit.findings();
    findings.extend(spend.findings());
    json!({
        "estimator": fit.estimator.name(),
        "estimator_requested": spec.estimator,
        "estimator_reason": choice.reason,
        "estimator_story": fit.estimator.story(),
        "paper": fit.estimator.paper(),
        "time_unit": "week",
        "parameters": parameters(fit),
        "standard_errors": standard_errors(fit),
        "log_likelihood": fit.estimate.log_likelihood,
        "has_converged": fit.estimate.has_converged,
        "is_dropout_identified": fit.is_dropout_identified(),
        "is_rate_identified": fit.is_rate_identified(),
        "customers": input.histories.len(),
        "groups": groups.rows.len(),
        "repeat_customers": input.histories.iter().filter(|history| history.repeat_count > 0.0).count(),
        "repeat_purchases": input.histories.iter().map(|history| history.repeat_count).sum::<f64>(),
        "spend": self::spend(spend),
        "horizon_days": spec.horizon_days,
        "discount_rate_annual": spec.discount_rate_annual,
        "discount_rate_monthly": plan.rate_monthly,
        "month_days": DAYS_OF_A_MONTH,
        "margin_share": spec.margin_share,
        "flags": findings.iter().map(Reason::code).collect::<Vec<_>>(),
        "warnings": findings.iter().map(Reason::sentence).collect::<Vec<_>>(),
        "candidates": choice.candidates.iter().map(candidate).collect::<Vec<_>>(),
    })
}

/// The facts of a fit that was refused: nothing was estimated, and why.
pub(super) fn refusal(spec: &LtvSpec, customers: usize, reason: &Reason) -> Value {
    json!({
        "estimator": null,
        "estimator_requested": spec.estimator,
        "customers": customers,
        "horizon_days": spec.horizon_days,
        "discount_rate_annual": spec.discount_rate_annual,
        "margin_share": spec.margin_share,
        "flags": [reason.code()],
        "warnings": [format!("{} All predictions are left empty.", reason.sentence())],
        "candidates": [],
    })
}

/// The season of a fit, or why there is none; with the fit that takes none into account.
pub(super) fn season(found: &SeasonalFit) -> Value {
    json!({
        "factors": found.season.factors(),
        "is_used": found.finding.is_none(),
        "log_likelihood_gain": found.gain,
        "flag": found.finding.as_ref().map(Reason::code),
        "warning": found.finding.as_ref().map(Reason::sentence),
        "parameters": parameters(&found.fit),
        "standard_errors": standard_errors(&found.fit),
        "without_season": { "parameters": parameters(&found.plain), "log_likelihood": found.plain.estimate.log_likelihood },
    })
}

pub(super) fn parameters(fit: &PurchaseFit) -> Value {
    let names = fit.estimator.parameters().iter().map(|parameter| parameter.name);
    named(names, fit.estimate.theta.iter().map(|value| json!(value)))
}

pub(super) fn standard_errors(fit: &PurchaseFit) -> Value {
    let names = fit.estimator.parameters().iter().map(|parameter| parameter.name);
    named(names, fit.estimate.standard_errors.iter().map(|error| json!(error)))
}

fn named<'a>(names: impl Iterator<Item = &'a str>, values: impl Iterator<Item = Value>) -> Value {
    Value::Object(names.map(str::to_owned).zip(values).collect::<Map<_, _>>())
}

fn candidate(fit: &PurchaseFit) -> Value {
    json!({
        "estimator": fit.estimator.name(),
        "log_likelihood": fit.estimate.log_likelihood,
        "parameters": parameters(fit),
        "standard_errors": standard_errors(fit),
        "is_dropout_identified": fit.is_dropout_identified(),
        "is_rate_identified": fit.is_rate_identified(),
        "objection": fit.estimator.objection_to_auto(),
    })
}

pub(super) fn spend(spend: &SpendFit) -> Value {
    let of = |value: fn(&Estimate) -> &[f64]| {
        spend.estimate.as_ref().map(|estimate| {
            named(gamma_gamma::PARAMETERS.into_iter(), value(estimate).iter().map(|value| json!(value)))
        })
    };
    let errors = spend.estimate.as_ref().map(|estimate| {
        named(gamma_gamma::PARAMETERS.into_iter(), estimate.standard_errors.iter().map(|error| json!(error)))
    });
    json!({
        "estimator": if spend.estimate.is_some() { "gamma_gamma" } else { "observed_mean" },
        "parameters": of(|estimate| &estimate.theta),
        "standard_errors": errors,
        "log_likelihood": spend.estimate.as_ref().map(|estimate| estimate.log_likelihood),
        "customers": spend.customers,
        "includes_first_purchase": spend.first > 0.0,
        "population_mean_value": spend.population_mean,
        "count_value_correlation": spend.correlation,
    })
}
