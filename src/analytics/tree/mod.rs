//! Regression trees over histograms of binned features: one grower for forests and for boosting of every shape.
//!
//! | file | holds |
//! |---|---|
//! | [`bins`] | columns of numbers as at most 255 quantile bins each, and a bin for what is not known |
//! | [`loss`] | squared, Tweedie and logistic loss: start, gradient, curvature, link |
//! | [`sums`] | gradients and curvatures as integers, whose sums do not depend on the order |
//! | [`split`] | histogram of a feature, and its best cut |
//! | [`grow`] | one tree, level by level or best leaf first |
//! | [`nodes`] | a grown tree: prediction, and its compact form as JSON |
//! | [`boost`], [`forest`] | many trees: each on what the former left over, or each on its own bootstrap sample |
//!
//! Sources: Friedman (2001), Greedy function approximation, Annals of Statistics 29(5); Breiman (2001), Random forests, Machine
//! Learning 45; Chen and Guestrin (2016), XGBoost (second-order gain, eq. 7; missing values, algorithm 3); Ke et al. (2017),
//! LightGBM (histograms, sibling by subtraction, best leaf first).
//!
//! A fit depends on rows, settings and seed alone: all sums are integers, so neither threads nor the order of rows change them.

pub mod bins;
pub mod boost;
pub mod forest;
pub mod grow;
pub mod loss;
pub mod nodes;
pub mod split;
pub mod sums;

pub use bins::Binned;
pub use boost::Boosting;
pub use forest::Forest;
pub use grow::{Growth, Order};
pub use loss::Loss;
pub use nodes::{Ensemble, Tree};

#[cfg(test)]
mod tests;
