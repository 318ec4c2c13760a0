//! What nobody sees of a customer: how often, how long and for how much they buy, and the segment that follows from it.
//!
//! The segments are thirds of the purchase rates crossed with halves of the order values. They are cut by the distributions'
//! own quantiles, so the population stays exactly BG/NBD (or Pareto/NBD) and Gamma-Gamma, and what a shop can observe
//! points at them without giving them away.

use super::parameters::{Parameters, Process};
use super::random::{Random, Use};
use super::season::Clock;
use statrs::distribution::{ContinuousCDF, Gamma, Normal};

/// Weeks are the unit of the parameters, days that of the clock.
const DAYS_OF_A_WEEK: f64 = 7.0;
/// Purchase rates below these shares of all are rare, and regular.
const RATE_CUTS: [f64; 2] = [0.5, 0.8];
/// Customers who may be written to.
const CONSENT_SHARE: f64 = 0.72;

/// Names of the latent segments; the place is the number.
pub const SEGMENTS: [&str; 6] =
    ["rare_small", "rare_big", "regular_small", "regular_big", "frequent_small", "frequent_big"];

/// One customer's hidden traits. Rates are per day of operational time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Latent {
    /// Number of the customer, from 0, in the order in which they came.
    pub customer: u32,
    /// Operational moment of the first purchase.
    pub acquired: f64,
    /// Purchases a day while alive (lambda).
    pub rate: f64,
    /// BG/NBD: chance to drop out after a repeat purchase (p). Pareto/NBD: rate of death a day (mu).
    pub dropout: f64,
    /// Rate of the order values (nu); a single float, as the events carry it.
    pub nu: f32,
    /// Place in [`SEGMENTS`].
    pub segment: u8,
    /// May be written to.
    pub has_consent: bool,
}

/// Draws hidden traits.
#[derive(Clone, Debug)]
pub(super) struct Population {
    seed: u64,
    customers: f64,
    /// Operational length of the days in which customers come.
    acquisition: f64,
    process: Process,
    p: f64,
    q: f64,
    v: f64,
    correlation: f64,
    rates: Option<Gamma>,
    values: Option<Gamma>,
    rate_cuts: [f64; 2],
    nu_cut: f64,
}

impl Population {
    pub(super) fn new(parameters: &Parameters, clock: &Clock) -> Self {
        let (r, alpha) = parameters.process.rates();
        let spend = parameters.spend;
        // Checked parameters make both; without them everybody would be in the first segment.
        let rates = Gamma::new(r, alpha * DAYS_OF_A_WEEK).ok();
        let values = Gamma::new(spend.q, spend.v).ok();
        Population {
            seed: parameters.seed,
            customers: f64::from(parameters.customers),
            acquisition: clock.at_day(parameters.acquisition_days),
            process: parameters.process,
            p: spend.p,
            q: spend.q,
            v: spend.v,
            correlation: spend.correlation,
            rate_cuts: RATE_CUTS.map(|share| rates.map_or(f64::INFINITY, |rates| rates.inverse_cdf(share))),
            nu_cut: values.map_or(0.0, |values| values.inverse_cdf(0.5)),
            rates,
            values,
        }
    }

    /// The traits of customer `number`. Customers come evenly in operational time, and their numbers follow.
    pub(super) fn latent(&self, number: u32) -> Latent {
        let mut random = Random::new(self.seed, Use::Latent, u64::from(number), 0);
        let acquired = (f64::from(number) + random.uniform()) / self.customers * self.acquisition;
        let (r, alpha) = self.process.rates();
        let rate = random.gamma(r) / (alpha * DAYS_OF_A_WEEK);
        let dropout = match self.process {
            Process::BgNbd { a, b, .. } => random.beta(a, b),
            Process::ParetoNbd { s, beta, .. } => random.gamma(s) / (beta * DAYS_OF_A_WEEK),
        };
        let has_consent = random.chance(CONSENT_SHARE);
        let nu = self.nu(rate, &mut random);
        let third = self.rate_cuts.partition_point(|cut| *cut <= rate) as u8;
        // A small nu is a big order.
        let half = u8::from(f64::from(nu) < self.nu_cut);
        Latent { customer: number, acquired, rate, dropout, nu, segment: third * 2 + half, has_consent }
    }

