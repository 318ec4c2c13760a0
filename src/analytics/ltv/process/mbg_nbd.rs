//! MBG/NBD: dropout by a coin after each purchase, the first one included.
//!
//! E. P. Batislam, M. Denizel, A. Filiztekin (2007), Empirical validation and comparison of models for customer base analysis,
//! International Journal of Research in Marketing 24(3), 201-209; independently D. Hoppe, U. Wagner (2007), Customer Base Analysis:
//! The Case for a Central Variant of the Betageometric/NBD Model, Marketing ZFP 29(2), 75-90.
//! Formulas: `coin.rs` with `n = x + 1`, so one-time buyers too may be gone.

use super::coin::{Coin, PARAMETERS};
use super::grouping::{Groups, History};
use super::{LifeMoment, Parameter, PurchaseProcess};
use crate::analytics::math::random::Random;

/// The estimator `mbg_nbd`.
#[derive(Clone, Copy, Debug)]
pub struct MbgNbd;

const COIN: Coin = Coin { first_tosses: 1.0 };

impl PurchaseProcess for MbgNbd {
    fn name(&self) -> &'static str {
        "mbg_nbd"
    }

    fn story(&self) -> &'static str {
        "Customers buy at a personal rate and may drop out after each purchase, the first one included."
    }

    fn paper(&self) -> &'static str {
        "Batislam, Denizel, Filiztekin (2007), International Journal of Research in Marketing 24(3), 201-209"
    }

    fn parameters(&self) -> &'static [Parameter] {
        &PARAMETERS
    }

    fn starts(&self, groups: &Groups) -> Vec<Vec<f64>> {
        Coin::starts(groups)
    }

    fn log_likelihood(&self, theta: &[f64], groups: &Groups) -> f64 {
        COIN.log_likelihood(theta, groups)
    }

    fn log_likelihood_gradient(&self, theta: &[f64], groups: &Groups) -> Option<(f64, Vec<f64>)> {
        Some(COIN.log_likelihood_gradient(theta, groups))
    }

    fn life(&self, theta: &[f64], repeat_count: f64, weeks: f64) -> LifeMoment {
        COIN.life(theta, repeat_count, weeks)
    }

    fn probability_alive(&self, theta: &[f64], history: &History) -> f64 {
        COIN.probability_alive(theta, history)
    }

    fn purchases_if_alive(&self, theta: &[f64], repeat_count: f64, age_weeks: f64, weeks: f64) -> f64 {
        COIN.purchases_if_alive(theta, repeat_count, age_weeks, weeks)
    }

    fn buys_if_alive(&self, theta: &[f64], repeat_count: f64, age_weeks: f64, weeks: f64) -> f64 {
        Coin::buys_if_alive(theta, repeat_count, age_weeks, weeks)
    }

    fn draw_if_alive(&self, theta: &[f64], repeat_count: f64, age_weeks: f64, weeks: f64, random: &mut Random) -> f64 {
        COIN.draw_if_alive(theta, repeat_count, age_weeks, weeks, random)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analytics::ltv::cdnow::{assert_near, assert_predictions, history};

    /// Rounded as quoted by BTYDplus: r, alpha, a, b.
    const PUBLISHED: [f64; 4] = [0.525, 6.183, 0.891, 1.614];

    #[test]
    fn mbg_nbd_published_values_by_mpmath() {
        assert_predictions(
            &MbgNbd,
            &PUBLISHED,
            &[
                (2.0, 30.43, 38.86, 39.0, 0.7062022651, 1.262960623),
                (0.0, 0.0, 38.86, 39.0, 0.3897350809, 0.1540127467),
                (1.0, 1.71, 38.86, 39.0, 0.1708364843, 0.1888365414),
                (7.0, 29.43, 38.86, 39.0, 0.6227238142, 3.167572432),
                (26.0, 30.86, 31.0, 52.0, 0.9655661441, 24.00392282),
                (5.0, 12.0, 52.0, 52.0, 0.01187279407, 0.04602349189),
                (10.0, 38.86, 38.86, 52.0, 0.9287485006, 8.163879458),
                (100.0, 38.0, 39.0, 52.0, 0.9232085059, 74.51796426),
            ],
        );
    }

    #[test]
    fn new_customers_buy_as_much_as_by_mpmath() {
        for (weeks, reference) in [(1.0, 0.0530847953), (39.0, 1.18295367), (78.0, 1.80475758)] {
            assert_near(MbgNbd.expected_purchases_of_new(&PUBLISHED, weeks), reference, 1e-8);
        }
    }

    #[test]
    fn the_singularity_at_a_equal_1_is_removed() {
        let at = |a: f64| MbgNbd.expected_purchases(&[0.525, 6.183, a, 1.614], &history(0.0, 0.0, 38.86), 39.0);
        for step in [1e-15, 1e-12, 1e-9, 1e-6] {
            assert_near(at(1.0 + step), at(1.0), 2.0 * step + 1e-14);
            assert_near(at(1.0 - step), at(1.0), 2.0 * step + 1e-14);
        }
    }
}
