//! Events: an order or a return, in sixteen bytes; all that must be sorted by time before rows are made of it.

use super::Shop;
use super::purchases::live;
use super::random::{Random, Use, mix};

/// Numbers of a customer's orders stay below; the campaigns' orders are counted from here.
pub(super) const ORDERS_MAX: u16 = 0x8000;
const MONSTER: u16 = u16::MAX;
/// Returns of the same day come within so many hours.
const SAME_DAY_HOURS: f64 = 6.0;
/// The monster order is cancelled after twelve minutes, as one of 168,469.60 was in a real shop's file.
const MONSTER_SECONDS: u32 = 720;

/// What happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// An order.
    Order,
    /// A whole order comes back.
    Return,
    /// The first line of an order comes back.
    PartReturn,
    /// The one order that is a mistake.
    Monster,
    /// Its cancellation.
    MonsterCancelled,
}

/// An order or a return.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Event {
    /// Seconds from the start of the data.
    pub second: u32,
    /// Number of the person; guests come after the customers.
    pub customer: u32,
    /// Number among the orders of the person.
    pub order: u16,
    /// What happens.
    pub kind: Kind,
    /// Place of residence.
    pub place: u8,
    /// Rate of the person's order values.
    pub nu: f32,
}

impl Event {
    /// By time; everything else only makes the order of rows one and the same always.
    #[must_use]
    pub fn sort_key(&self) -> (u64, u32) {
        let within = u32::from(self.order) << 8 | self.kind as u32;
        ((u64::from(self.second) << 32) | u64::from(self.customer), within)
    }
}

impl Shop {
    /// Calls `each` with all events of a person from second `from` until before `until`, in no order.
    pub fn events_of(&self, person: u32, from: u32, until: u32, each: &mut impl FnMut(Event)) {
        let until = until.min(self.end_second());
        let place = self.place_of(person);
        let emit = |nu: f32, order: u16, kind: Kind, second: u32, each: &mut dyn FnMut(Event)| {
            if (from..until).contains(&second) {
                each(Event { second, customer: person, order, kind, place, nu });
            }
        };
        if person >= self.parameters.customers {
            let mut random = Random::new(self.parameters.seed, Use::Latent, u64::from(person), 0);
            let nu = self.population.nu_of_guest(&mut random);
            let second = self.clock.second(random.uniform() * self.clock.at_day(self.parameters.days));
            emit(nu, 0, Kind::Order, second, each);
            self.give_back(person, 0, second, |kind, second| emit(nu, 0, kind, second, each));
            return;
        }
        let latent = self.population.latent(person);
        // The numbers follow the first purchases: who comes later has no event in this time.
        if latent.acquired >= self.clock.at_day(until.div_ceil(86_400)) {
            return;
        }
        let mut order = |number: u16, second: u32| {
            emit(latent.nu, number, Kind::Order, second, each);
            self.give_back(person, number, second, |kind, second| emit(latent.nu, number, kind, second, each));
        };
        let end = self.clock.at_day(until.div_ceil(86_400).min(self.parameters.days));
        live(&self.parameters.process, self.parameters.seed, &latent, end, |number, moment| {
            order(number, self.clock.second(moment));
        });
        for campaign in 0..self.parameters.campaigns.count {
            if let Some(second) = self.member(campaign, &latent).and_then(|member| member.responded) {
                order(ORDERS_MAX + campaign as u16, second);
            }
        }
        if person == self.monster_customer() {
            let second = self.end_second() - 86_400 + 9 * 3_600;
            emit(latent.nu, MONSTER, Kind::Monster, second, each);
            emit(latent.nu, MONSTER, Kind::MonsterCancelled, second + MONSTER_SECONDS, each);
        }
    }

