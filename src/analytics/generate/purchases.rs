//! The purchases of a life, in operational time, and what is still to come of it.
//!
//! BG/NBD: P. S. Fader, B. G. S. Hardie, K. L. Lee (2005), Marketing Science 24(2), 275-284: the first purchase meets no coin.
//! Pareto/NBD: D. C. Schmittlein, D. G. Morrison, R. Colombo (1987), Management Science 33(1), 1-24.

use super::latent::Latent;
use super::parameters::Process;
use super::random::{Random, Use};

/// Calls `each` with number and moment of every purchase before `until`, the first one included, and returns the moment at
/// which the customer dropped out, if that was before `until`.
///
/// A later `until` adds purchases and changes none.
pub(super) fn live(
    process: &Process,
    seed: u64,
    latent: &Latent,
    until: f64,
    mut each: impl FnMut(u16, f64),
) -> Option<f64> {
    let mut random = Random::new(seed, Use::Purchases, u64::from(latent.customer), 0);
    let mut now = latent.acquired;
    if now >= until {
        return None;
    }
    each(0, now);
    let death = match process {
        Process::BgNbd { .. } => f64::INFINITY,
        Process::ParetoNbd { .. } => now + random.exponential() / latent.dropout,
    };
    // The checked rates stay far below this; it only keeps the numbers of orders apart from those of campaigns.
    for number in 1..super::event::ORDERS_MAX {
        now += random.exponential() / latent.rate;
        if now >= until || now >= death {
            break;
        }
        each(number, now);
        if matches!(process, Process::BgNbd { .. }) && random.chance(latent.dropout) {
            return Some(now);
        }
    }
    (death < until).then_some(death)
}

/// Expected purchases in the next `days` of operational time of a customer who is alive: given the rates, the means of a
/// Poisson process that ends after a geometric number of events, or at an exponential time.
pub(super) fn expected(process: &Process, latent: &Latent, days: f64) -> f64 {
    let (rate, ending) = match process {
        // Coins end the life at the rate p lambda.
        Process::BgNbd { .. } => (latent.rate, latent.rate * latent.dropout),
        Process::ParetoNbd { .. } => (latent.rate, latent.dropout),
    };
    if ending * days < 1e-12 { rate * days } else { rate * -(-ending * days).exp_m1() / ending }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analytics::generate::{Parameters, Shop};
    use crate::analytics::ltv::{BgNbd, ParetoNbd, PurchaseProcess};

    const CUSTOMERS: u32 = 40_000;
    const WEEKS: [f64; 3] = [4.0, 26.0, 78.0];

    /// Mean repeat purchases of all customers in the first weeks of each, with its standard error.
    fn counted(process: Process) -> Vec<(f64, f64)> {
        let mut parameters = Parameters::new(11, CUSTOMERS);
        parameters.process = process;
        let shop = Shop::new(parameters).unwrap();
        let n = f64::from(CUSTOMERS);
        WEEKS
            .iter()
            .map(|weeks| {
                let (mut sum, mut squares) = (0.0, 0.0);
                for number in 0..CUSTOMERS {
                    let latent = shop.latent(number);
                    let mut count = 0.0;
                    live(&process, 11, &latent, latent.acquired + weeks * 7.0, |_, _| count += 1.0);
                    count -= 1.0;
                    sum += count;
                    squares += count * count;
                }
                (sum / n, ((squares / n - (sum / n).powi(2)) / n).sqrt())
            })
            .collect()
    }

    fn assert_moments(process: Process, estimator: &dyn PurchaseProcess) {
        let theta = process.values().map(|(_, value)| value);
        for ((mean, error), weeks) in counted(process).into_iter().zip(WEEKS) {
            let expected = estimator.expected_purchases_of_new(&theta, weeks);
            assert!((mean - expected).abs() < 4.0 * error, "{weeks} weeks: {mean}, expected {expected} within {error}");
        }
    }

    #[test]
    fn bg_nbd_purchases_have_the_mean_of_equation_9() {
        assert_moments(Process::BG_NBD, &BgNbd);
    }

    #[test]
    fn pareto_nbd_purchases_have_the_published_mean() {
        assert_moments(Process::PARETO_NBD, &ParetoNbd);
    }

    #[test]
    fn what_is_still_to_come_is_the_mean_of_what_comes() {
        for process in [Process::BG_NBD, Process::PARETO_NBD] {
            let mut parameters = Parameters::new(3, CUSTOMERS);
            parameters.process = process;
            let shop = Shop::new(parameters).unwrap();
            let (from, until) = (400.0, 580.0);
            let (mut promised, mut came, mut variance) = (0.0, 0.0, 0.0);
            for number in 0..CUSTOMERS {
                let latent = shop.latent(number);
                if latent.acquired >= from {
                    continue;
                }
                let mut count = 0.0;
                let death = live(&process, 3, &latent, until, |_, moment| {
                    count += f64::from(u8::from(moment >= from));
                });
                if death.is_none_or(|death| death >= from) {
                    promised += expected(&process, &latent, until - from);
                }
                came += count;
                // A customer's count has at least the variance of its mean; squares bound it from above.
                variance += count * count;
            }
            assert!((promised - came).abs() < 4.0 * f64::sqrt(variance), "promised {promised}, came {came}");
            assert!(came > 10_000.0, "{came}");
        }
    }

    #[test]
    fn a_later_end_changes_no_purchase() {
        let shop = Shop::new(Parameters::new(3, 500)).unwrap();
        for number in 0..500 {
            let latent = shop.latent(number);
            let (mut early, mut late) = (Vec::new(), Vec::new());
            live(&Process::BG_NBD, 3, &latent, 600.0, |_, moment| early.push(moment));
            live(&Process::BG_NBD, 3, &latent, 1_000.0, |_, moment| late.push(moment));
            late.retain(|moment| *moment < 600.0);
            assert_eq!(early, late);
        }
    }
}
