//! What a shop knows of a customer: name, address, and how they came. All of it is made up.
//!
//! E-mail addresses end in domains that nobody can own (RFC 2606), telephone numbers are those reserved for fiction.

use super::Shop;
use super::latent::Latent;
use super::random::{Random, Use};

/// A town: name, region, country, first part of the postal code, and its weight.
const PLACES: [(&str, &str, &str, &str, f64); 20] = [
    ("Berlin", "Berlin", "Germany", "10", 9.0),
    ("Hamburg", "Hamburg", "Germany", "20", 6.0),
    ("München", "Bayern", "Germany", "80", 6.0),
    ("Köln", "Nordrhein-Westfalen", "Germany", "50", 5.0),
    ("Paris", "Île-de-France", "France", "75", 8.0),
    ("Lyon", "Auvergne-Rhône-Alpes", "France", "69", 4.0),
    ("Marseille", "Provence-Alpes-Côte d'Azur", "France", "13", 3.0),
    ("Madrid", "Madrid", "Spain", "28", 6.0),
    ("Barcelona", "Cataluña", "Spain", "08", 5.0),
    ("Roma", "Lazio", "Italy", "00", 5.0),
    ("Milano", "Lombardia", "Italy", "20", 5.0),
    ("Wien", "Wien", "Austria", "10", 5.0),
    ("Graz", "Steiermark", "Austria", "80", 2.0),
    ("Amsterdam", "Noord-Holland", "Netherlands", "10", 5.0),
    ("Rotterdam", "Zuid-Holland", "Netherlands", "30", 3.0),
    ("Bruxelles", "Bruxelles-Capitale", "Belgium", "10", 4.0),
    ("Dublin", "Leinster", "Ireland", "D0", 4.0),
    ("Lisboa", "Lisboa", "Portugal", "11", 3.0),
    ("Helsinki", "Uusimaa", "Finland", "00", 3.0),
    ("Ljubljana", "Osrednjeslovenska", "Slovenia", "10", 2.0),
];
const FIRST_NAMES: [(&str, Gender); 32] = [
    ("Anna", Gender::Female),
    ("Beatriz", Gender::Female),
    ("Camille", Gender::Female),
    ("Daniela", Gender::Female),
    ("Elena", Gender::Female),
    ("Fiona", Gender::Female),
    ("Greta", Gender::Female),
    ("Hanna", Gender::Female),
    ("Inès", Gender::Female),
    ("Julia", Gender::Female),
    ("Katja", Gender::Female),
    ("Léa", Gender::Female),
    ("Maria", Gender::Female),
    ("Nora", Gender::Female),
    ("Olivia", Gender::Female),
    ("Petra", Gender::Female),
    ("Andreas", Gender::Male),
    ("Bruno", Gender::Male),
    ("Carlos", Gender::Male),
    ("David", Gender::Male),
    ("Emil", Gender::Male),
    ("Felix", Gender::Male),
    ("Giovanni", Gender::Male),
    ("Hugo", Gender::Male),
    ("Ivan", Gender::Male),
    ("Jan", Gender::Male),
    ("Karl", Gender::Male),
    ("Lucas", Gender::Male),
    ("Marco", Gender::Male),
    ("Niall", Gender::Male),
    ("Oskar", Gender::Male),
    ("Pedro", Gender::Male),
];
const LAST_NAMES: [&str; 32] = [
    "Almeida", "Bauer", "Costa", "Dubois", "Esposito", "Fischer", "García", "Huber", "Ivanova", "Jansen", "Kovač",
    "Laine", "Moreau", "Novak", "O'Brien", "Pereira", "Quinn", "Rossi", "Schmidt", "Torres", "Uhl", "Visser", "Weber",
    "Xavier", "Young", "Zupan", "Bernard", "Conti", "Durand", "Martín", "Müller", "van Dijk",
];

/// How a customer came, in order of [`CHANNELS`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AcquisitionChannel {
    /// Name.
    pub name: &'static str,
    /// Share of customers.
    pub share: f64,
    /// How much likelier a frequent buyer comes this way than a rare one: the share changes by this times
    /// the distance from the middle of all purchase rates.
    pub quality: f64,
    /// Money for one customer; 0 for ways that cost nothing a head, which belong to no campaign.
    pub cost: f64,
}

/// The channels. They choose customers and do not change them, so the mixture of all stays what it is.
pub const CHANNELS: [AcquisitionChannel; 6] = [
    AcquisitionChannel { name: "organic", share: 0.30, quality: 0.15, cost: 0.0 },
    AcquisitionChannel { name: "search", share: 0.25, quality: 0.0, cost: 14.0 },
    AcquisitionChannel { name: "social", share: 0.18, quality: -0.7, cost: 9.0 },
    AcquisitionChannel { name: "affiliate", share: 0.10, quality: -0.4, cost: 11.0 },
    AcquisitionChannel { name: "referral", share: 0.10, quality: 0.9, cost: 8.0 },
    AcquisitionChannel { name: "email", share: 0.07, quality: 0.5, cost: 0.0 },
];

