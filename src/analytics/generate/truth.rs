//! What is true of a customer at the end of the data, and will never be seen in the files.

use super::Shop;
use super::latent::Latent;
use super::purchases;

/// Horizons of the truth, in days after the end.
pub const HORIZON_DAYS: [u32; 3] = [90, 180, 365];

/// The truth of one customer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CustomerTruth {
    /// The second at which the customer dropped out; nothing for those who did not until the end.
    pub dropped_out: Option<u32>,
    /// Repeat purchases of the process until the end, without those that campaigns brought.
    pub repeat_purchases: u32,
    /// Mean value of an order, by Gamma-Gamma.
    pub mean_value: f64,
    /// Purchases to expect within each of [`HORIZON_DAYS`], given the hidden traits, without campaigns to come.
    pub expected_purchases: [f64; 3],
    /// Their value, less what comes back on average.
    pub expected_value: [f64; 3],
}

impl Shop {
    /// The truth of a customer, by the closed forms of the process; the season of the days to come is in it.
    #[must_use]
    pub fn truth(&self, latent: &Latent) -> CustomerTruth {
        let parameters = &self.parameters;
        let end = self.clock.at_day(parameters.days);
        let mut purchases = 0u32;
        let death = purchases::live(&parameters.process, parameters.seed, latent, end, |_, _| purchases += 1);
        let mean_value = self.population.mean_value(latent.nu);
        let kept = 1.0 - self.returned_value_share();
        let expected_purchases = HORIZON_DAYS.map(|days| match death {
            Some(_) => 0.0,
            None => {
                let ahead = self.clock.at_day(parameters.days + days) - end;
                purchases::expected(&parameters.process, latent, ahead)
            }
        });
        CustomerTruth {
            dropped_out: death.map(|moment| self.clock.second(moment)),
            repeat_purchases: purchases.saturating_sub(1),
            mean_value,
            expected_purchases,
            expected_value: expected_purchases.map(|purchases| purchases * mean_value * kept),
        }
    }
}
