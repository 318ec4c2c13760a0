//! The lines of an order: products of the catalogue whose discounted prices add up to what Gamma-Gamma drew.

use super::Shop;
use super::event::{Event, Kind};
use super::random::{Random, Use};

/// Ways to order, with their shares.
const CHANNELS: [(&str, f64); 4] = [("web", 0.45), ("app", 0.30), ("store", 0.20), ("marketplace", 0.05)];
/// Units of a line at most, where the dearest product is dear enough.
const UNITS_MAX: u32 = 5;
/// Units of the one order that nobody could want.
const MONSTER_UNITS: i64 = 80_995;
/// The price of each, as a share of a mean order.
const MONSTER_PRICE: f64 = 0.1;
/// A share in ten-thousandths.
pub const SHARE_UNIT: i64 = 10_000;

/// A line of an order. Money is in cents.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Line {
    /// Number in its order or return, from 1.
    pub number: u32,
    /// Place in the catalogue.
    pub product: usize,
    /// Units; negative when they came back.
    pub quantity: i64,
    /// Discount in ten-thousandths of the price.
    pub discount: i64,
}

/// The lines of one event, and how it was ordered. Filled again and again, so that orders cost no memory.
#[derive(Clone, Debug, Default)]
pub struct Basket {
    /// The lines.
    pub lines: Vec<Line>,
    /// How it was ordered.
    pub channel: &'static str,
}

impl Shop {
    /// Fills the basket of an event; that of a return holds what came back.
    pub fn fill(&self, event: &Event, basket: &mut Basket) {
        basket.lines.clear();
        let mut random =
            Random::new(self.parameters.seed, Use::Basket, u64::from(event.customer), u64::from(event.order));
        basket.channel = CHANNELS[random.weighted(CHANNELS.iter().map(|channel| channel.1))].0;
        if matches!(event.kind, Kind::Monster | Kind::MonsterCancelled) {
            let product = self.catalogue.pick(MONSTER_PRICE * self.parameters.spend.mean() * 100.0, &mut random);
            basket.lines.push(Line { number: 1, product, quantity: MONSTER_UNITS, discount: 0 });
        } else {
            self.fill_by_value(event, basket, &mut random);
        }
        match event.kind {
            Kind::Order | Kind::Monster => return,
            Kind::Return | Kind::MonsterCancelled => {}
            Kind::PartReturn => basket.lines.truncate(1),
        }
        for line in &mut basket.lines {
            line.quantity = -line.quantity;
        }
    }

    fn fill_by_value(&self, event: &Event, basket: &mut Basket, random: &mut Random) {
        let value_cents = random.gamma(self.parameters.spend.p) / f64::from(event.nu) * 100.0;
        let count = 1 + random.poisson(self.parameters.lines_mean - 1.0);
        // Exponential weights cut the value at uniformly random places.
        let first = basket.lines.len();
        let mut weights = [0.0f64; 64];
        let count = (count as usize).min(weights.len());
        for weight in &mut weights[..count] {
            *weight = random.exponential();
        }
        let total: f64 = weights[..count].iter().sum();
        for (place, weight) in weights[..count].iter().enumerate() {
            let line_cents = value_cents * weight / total;
            let mut quantity = 1;
            while quantity < UNITS_MAX && random.chance(0.3) {
                quantity += 1;
            }
            let dearest = self.catalogue.dearest_cents() as f64;
            let quantity = i64::from(quantity).max((line_cents / dearest).ceil() as i64);
            let product = self.catalogue.pick(line_cents / quantity as f64, random);
            let price = self.catalogue.products()[product].price_cents * quantity;
            let kept = (line_cents / price as f64 * SHARE_UNIT as f64).round() as i64;
            basket.lines.push(Line {
                number: (first + place + 1) as u32,
                product,
                quantity,
                discount: (SHARE_UNIT - kept).clamp(0, SHARE_UNIT - 1),
            });
        }
    }

