//! Customers with their truth, members of campaigns, and how many orders and returns each day has.

use super::Writer;
use super::campaign_tables::{Acquired, CAMPAIGN_MEMBERS, Response, member_row};
use super::ordered::ordered;
use super::rows::{RowFile, Rows};
use super::tables::{CUSTOMERS, TRUTH_CUSTOMERS, acquisition_campaign, customer_row, truth_row};
use crate::analytics::generate::CHANNELS;
use crate::error::Result;
use std::collections::BTreeMap;

/// Persons whose rows are made at once.
const PERSONS: u32 = 8_192;

/// What is counted while the customers are written.
pub(super) struct People {
    /// Orders and returns by day.
    pub events_of_day: Vec<u64>,
    /// Customers by channel and year, where the channel costs something a head.
    pub acquired: BTreeMap<(usize, i32), u64>,
    /// What each channel brings.
    pub channels: [Acquired; CHANNELS.len()],
}

impl People {
    fn new(days: u32) -> Self {
        People { events_of_day: vec![0; days as usize], acquired: BTreeMap::new(), channels: Default::default() }
    }

    /// Adds the counts of other persons, in their order: sums of floats depend on it.
    fn add(&mut self, other: &People) {
        for (count, more) in self.events_of_day.iter_mut().zip(&other.events_of_day) {
            *count += more;
        }
        for (campaign, more) in &other.acquired {
            *self.acquired.entry(*campaign).or_default() += more;
        }
        for (channel, more) in self.channels.iter_mut().zip(&other.channels) {
            channel.add(more);
        }
    }
}

/// The numbers of a bundle of persons.
pub(super) fn bundle(chunk: usize, persons: u32) -> std::ops::Range<u32> {
    let first = (chunk as u32).saturating_mul(PERSONS).min(persons);
    first..first.saturating_add(PERSONS).min(persons)
}

/// How many bundles there are.
pub(super) fn bundles(persons: u32) -> usize {
    persons.div_ceil(PERSONS) as usize
}

impl<F: RowFile> Writer<'_, F> {
    /// Writes customers and their truth, and counts the events of everybody.
    pub(super) fn people(&mut self) -> Result<People> {
        let (shop, customers) = (self.shop, self.shop.parameters().customers);
        let mut customer_file = self.create(&CUSTOMERS)?;
        let mut truth_file = self.create(&TRUTH_CUSTOMERS)?;
        let mut people = People::new(shop.parameters().days);
        let make = |chunk| {
            let mut counts = People::new(shop.parameters().days);
            let (mut known, mut truths) = (F::Rows::new(&CUSTOMERS), F::Rows::new(&TRUTH_CUSTOMERS));
            for number in bundle(chunk, shop.persons()) {
                shop.events_of(number, 0, u32::MAX, &mut |event| {
                    counts.events_of_day[(event.second / 86_400) as usize] += 1;
                });
                if number >= customers {
                    continue;
                }
                let latent = shop.latent(number);
                let (person, truth) = (shop.person(&latent), shop.truth(&latent));
                customer_row(&mut known, shop, &latent, &person);
                truth_row(&mut truths, shop, &latent, &truth);
                if let Some(campaign) = acquisition_campaign(shop, person.channel, shop.clock().second(latent.acquired))
                {
                    *counts.acquired.entry(campaign).or_default() += 1;
                }
                counts.channels[person.channel].add(&Acquired {
                    customers: 1,
                    rates: latent.rate * 7.0,
                    values: truth.expected_value[2],
                    alive: u64::from(truth.dropped_out.is_none()),
                });
            }
            known.seal();
            truths.seal();
            (known, truths, counts)
        };
        ordered(self.threads, bundles(shop.persons()), make, |(known, truths, counts)| {
            people.add(&counts);
            customer_file.append(known)?;
            truth_file.append(truths)
        })?;
        self.keep(customer_file)?;
        self.keep(truth_file)?;
        Ok(people)
    }

    /// Writes the members of all campaigns to existing customers, and counts what became of them.
    pub(super) fn members(&mut self) -> Result<Vec<Response>> {
        let (shop, customers) = (self.shop, self.shop.parameters().customers);
        let mut file = self.create(&CAMPAIGN_MEMBERS)?;
        let mut responses = Vec::new();
        for campaign in 0..shop.parameters().campaigns.count {
            let mut response = Response::new(shop);
            let make = |chunk| {
                let mut rows = F::Rows::new(&CAMPAIGN_MEMBERS);
                let mut counts = Response::new(shop);
                for number in bundle(chunk, customers) {
                    let latent = shop.latent(number);
                    if let Some(member) = shop.member(campaign, &latent) {
                        member_row(&mut rows, shop, campaign, number, &member);
                        counts.take(latent.segment, &member, shop.mean_value(&latent));
                    }
                }
                rows.seal();
                (rows, counts)
            };
            ordered(self.threads, bundles(customers), make, |(rows, counts)| {
                response.add(&counts);
                file.append(rows)
            })?;
            responses.push(response);
        }
        self.keep(file)?;
        Ok(responses)
    }
}