    /// Calls `each` if something of an order comes back.
    fn give_back(&self, person: u32, order: u16, second: u32, each: impl FnOnce(Kind, u32)) {
        let returns = self.parameters.returns;
        let mut random = Random::new(self.parameters.seed, Use::Return, u64::from(person), u64::from(order));
        if !random.chance(returns.share) {
            return;
        }
        let is_same_day = random.chance(returns.same_day_share);
        let is_whole = random.chance(returns.whole_share);
        let mut delay = match is_same_day {
            true => random.uniform() * SAME_DAY_HOURS * 3_600.0,
            false => (1.0 + random.exponential() * (returns.days_mean - 1.0).max(0.0)) * 86_400.0,
        };
        if is_same_day {
            // Before midnight, or it would be the next day.
            let left = f64::from(86_399 - second % 86_400);
            delay = delay.min(left);
        }
        let kind = if is_whole { Kind::Return } else { Kind::PartReturn };
        each(kind, second.saturating_add(delay as u32));
    }

    /// Persons with events: the customers, then the guests.
    #[must_use]
    pub fn persons(&self) -> u32 {
        let guests = (f64::from(self.parameters.customers) * self.parameters.guest_share).round();
        self.parameters.customers.saturating_add(guests as u32)
    }

    /// Seconds of the data.
    #[must_use]
    pub fn end_second(&self) -> u32 {
        self.parameters.days * 86_400
    }

    /// One of the earlier half, so that the customer is there long before the order.
    fn monster_customer(&self) -> u32 {
        (mix(self.parameters.seed) % u64::from(self.parameters.customers.div_ceil(2))) as u32
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analytics::generate::Parameters;

    fn events(shop: &Shop, cuts: &[u32]) -> Vec<(u64, u32)> {
        let mut keys = Vec::new();
        for window in cuts.windows(2) {
            for person in 0..shop.persons() {
                shop.events_of(person, window[0], window[1], &mut |event| keys.push(event.sort_key()));
            }
        }
        keys.sort_unstable();
        keys
    }

    #[test]
    fn windows_of_time_hold_every_event_once() {
        let shop = Shop::new(Parameters::new(8, 2_000)).unwrap();
        let whole = events(&shop, &[0, u32::MAX]);
        let day = 86_400;
        let cut = events(&shop, &[0, 100 * day, 101 * day, 500 * day + 7, 1_000 * day, 1_096 * day]);
        assert_eq!(whole.len(), cut.len());
        assert!(whole == cut);
        assert!(whole.windows(2).all(|pair| pair[0] != pair[1]), "keys are unique");
    }

    #[test]
    fn returns_and_season_are_as_asked_for() {
        let shop = Shop::new(Parameters::new(8, 20_000)).unwrap();
        let (mut orders, mut returns, mut same_day) = (0.0, 0.0, 0.0);
        let mut seconds = std::collections::BTreeMap::new();
        let mut by_weekday = [0.0; 7];
        for person in 0..shop.persons() {
            shop.events_of(person, 0, u32::MAX, &mut |event| {
                // Not those of the last weeks, whose returns the end of the data cuts off.
                if event.second > shop.end_second() - 120 * 86_400 {
                    return;
                }
                match event.kind {
                    Kind::Order => {
                        orders += 1.0;
                        seconds.insert((event.customer, event.order), event.second);
                        by_weekday[(event.second / 86_400 % 7) as usize] += 1.0;
                    }
                    Kind::Return | Kind::PartReturn => {
                        returns += 1.0;
                        let sold = seconds.get(&(event.customer, event.order)).copied().unwrap_or_default();
                        assert!(sold <= event.second);
                        same_day += f64::from(u8::from(sold / 86_400 == event.second / 86_400));
                    }
                    Kind::Monster | Kind::MonsterCancelled => {}
                }
            });
        }
        assert!((returns / orders - 0.06f64).abs() < 0.004, "{returns} of {orders}");
        assert!((same_day / returns - 0.25f64).abs() < 0.03, "{same_day} of {returns}");
        // Day 0 is a Saturday, day 3 a Tuesday.
        let ratio: f64 = by_weekday[0] / by_weekday[3];
        assert!((ratio - 1.22 / 0.88).abs() < 0.06, "{by_weekday:?}");
    }
}
