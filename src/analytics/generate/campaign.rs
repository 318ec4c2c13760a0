//! Campaigns with hold-outs and a response that is known: a Hill curve of the money spent on a member, one for each segment.
//!
//! A response is an order that would not have been placed: it comes on top of the purchase process, which knows no
//! campaigns. So the true uplift of a treated member is exactly the probability of the response times the customer's mean
//! order value, and that of a held-out one is what it would have been.

use super::Shop;
use super::latent::{Latent, SEGMENTS};
use super::random::{Random, Use};

/// Days after the start in which responses come; half of them in the first two.
const RESPONSE_DAYS: f64 = 14.0;
const RESPONSE_MEAN_DAYS: f64 = 3.0;

/// Response to money `x` spent on a member: `limit x^shape / (x^shape + half^shape)`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ResponseCurve {
    /// Probability that no spending exceeds (A).
    pub limit: f64,
    /// Money at which half of it is reached (K).
    pub half: f64,
    /// 1 or less is concave (alpha).
    pub shape: f64,
}

/// The curves, by place in [`SEGMENTS`]: who buys anyway hardly answers, and regular buyers of big orders answer most.
pub const RESPONSE_CURVES: [ResponseCurve; SEGMENTS.len()] = [
    ResponseCurve { limit: 0.02, half: 2.0, shape: 1.0 },
    ResponseCurve { limit: 0.06, half: 4.0, shape: 1.0 },
    ResponseCurve { limit: 0.06, half: 1.5, shape: 1.0 },
    ResponseCurve { limit: 0.14, half: 3.0, shape: 1.0 },
    ResponseCurve { limit: 0.03, half: 1.0, shape: 1.0 },
    ResponseCurve { limit: 0.09, half: 6.0, shape: 1.0 },
];

impl ResponseCurve {
    /// Probability of a response.
    #[must_use]
    pub fn probability(&self, spend: f64) -> f64 {
        let x = spend.powf(self.shape);
        self.limit * x / (x + self.half.powf(self.shape))
    }
}

/// A customer in a campaign.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Member {
    /// Place in the spend levels; `None` for a held-out member, on whom nothing is spent.
    pub level: Option<usize>,
    /// The second of the response, if there is one.
    pub responded: Option<u32>,
}

impl Shop {
    /// First day of a campaign: evenly over the data, the first one after some customers have come.
    #[must_use]
    pub fn campaign_day(&self, campaign: u32) -> u32 {
        let count = self.parameters.campaigns.count;
        (f64::from(self.parameters.days) * (f64::from(campaign) + 0.7) / (f64::from(count) + 0.7)) as u32
    }

    /// Days that a campaign takes.
    #[must_use]
    pub fn campaign_length_days(&self) -> u32 {
        RESPONSE_DAYS as u32
    }

    /// The customer's part in a campaign, if any: only who was there before it began, and may be written to.
    #[must_use]
    pub fn member(&self, campaign: u32, latent: &Latent) -> Option<Member> {
        let parameters = &self.parameters;
        let day = self.campaign_day(campaign);
        if !latent.has_consent || latent.acquired >= self.clock.at_day(day) {
            return None;
        }
        let mut random = Random::new(parameters.seed, Use::Campaign, u64::from(latent.customer), u64::from(campaign));
        if !random.chance(parameters.campaigns.member_share) {
            return None;
        }
        if random.chance(parameters.campaigns.holdout_share) {
            return Some(Member { level: None, responded: None });
        }
        let level = random.index(parameters.campaigns.spend_levels.len());
        let curve = RESPONSE_CURVES[latent.segment as usize];
        let delay = (random.exponential() * RESPONSE_MEAN_DAYS) % RESPONSE_DAYS;
        let responds = random.chance(curve.probability(parameters.campaigns.spend_levels[level]));
        // From six in the morning on: the message must have come.
        let second = day * 86_400 + 6 * 3_600 + (delay * 86_400.0) as u32;
        Some(Member { level: Some(level), responded: (responds && second < self.end_second()).then_some(second) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analytics::generate::Parameters;

    #[test]
    fn responses_follow_the_curves() {
        let mut parameters = Parameters::new(2, 30_000);
        parameters.campaigns.count = 4;
        let levels = parameters.campaigns.spend_levels.clone();
        let shop = Shop::new(parameters).unwrap();
        let mut members = vec![(0.0, 0.0); SEGMENTS.len() * levels.len()];
        let (mut all, mut held_out) = (0.0, 0.0);
        for number in 0..30_000 {
            let latent = shop.latent(number);
            for campaign in 0..4 {
                let Some(member) = shop.member(campaign, &latent) else { continue };
                all += 1.0;
                let Some(level) = member.level else {
                    held_out += 1.0;
                    assert_eq!(member.responded, None);
                    continue;
                };
                let cell = &mut members[latent.segment as usize * levels.len() + level];
                cell.0 += 1.0;
                cell.1 += f64::from(u8::from(member.responded.is_some()));
            }
        }
        assert!((held_out / all - 0.2f64).abs() < 0.02, "{held_out} of {all}");
        for (place, (count, responses)) in members.iter().enumerate() {
            let probability = RESPONSE_CURVES[place / levels.len()].probability(levels[place % levels.len()]);
            let error = (probability * (1.0 - probability) / count).sqrt();
            assert!((responses / count - probability).abs() < 4.0 * error, "cell {place}: {responses} of {count}");
        }
    }
}