/// As the customer tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gender {
    /// `female`
    Female,
    /// `male`
    Male,
    /// `diverse`
    Diverse,
}

impl Gender {
    /// The text of the files.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Gender::Female => "female",
            Gender::Male => "male",
            Gender::Diverse => "diverse",
        }
    }
}

/// What a shop knows of a customer. Texts that are put together are made by the writer of rows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Person {
    /// Given name.
    pub first_name: &'static str,
    /// Family name.
    pub last_name: &'static str,
    /// Where not told, nothing.
    pub gender: Option<Gender>,
    /// Days from 1970-01-01, where told.
    pub birth_day: Option<i32>,
    /// Last digits of the telephone number, where told.
    pub phone: Option<u32>,
    /// Last digits of the postal code.
    pub postal_digits: u32,
    /// Number for [`place()`].
    pub place: u8,
    /// Place in [`CHANNELS`].
    pub channel: usize,
    /// Buys for a business.
    pub is_business: bool,
}

/// Name, region, country and first part of the postal code of a place.
#[must_use]
pub fn place(number: u8) -> (&'static str, &'static str, &'static str, &'static str) {
    let (city, region, country, postal, _) = PLACES[number as usize % PLACES.len()];
    (city, region, country, postal)
}

impl Shop {
    /// Where a person lives: the first number of the person's stream, because every order needs it.
    pub(super) fn place_of(&self, person: u32) -> u8 {
        let mut random = Random::new(self.parameters.seed, Use::Person, u64::from(person), 0);
        random.weighted(PLACES.iter().map(|place| place.4)) as u8
    }

    /// What the shop knows of a customer.
    #[must_use]
    pub fn person(&self, latent: &Latent) -> Person {
        let mut random = Random::new(self.parameters.seed, Use::Person, u64::from(latent.customer), 1);
        let (first_name, named) = FIRST_NAMES[random.index(FIRST_NAMES.len())];
        let last_name = LAST_NAMES[random.index(LAST_NAMES.len())];
        let gender = match random.uniform() {
            u if u < 0.08 => None,
            u if u < 0.10 => Some(Gender::Diverse),
            _ => Some(named),
        };
        let age_years = (44.0 + 15.0 * random.normal()).clamp(18.0, 92.0);
        let start = self.parameters.start.to_epoch_days();
        let birth_day = random.chance(0.9).then_some(start - (age_years * 365.25) as i32);
        let phone = random.chance(0.8).then(|| random.index(1_000) as u32);
        let postal_digits = random.index(1_000) as u32;
        let distance = 2.0 * self.population.rate_quantile(latent.rate) - 1.0;
        let channel =
            random.weighted(CHANNELS.iter().map(|channel| channel.share * (1.0 + channel.quality * distance)));
        let is_business = random.chance(0.12);
        Person {
            first_name,
            last_name,
            gender,
            birth_day,
            phone,
            postal_digits,
            place: self.place_of(latent.customer),
            channel,
            is_business,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analytics::generate::Parameters;

    #[test]
    fn channels_have_their_shares_and_their_qualities() {
        let shop = Shop::new(Parameters::new(6, 30_000)).unwrap();
        let mut found = [(0.0, 0.0); CHANNELS.len()];
        for number in 0..30_000 {
            let latent = shop.latent(number);
            let channel = &mut found[shop.person(&latent).channel];
            channel.0 += 1.0;
            channel.1 += latent.rate;
        }
        for (channel, (count, _)) in CHANNELS.iter().zip(found) {
            assert!((count / 30_000.0 - channel.share).abs() < 0.015, "{}: {count}", channel.name);
        }
        let rate = |name: &str| {
            let place = CHANNELS.iter().position(|channel| channel.name == name).unwrap();
            found[place].1 / found[place].0
        };
        assert!(rate("referral") > 1.3 * rate("search"), "{found:?}");
        assert!(rate("search") > 1.2 * rate("social"), "{found:?}");
    }

    #[test]
    fn shares_add_up_and_qualities_cancel() {
        assert!((CHANNELS.iter().map(|channel| channel.share).sum::<f64>() - 1.0).abs() < 1e-12);
        // Otherwise the channel would not be independent of the middle of the rates.
        assert!(CHANNELS.iter().map(|channel| channel.share * channel.quality).sum::<f64>().abs() < 0.01);
    }
}