    /// What of an order's value comes back on average: all of some orders, a line of others, and a line of `n` is `1/n` of
    /// the value; for `n - 1 ~ Poisson(m)` the mean of `1/n` is `(1 - e^-m) / m`.
    #[must_use]
    pub fn returned_value_share(&self) -> f64 {
        let returns = self.parameters.returns;
        let more = self.parameters.lines_mean - 1.0;
        let of_one_line = if more < 1e-9 { 1.0 } else { -(-more).exp_m1() / more };
        returns.share * (returns.whole_share + (1.0 - returns.whole_share) * of_one_line)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analytics::generate::Parameters;

    fn value(shop: &Shop, basket: &Basket) -> f64 {
        let of_line = |line: &Line| {
            let price = shop.catalogue().products()[line.product].price_cents;
            line.quantity as f64 * price as f64 / 100.0 * (SHARE_UNIT - line.discount) as f64 / SHARE_UNIT as f64
        };
        basket.lines.iter().map(of_line).sum()
    }

    fn orders(shop: &Shop) -> Vec<Event> {
        let mut events = Vec::new();
        for person in 0..shop.persons() {
            shop.events_of(person, 0, u32::MAX, &mut |event| events.push(event));
        }
        events
    }

    #[test]
    fn order_values_have_the_mean_of_gamma_gamma() {
        let shop = Shop::new(Parameters::new(9, 20_000)).unwrap();
        let mut basket = Basket::default();
        let (mut sum, mut squares, mut lines, mut n) = (0.0, 0.0, 0.0, 0.0);
        // First orders only: one a customer, so that they are independent.
        for event in orders(&shop).iter().filter(|event| event.kind == Kind::Order && event.order == 0) {
            shop.fill(event, &mut basket);
            let value = value(&shop, &basket);
            sum += value;
            squares += value * value;
            lines += basket.lines.len() as f64;
            n += 1.0;
            assert!(basket.lines.iter().all(|line| line.quantity > 0 && (0..SHARE_UNIT).contains(&line.discount)));
        }
        let error = ((squares / n - (sum / n) * (sum / n)) / n).sqrt();
        let mean = shop.parameters().spend.mean();
        assert!((sum / n - mean).abs() < 4.0 * error, "mean {}, not {mean} within {error}", sum / n);
        assert!((lines / n - 3.2).abs() < 0.05, "{}", lines / n);
    }

    #[test]
    fn the_value_that_comes_back_is_as_computed() {
        let mut parameters = Parameters::new(4, 20_000);
        parameters.campaigns.count = 0;
        // All at once, so that none is lost behind the end.
        parameters.returns.same_day_share = 1.0;
        let shop = Shop::new(parameters).unwrap();
        let mut basket = Basket::default();
        let (mut sold, mut returned) = (0.0, 0.0);
        for event in orders(&shop) {
            shop.fill(&event, &mut basket);
            match event.kind {
                Kind::Order => sold += value(&shop, &basket),
                Kind::Return | Kind::PartReturn => returned -= value(&shop, &basket),
                Kind::Monster | Kind::MonsterCancelled => {}
            }
        }
        let share = shop.returned_value_share();
        assert!((returned / sold / share - 1.0).abs() < 0.03, "{} of {share}", returned / sold);
    }

    #[test]
    fn the_monster_order_is_cancelled_within_the_hour_and_leaves_nothing() {
        let shop = Shop::new(Parameters::new(4, 300)).unwrap();
        let monsters: Vec<Event> =
            orders(&shop).into_iter().filter(|e| matches!(e.kind, Kind::Monster | Kind::MonsterCancelled)).collect();
        assert_eq!(monsters.len(), 2);
        assert!((1..3_600).contains(&(monsters[1].second - monsters[0].second)), "{monsters:?}");
        let mut basket = Basket::default();
        let mut total = 0.0;
        for event in &monsters {
            shop.fill(event, &mut basket);
            total += value(&shop, &basket);
            assert!(value(&shop, &basket).abs() > 1e5);
        }
        assert_eq!(total, 0.0);
    }
}
