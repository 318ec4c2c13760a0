//! The figures that a public reference measured on the same data by the same protocol, and what is to be reached of them.

use quintile::analytics::ltv::backtest::Accuracy;

/// A figure of a table.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Figure {
    Rmse,
    Mae,
    R2,
    Spearman,
    NormalizedGini,
    TopDecileShare,
    /// In percent of the total.
    Bias,
}

/// All of them, in the order of the columns.
pub const FIGURES: [Figure; 7] = [
    Figure::Rmse,
    Figure::Mae,
    Figure::R2,
    Figure::Spearman,
    Figure::NormalizedGini,
    Figure::TopDecileShare,
    Figure::Bias,
];

impl Figure {
    pub fn name(self) -> &'static str {
        match self {
            Figure::Rmse => "RMSE",
            Figure::Mae => "MAE",
            Figure::R2 => "R2",
            Figure::Spearman => "Spearman",
            Figure::NormalizedGini => "nGini",
            Figure::TopDecileShare => "top 10 %",
            Figure::Bias => "bias %",
        }
    }

    pub fn of(self, accuracy: &Accuracy) -> Option<f64> {
        match self {
            Figure::Rmse => accuracy.rmse,
            Figure::Mae => accuracy.mae,
            Figure::R2 => accuracy.r2,
            Figure::Spearman => accuracy.spearman,
            Figure::NormalizedGini => accuracy.normalized_gini,
            Figure::TopDecileShare => accuracy.top_decile_share,
            Figure::Bias => accuracy.total_bias.map(|bias| 100.0 * bias),
        }
    }

    /// Digits behind the point that the reference prints, and bars are judged by.
    pub fn digits(self, value: f64) -> usize {
        match self {
            Figure::Rmse | Figure::Mae if value.abs() < 100.0 => 1,
            Figure::Rmse | Figure::Mae | Figure::Bias => 0,
            Figure::R2 => 2,
            Figure::Spearman | Figure::NormalizedGini | Figure::TopDecileShare => 3,
        }
    }

    /// Whether `value`, rounded as `bar` is printed, is at least as good.
    pub fn is_met(self, value: f64, bar: f64) -> bool {
        let scale = 10f64.powi(self.digits(bar) as i32);
        let value = (value * scale).round() / scale;
        match self {
            Figure::Rmse | Figure::Mae => value <= bar,
            Figure::R2 | Figure::Spearman | Figure::NormalizedGini | Figure::TopDecileShare => value >= bar,
            Figure::Bias => value.abs() <= bar.abs(),
        }
    }
}

/// A row of seven figures, `NaN` where the reference sets none.
pub type Row = [f64; 7];

const NONE: f64 = f64::NAN;

/// What the reference measured or asks for on one set.
pub struct Reference {
    /// Best of each column of its table, by whichever estimator.
    pub best: Row,
    /// Rows of single estimators, each of which is to be reached, with their names.
    pub meet: &'static [(&'static str, Row)],
    /// Best of every column at once, which no estimator of the reference reached; only columns that it names.
    pub beat: Row,
}

/// CDNOW, cuts 1997-07-04 and 1997-12-31, 180 days.
pub const CDNOW: Reference = Reference {
    best: [55.3, 20.6, 0.54, 0.454, 0.762, 0.574, 1.0],
    meet: &[("blend", [55.3, 22.3, NONE, 0.454, 0.762, 0.574, 13.0])],
    beat: [55.3, 20.6, NONE, 0.454, 0.762, NONE, 5.0],
};

/// Online Retail, cuts 2011-06-12 and 2011-09-10, 90 days, net of returns. Its best bias, -4 percent, is called luck there and is no bar.
pub const ONLINE_RETAIL: Reference = Reference {
    best: [2214.0, 530.0, 0.69, 0.525, 0.791, 0.578, -4.0],
    meet: &[
        ("blend", [NONE, 578.0, NONE, 0.523, 0.790, NONE, NONE]),
        ("Tweedie GLM", [NONE, 530.0, 0.62, NONE, NONE, NONE, NONE]),
    ],
    beat: [NONE; 7],
};
