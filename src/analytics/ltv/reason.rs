//! Why an estimator gives no numbers, or what must be known before its numbers are used: one code and one sentence for each.

use super::estimator::Refusal;
use super::process::choice::REPEAT_CUSTOMERS_MIN;

/// A finding about the data or the fit.
#[derive(Clone, Debug, PartialEq)]
pub enum Reason {
    /// Repeat customers are too few for parameters.
    TooFewRepeatCustomers {
        /// Customers with a repeat purchase.
        repeat_customers: f64,
        /// All customers.
        customers: f64,
    },
    /// A history contradicts itself or is not finite.
    HistoryInvalid {
        /// How many do.
        histories: usize,
    },
    /// No customer has a positive order value.
    NoOrderValue,
    /// The likelihood is not finite at any start.
    LikelihoodNotFinite {
        /// Name of the estimator.
        estimator: &'static str,
    },
    /// The search for parameters stopped at its limit.
    NotConverged,
    /// Purchase rates do not differ between customers, as far as the data tell.
    RateUnidentified {
        /// Open parameters, each as `name = value (why)`.
        open: Vec<String>,
    },
    /// The data do not tell dropout from patience.
    DropoutUnidentified {
        /// Open parameters, each as `name = value (why)`.
        open: Vec<String>,
    },
    /// Somebody asked for an estimator that would not be chosen.
    EstimatorObjection {
        /// Name of the estimator.
        estimator: &'static str,
        /// What speaks against it.
        objection: &'static str,
    },
    /// Gamma-Gamma has no usable mean; observed means stand in.
    SpendFallback {
        /// Why, without a period.
        why: String,
    },
    /// Number and mean value of orders move together, which Gamma-Gamma takes as independent.
    ValueCountCorrelation {
        /// Pearson's correlation.
        correlation: f64,
    },
    /// A covariate is not finite, does not vary, has not one value a customer, or has no rate to act upon.
    CovariateInvalid {
        /// Its name.
        name: String,
    },
    /// The history is too short to know the season.
    SeasonNotCovered {
        /// Days of the history.
        days: usize,
    },
    /// The months do not differ by more than chance.
    SeasonNotSeen {
        /// By how much the log-likelihood would be higher with a season.
        gain: f64,
    },
}

impl Reason {
    /// A word for programs; stable.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Reason::TooFewRepeatCustomers { .. } => "too_few_repeat_customers",
            Reason::HistoryInvalid { .. } => "history_invalid",
            Reason::NoOrderValue => "no_order_value",
            Reason::LikelihoodNotFinite { .. } => "likelihood_not_finite",
            Reason::NotConverged => "not_converged",
            Reason::RateUnidentified { .. } => "rate_unidentified",
            Reason::DropoutUnidentified { .. } => "dropout_unidentified",
            Reason::EstimatorObjection { .. } => "estimator_objection",
            Reason::SpendFallback { .. } => "spend_fallback",
            Reason::ValueCountCorrelation { .. } => "value_count_correlation",
            Reason::CovariateInvalid { .. } => "covariate_invalid",
            Reason::SeasonNotCovered { .. } => "season_not_covered",
            Reason::SeasonNotSeen { .. } => "season_not_seen",
        }
    }

    /// A sentence for people, with the figures.
    #[must_use]
    pub fn sentence(&self) -> String {
        match self {
            Reason::TooFewRepeatCustomers { repeat_customers, customers } => format!(
                "{repeat_customers} of {customers} customers have a repeat purchase; at least {REPEAT_CUSTOMERS_MIN} are needed to predict lifetime value."
            ),
            Reason::HistoryInvalid { histories } => format!(
                "{histories} purchase histories are not finite, or contradict themselves; x must be whole, and 0 <= t_x <= T."
            ),
            Reason::NoOrderValue => "No repeat customer has a positive mean order value.".into(),
            Reason::LikelihoodNotFinite { estimator } => {
                format!("The likelihood of {estimator} is not finite at any of its starting points.")
            }
            Reason::NotConverged => "The search for parameters reached its limit of iterations.".into(),
            Reason::RateUnidentified { open } => format!(
                "The history shows no differences in purchase rate between customers: {}. Predictions are nearly the same for all who joined at the same time.",
                open.join(", ")
            ),
            Reason::DropoutUnidentified { open } => format!(
                "The history cannot tell customers who dropped out from customers who wait: {}. probability_alive is left empty; predicted purchases still hold.",
                open.join(", ")
            ),
            Reason::EstimatorObjection { estimator, objection } => format!("About {estimator}: {objection}"),
            Reason::SpendFallback { why } => format!("expected_order_value is the observed mean, because {why}."),
            Reason::ValueCountCorrelation { correlation } => format!(
                "Number and mean value of repeat orders are correlated ({correlation:.2}); Gamma-Gamma takes them as independent, so values at both ends are off."
            ),
            Reason::CovariateInvalid { name } => format!(
                "Covariate {name} is not finite, does not vary, has not one value a customer, or has no rate to act upon."
            ),
            Reason::SeasonNotCovered { days } => format!(
                "The history has {days} days; a season needs a whole year of repeat purchases, so none is taken into account."
            ),
            Reason::SeasonNotSeen { gain } => format!(
                "The months do not differ by more than chance (a season would raise the log-likelihood by {gain:.1}), so none is taken into account."
            ),
        }
    }

    /// Whether numbers in spite of it would mean nothing, so that the estimator gives none.
    ///
    /// Dropout that cannot be seen leaves expected purchases as they are (it costs the column `probability_alive` only), and a
    /// spend model that fails has the observed means to fall back on; both are told, and judged by the back-test.
    #[must_use]
    pub fn is_refusal(&self) -> bool {
        match self {
            Reason::TooFewRepeatCustomers { .. }
            | Reason::HistoryInvalid { .. }
            | Reason::NoOrderValue
            | Reason::LikelihoodNotFinite { .. }
            | Reason::NotConverged
            | Reason::CovariateInvalid { .. }
            | Reason::RateUnidentified { .. } => true,
            Reason::DropoutUnidentified { .. }
            | Reason::EstimatorObjection { .. }
            | Reason::SpendFallback { .. }
            | Reason::ValueCountCorrelation { .. }
            | Reason::SeasonNotCovered { .. }
            | Reason::SeasonNotSeen { .. } => false,
        }
    }

    /// The refusal for this reason.
    #[must_use]
    pub fn refusal(&self) -> Refusal {
        Refusal { code: self.code(), reason: self.sentence() }
    }
}
