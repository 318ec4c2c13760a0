//! Breaks the real program and real servers, and judges by what readers see: `make faults`.
//!
//! `cargo test --test faults -- [SCENARIO...] [--rounds N] [--seed N] [--keep]` runs the scenarios named, or all. Each scenario
//! is one file with a server of its own. The end is one table; the exit code tells whether a promise was broken.
#![allow(clippy::print_stdout, clippy::print_stderr)] // A program of its own, whose result is its table.

mod bench;
mod bi;
mod disk;
mod failover;
mod holders;
mod holding;
mod kill;
mod lab;
mod ledger;
mod network;
mod paused;
mod points;
mod pooler;
mod program;
mod proxy;
mod readers;
mod rollback;
mod server;
mod slots;
mod timeouts;
mod verdict;

use comfy_table::{ContentArrangement, Table};
use futures_util::future::LocalBoxFuture;
use lab::Lab;
use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::{RngCore, SeedableRng};
use std::process::ExitCode;
use std::time::{Duration, Instant};
use verdict::Verdict;

/// What a scenario is given.
pub struct Trial<'a> {
    /// Where it may make servers.
    pub lab: &'a Lab,
    /// How many faults it makes.
    pub rounds: u64,
    random: Xoshiro256PlusPlus,
}

impl Trial<'_> {
    /// A whole number below `limit`.
    pub fn below(&mut self, limit: u64) -> u64 {
        self.random.next_u64() % limit.max(1)
    }

    /// A time up to `most`.
    pub fn moment(&mut self, most: Duration) -> Duration {
        Duration::from_micros(self.below(u64::try_from(most.as_micros()).unwrap_or(u64::MAX)))
    }
}

/// One row of the list below.
struct Scenario {
    name: &'static str,
    /// Rounds when nothing else is asked for.
    rounds: u64,
    run: for<'a> fn(Trial<'a>) -> LocalBoxFuture<'a, Verdict>,
}

macro_rules! scenario {
    ($name:literal, $rounds:literal, $run:path) => {
        Scenario { name: $name, rounds: $rounds, run: |trial| Box::pin($run(trial)) }
    };
}

/// Every scenario there is; another one is a file and a line here.
const SCENARIOS: &[Scenario] = &[
    scenario!("kill", 200, kill::till),
    scenario!("kill_bundled", 20, kill::bundled),
    scenario!("points_kill", 1, points::kill),
    scenario!("points_fail", 1, points::fail),
    scenario!("points_delay", 1, points::delay),
    scenario!("backends", 20, server::terminated),
    scenario!("immediate", 20, server::stopped),
    scenario!("postmaster", 20, server::killed),
    scenario!("failover", 3, failover::standby),
    scenario!("cut", 5, network::cut),
    scenario!("half_open", 5, network::half_open),
    scenario!("delayed", 2, network::delayed),
    scenario!("throttled", 2, network::throttled),
    scenario!("cut_after", 40, network::cut_after),
    scenario!("disk", 3, disk::full),
    scenario!("timeouts", 3, timeouts::on_role),
    scenario!("holders", 5, holding::publish),
    scenario!("slots", 10000, slots::direct),
    scenario!("slots_pooled", 10000, slots::pooled),
    scenario!("paused", 5, paused::leader),
    scenario!("bi", 1, bi::query),
    scenario!("rollback", 10, rollback::back),
];

struct Arguments {
    only: Vec<String>,
    rounds: Option<u64>,
    seed: u64,
    keep: bool,
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = match arguments(std::env::args().skip(1)) {
        Ok(arguments) => arguments,
        Err(told) => {
            eprintln!("error: {told}");
            return ExitCode::from(2);
        }
    };
    let mut table = Table::new();
    table.set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(["scenario", "rounds", "reads", "errors", "torn", "went back", "stall", "took", "verdict"]);
    let mut notes = Vec::new();
    let mut is_good = true;
    for scenario in SCENARIOS {
        if !arguments.only.is_empty() && !arguments.only.iter().any(|name| name == scenario.name) {
            continue;
        }
        let began = Instant::now();
        eprintln!("{} ...", scenario.name);
        let verdict = perform(scenario, &arguments).await;
        let took = began.elapsed().as_secs();
        eprintln!("{}: {} after {took} s", scenario.name, verdict.word());
        is_good &= verdict.broken.is_empty();
        notes.extend(verdict.facts.iter().map(|fact| format!("{}: {fact}", scenario.name)));
        notes.extend(verdict.skipped.iter().map(|why| format!("{}: skipped: {why}", scenario.name)));
        notes.extend(verdict.broken.iter().map(|what| format!("{}: BROKEN: {what}", scenario.name)));
        let errors: Vec<String> = verdict.errors.iter().map(|(code, count)| format!("{code} x{count}")).collect();
        table.add_row([
            scenario.name.to_owned(),
            verdict.rounds.to_string(),
            verdict.reads.to_string(),
            if errors.is_empty() { "0".into() } else { errors.join(" ") },
            verdict.torn.to_string(),
            verdict.back.to_string(),
            format!("{} ms", verdict.stall.as_millis()),
            format!("{took} s"),
            verdict.word().to_owned(),
        ]);
    }
    println!("{table}\nseed {}", arguments.seed);
    notes.iter().for_each(|note| println!("{note}"));
    if is_good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Runs one scenario; a fault of the harness itself is told like a broken promise, and the others still run.
async fn perform(scenario: &Scenario, arguments: &Arguments) -> Verdict {
    use futures_util::FutureExt;
    let lab = Lab::new(arguments.keep);
    let rounds = arguments.rounds.unwrap_or(scenario.rounds);
    let trial = Trial { lab: &lab, rounds, random: Xoshiro256PlusPlus::seed_from_u64(arguments.seed) };
    let run = std::panic::AssertUnwindSafe((scenario.run)(trial)).catch_unwind();
    let verdict = tokio::select! {
        verdict = run => verdict,
        _ = tokio::signal::ctrl_c() => Ok(Verdict::skipped("interrupted")),
    };
    verdict.unwrap_or_else(|panic| {
        let told = panic.downcast_ref::<String>().cloned();
        let told = told.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
        Verdict { broken: vec![format!("broke off: {}", told.unwrap_or_default())], ..Verdict::default() }
    })
}

fn arguments(words: impl Iterator<Item = String>) -> Result<Arguments, String> {
    let mut arguments = Arguments { only: Vec::new(), rounds: None, seed: 1, keep: false };
    let mut words = words.filter(|word| !word.is_empty());
    while let Some(word) = words.next() {
        let mut number = || words.next().and_then(|n| n.parse().ok()).ok_or(format!("{word} needs a number"));
        match word.as_str() {
            "--rounds" => arguments.rounds = Some(number()?),
            "--keep" => arguments.keep = true,
            "--seed" => arguments.seed = number()?,
            name if SCENARIOS.iter().any(|scenario| scenario.name == name) => arguments.only.push(word),
            other => {
                let names: Vec<&str> = SCENARIOS.iter().map(|scenario| scenario.name).collect();
                return Err(format!("\"{other}\" is no scenario\ndetail: There are {}.", names.join(", ")));
            }
        }
    }
    Ok(arguments)
}