    /// `nu`, bound to the rate by a Gaussian copula where a correlation is asked for; both stay gamma.
    fn nu(&self, rate: f64, random: &mut Random) -> f32 {
        let free = random.gamma(self.q) / self.v;
        let (Some(rates), Some(values), Ok(normal)) = (self.rates, self.values, Normal::new(0.0, 1.0)) else {
            return free as f32;
        };
        if self.correlation == 0.0 {
            return free as f32;
        }
        let inside = |share: f64| share.clamp(1e-12, 1.0 - 1e-12);
        let score = normal.inverse_cdf(inside(rates.cdf(rate)));
        let own = (1.0 - self.correlation * self.correlation).sqrt() * random.normal();
        // Against the sign: a frequent buyer of big orders has a small nu.
        values.inverse_cdf(inside(normal.cdf(-(self.correlation * score + own)))) as f32
    }

    /// Share of all customers who buy more rarely.
    pub(super) fn rate_quantile(&self, rate: f64) -> f64 {
        self.rates.map_or(0.5, |rates| rates.cdf(rate))
    }

    /// The rate of the order values of somebody who has no number.
    pub(super) fn nu_of_guest(&self, random: &mut Random) -> f32 {
        (random.gamma(self.q) / self.v) as f32
    }

    /// Mean value of a customer's orders.
    pub(super) fn mean_value(&self, nu: f32) -> f64 {
        self.p / f64::from(nu)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analytics::generate::Shop;

    fn everybody(correlation: f64) -> Vec<Latent> {
        let mut parameters = Parameters::new(5, 20_000);
        parameters.spend.correlation = correlation;
        let shop = Shop::new(parameters).unwrap();
        (0..20_000).map(|number| shop.latent(number)).collect()
    }

    #[test]
    fn segments_have_their_shares() {
        let mut counts = [0.0f64; 6];
        for latent in everybody(0.0) {
            counts[latent.segment as usize] += 1.0 / 20_000.0;
        }
        for (count, share) in counts.iter().zip([0.25, 0.25, 0.15, 0.15, 0.1, 0.1]) {
            assert!((count - share).abs() < 0.015, "{counts:?}");
        }
    }

    #[test]
    fn customers_come_in_the_order_of_their_numbers() {
        assert!(everybody(0.0).windows(2).all(|pair| pair[0].acquired < pair[1].acquired));
    }

    #[test]
    fn the_correlation_is_what_was_asked_for_and_the_margins_stay() {
        let scores = |latents: &[Latent]| -> f64 {
            let logs: Vec<(f64, f64)> = latents.iter().map(|l| (l.rate.ln(), -f64::from(l.nu).ln())).collect();
            let n = logs.len() as f64;
            let mean = logs.iter().fold((0.0, 0.0), |sum, log| (sum.0 + log.0 / n, sum.1 + log.1 / n));
            let sum = logs.iter().fold((0.0, 0.0, 0.0), |sum, (x, y)| {
                let (x, y) = (x - mean.0, y - mean.1);
                (sum.0 + x * y, sum.1 + x * x, sum.2 + y * y)
            });
            sum.0 / (sum.1 * sum.2).sqrt()
        };
        assert!(scores(&everybody(0.0)).abs() < 0.04);
        let bound = everybody(0.6);
        // Logarithms of gammas are not normal, hence the width.
        assert!((scores(&bound) - 0.57).abs() < 0.06, "{}", scores(&bound));
        let mean = bound.iter().map(|latent| f64::from(latent.nu)).sum::<f64>() / 20_000.0;
        assert!((mean / (3.74 / 15.44) - 1.0).abs() < 0.02, "{mean}");
    }
}
