//! A shop that never was, whose truth is known: customers with hidden traits, and what they order, return and answer.
//!
//! | file | what it knows |
//! |---|---|
//! | `parameters` | all that decides the files |
//! | `random` | a stream of random numbers for each thing, so that any row can be made alone |
//! | `season` | when, on the calendar, an operational moment is |
//! | `latent` | hidden traits: purchase rate, dropout, order value, segment |
//! | `purchases` | BG/NBD and Pareto/NBD lives, and what is still to come of them |
//! | `catalogue`, `basket` | products, and order lines whose sum is what Gamma-Gamma drew |
//! | `campaign` | members, hold-outs, responses by known curves |
//! | `event` | orders and returns on the calendar |
//! | `person` | names, addresses, acquisition channels |
//! | `truth` | what to expect of a customer after the end of the data |
//!
//! Pure: rows, files and threads are the matter of `ingest::generate`. What the models assume is kept exactly, so that
//! their estimates can be judged: the season is a clock, segments and channels choose customers without changing them, and
//! orders that campaigns bring come on top.

mod basket;
mod campaign;
mod catalogue;
mod event;
mod latent;
mod parameters;
mod person;
mod purchases;
mod random;
#[cfg(test)]
mod recovery_tests;
mod season;
mod truth;

pub use basket::{Basket, Line, SHARE_UNIT};
pub use campaign::{Member, RESPONSE_CURVES, ResponseCurve};
pub use catalogue::{Catalogue, Product};
pub use event::{Event, Kind};
pub use latent::{Latent, SEGMENTS};
pub use parameters::{Campaigns, Parameters, Process, Returns, Spend};
pub use person::{AcquisitionChannel, CHANNELS, Gender, Person, place};
pub use season::{Clock, FUTURE_DAYS};
pub use truth::{CustomerTruth, HORIZON_DAYS};

use crate::error::Result;
use latent::Population;

/// A shop: its parameters, and what follows from them for everybody.
#[derive(Clone, Debug)]
pub struct Shop {
    parameters: Parameters,
    clock: Clock,
    population: Population,
    catalogue: Catalogue,
}

impl Shop {
    /// A shop of these parameters, if they can be.
    pub fn new(parameters: Parameters) -> Result<Shop> {
        parameters.check()?;
        let clock = Clock::new(parameters.start, parameters.days, parameters.season);
        let population = Population::new(&parameters, &clock);
        let catalogue = Catalogue::new(&parameters);
        Ok(Shop { parameters, clock, population, catalogue })
    }

    /// What decides all of it.
    #[must_use]
    pub fn parameters(&self) -> &Parameters {
        &self.parameters
    }

    /// The products.
    #[must_use]
    pub fn catalogue(&self) -> &Catalogue {
        &self.catalogue
    }

    /// The season.
    #[must_use]
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// The hidden traits of a customer.
    #[must_use]
    pub fn latent(&self, customer: u32) -> Latent {
        self.population.latent(customer)
    }

    /// Mean value of the customer's orders.
    #[must_use]
    pub fn mean_value(&self, latent: &Latent) -> f64 {
        self.population.mean_value(latent.nu)
    }
}
