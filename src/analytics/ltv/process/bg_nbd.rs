//! BG/NBD: dropout by a coin after each repeat purchase.
//!
//! P. S. Fader, B. G. S. Hardie, K. L. Lee (2005), "Counting Your Customers" the Easy Way: An Alternative to the Pareto/NBD Model,
//! Marketing Science 24(2), 275-284: likelihood (6), expected purchases (9) and (10); P(alive) from their note of 2008.
//! Formulas: `coin.rs` with `n = x`.
//!
//! A customer with no repeat purchase has met no coin, so `P(alive) = 1` for every one-time buyer: useless as a churn score
//! (worse than chance on CDNOW). That is why `auto` never chooses it.

use super::coin::{Coin, PARAMETERS};
use super::grouping::{Groups, History};
use super::{LifeMoment, Parameter, PurchaseProcess};
use crate::analytics::math::random::Random;

/// The estimator `bg_nbd`.
#[derive(Clone, Copy, Debug)]
pub struct BgNbd;

const COIN: Coin = Coin { first_tosses: 0.0 };

impl PurchaseProcess for BgNbd {
    fn name(&self) -> &'static str {
        "bg_nbd"
    }

    fn story(&self) -> &'static str {
        "Customers buy at a personal rate and may drop out after each repeat purchase; one-time buyers count as alive for ever."
    }

    fn paper(&self) -> &'static str {
        "Fader, Hardie, Lee (2005), Marketing Science 24(2), 275-284"
    }

    fn objection_to_auto(&self) -> Option<&'static str> {
        Some("It calls every one-time buyer alive, so its probability_alive cannot tell churn.")
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
    use crate::analytics::math::hypergeometric::ln_beta;
    use statrs::function::gamma::ln_gamma;

    /// Rounded as printed in the paper: r, alpha, a, b.
    pub const PUBLISHED: [f64; 4] = [0.243, 4.414, 0.793, 2.426];

    #[test]
    fn bg_nbd_published_values_by_mpmath() {
        assert_predictions(
            &BgNbd,
            &PUBLISHED,
            &[
                (2.0, 30.43, 38.86, 39.0, 0.7265785701, 1.226028175),
                (0.0, 0.0, 38.86, 39.0, 1.0, 0.195098052),
                (1.0, 1.71, 38.86, 39.0, 0.2121009854, 0.2031869871),
                (7.0, 29.43, 38.86, 39.0, 0.6417563459, 3.337053275),
                (26.0, 30.86, 31.0, 52.0, 0.9689156497, 25.75819594),
                (5.0, 12.0, 52.0, 52.0, 0.0123626846, 0.04794996611),
                (10.0, 38.86, 38.86, 52.0, 0.9351010721, 8.544447283),
                (100.0, 38.0, 39.0, 52.0, 0.925204111, 79.70417119),
                (1000.0, 300.0, 301.0, 52.0, 0.979380826485, 156.574239702),
            ],
        );
    }

    #[test]
    fn a_probability_below_the_smallest_float_is_zero() {
        let long_gone = history(400.0, 10.0, 200.0);
        assert_eq!(BgNbd.probability_alive(&PUBLISHED, &long_gone), 0.0);
        assert_eq!(BgNbd.expected_purchases(&PUBLISHED, &long_gone, 52.0), 0.0);
        assert_eq!(BgNbd.purchase_probability(&PUBLISHED, &long_gone, 52.0), 0.0);
    }

    #[test]
    fn new_customers_buy_as_in_equation_9() {
        for (weeks, reference) in [(1.0, 0.0532678912), (39.0, 1.19672319), (78.0, 1.86051906)] {
            assert_near(BgNbd.expected_purchases_of_new(&PUBLISHED, weeks), reference, 1e-8);
        }
    }

    #[test]
    fn no_purchase_in_39_weeks_has_the_probability_of_the_btyd_manual() {
        let silent = 1.0 - BgNbd.purchase_probability(&PUBLISHED, &History::NEW, 39.0);
        assert_near(silent, 0.5737864, 1e-6);
    }

    /// P(X(t) = n) has no use here but to check the process against the BTYD manual: the draws have its probabilities.
    #[test]
    fn drawn_counts_have_the_probabilities_of_equation_8() {
        let mut random = Random::new(11, &[]);
        let draws = 200_000;
        let mut counts = [0.0f64; 4];
        for _ in 0..draws {
            let count = BgNbd.draw_if_alive(&PUBLISHED, 0.0, 0.0, 39.0, &mut random) as usize;
            counts[count.min(3)] += 1.0 / f64::from(draws);
        }
        for (n, count) in counts.iter().take(3).enumerate() {
            let exact = probability_of(n as u32, 39.0);
            assert!((count - exact).abs() < 4.5 * (exact / f64::from(draws)).sqrt(), "{n}: {count}, exactly {exact}");
        }
        assert_near(probability_of(0, 39.0), 0.5737864, 1e-6);
        assert_near(probability_of(10, 2.0), 1.07869e-7, 1e-5);
    }

    /// Equation (8): the count of a new customer after `t` weeks.
    fn probability_of(n: u32, t: f64) -> f64 {
        let [r, alpha, a, b] = PUBLISHED;
        let x = f64::from(n);
        let term = |j: f64| {
            (ln_gamma(r + j) - ln_gamma(r) - ln_gamma(j + 1.0)
                + r * (alpha / (alpha + t)).ln()
                + j * (t / (alpha + t)).ln())
            .exp()
        };
        let stays = (ln_beta(a, b + x) - ln_beta(a, b)).exp() * term(x);
        if n == 0 {
            return stays;
        }
        let leaves = (ln_beta(a + 1.0, b + x - 1.0) - ln_beta(a, b)).exp();
        // The tail of the negative binomial from x on, summed as it stands: the complement would lose all digits.
        stays + leaves * (0..2_000).map(|j| term(x + f64::from(j))).sum::<f64>()
    }

    #[test]
    fn the_singularity_at_a_equal_1_is_removed() {
        let at = |a: f64| BgNbd.expected_purchases(&[0.243, 4.414, a, 2.426], &history(2.0, 30.43, 38.86), 39.0);
        for step in [1e-15, 1e-12, 1e-9, 1e-6] {
            assert_near(at(1.0 + step), at(1.0), 2.0 * step + 1e-14);
            assert_near(at(1.0 - step), at(1.0), 2.0 * step + 1e-14);
        }
    }
}
