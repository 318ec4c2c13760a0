//! x
pub mod bg_nbd;
#[cfg(test)]
mod cdnow;
mod coin;
pub mod discount;
mod estimate;
mod estimator;
pub mod gamma_gamma;
pub mod grouping;
pub mod mbg_nbd;
pub mod pareto_nbd;

pub use bg_nbd::BgNbd;
pub use estimator::{AUTO, ESTIMATORS, Estimator, Parameter, Role};
pub use mbg_nbd::MbgNbd;
pub use pareto_nbd::ParetoNbd;
