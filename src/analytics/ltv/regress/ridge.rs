//! Least squares with an L2 penalty on the features as they are.

use super::lesson::Lesson;
use super::linear;
use crate::analytics::ltv::estimator::{Estimator, Family, Fit, Refusal, Training};

/// Penalty per customer of a standardised coefficient's square: a feature that stands alone loses a hundredth of its weight,
/// features that say the same share theirs.
const L2: f64 = 0.01;

/// Least squares that shrinks.
pub struct Ridge;

impl Estimator for Ridge {
    fn name(&self) -> &'static str {
        "ridge"
    }

    fn story(&self) -> &'static str {
        "revenue is a weighted sum of the features, whose weights are shrunk towards zero"
    }

    fn paper(&self) -> &'static str {
        "Hoerl, Kennard (1970), Ridge regression, Technometrics 12(1)"
    }

    fn family(&self) -> Family {
        Family::Regressor
    }

    fn fit(&self, training: &Training<'_>) -> Result<Box<dyn Fit>, Refusal> {
        Ok(Box::new(linear::fit(&Lesson::new(training)?, L2)?))
    }
}
