//! What came of a scenario: figures for the table, and every promise that was broken.

use crate::readers::Seen;
use std::collections::BTreeMap;
use std::fmt::Display;
use std::time::Duration;

/// SQLSTATE classes that tell of a lost connection or a server that stops or starts; `io` and `connect` are the
/// driver's own words for the same.
const OF_CONNECTIONS: [&str; 5] = ["08", "57P01", "57P02", "57P03", "io"];

/// One row of the table.
#[derive(Debug, Default)]
pub struct Verdict {
    /// Faults that were made.
    pub rounds: u64,
    /// Statements that readers got an answer to.
    pub reads: u64,
    /// Statements that readers got an error for, by SQLSTATE.
    pub errors: BTreeMap<String, u64>,
    /// Answers with rows missing, or of two states at once.
    pub torn: u64,
    /// Answers older than one that the same reader had before.
    pub back: u64,
    /// The longest that a reader waited.
    pub stall: Duration,
    /// Other figures.
    pub facts: Vec<String>,
    /// Promises that did not hold.
    pub broken: Vec<String>,
    /// Why nothing was tried.
    pub skipped: Option<String>,
}

impl Verdict {
    /// A scenario that cannot be tried on this machine.
    pub fn skipped(why: impl Into<String>) -> Verdict {
        Verdict { skipped: Some(why.into()), ..Verdict::default() }
    }

    /// A figure worth telling.
    pub fn fact(&mut self, what: impl Display) {
        self.facts.push(what.to_string());
    }

    /// A promise; `told` says how it was broken.
    pub fn require(&mut self, holds: bool, told: impl Display) {
        if !holds {
            self.broken.push(told.to_string());
        }
    }

    /// Takes over what readers saw, and requires that no answer was wrong.
    pub fn judge(&mut self, seen: &Seen, allowed: Allowed) {
        self.reads += seen.reads;
        self.torn += seen.torn;
        self.back += seen.back;
        self.stall = self.stall.max(seen.stall());
        for (code, count) in &seen.errors {
            *self.errors.entry(code.clone()).or_default() += count;
        }
        let longest = seen.longest.iter().map(|(habit, micros)| format!("{habit} {} ms", micros / 1000));
        self.fact(format!("longest waits: {}", longest.collect::<Vec<_>>().join(", ")));
        self.broken.extend(seen.samples.iter().map(|sample| format!("a reader saw {sample}")));
        let refused: Vec<_> = seen.errors.keys().filter(|code| !allowed.covers(code)).cloned().collect();
        self.require(refused.is_empty(), format!("readers got errors {}", refused.join(", ")));
        self.require(seen.torn == 0, format!("{} torn answers", seen.torn));
        self.require(seen.back == 0, format!("{} answers went back", seen.back));
        self.require(seen.reads > 0, "nothing was read");
    }

    /// `ok`, `skipped` or `BROKEN`.
    pub fn word(&self) -> &'static str {
        match (&self.skipped, self.broken.is_empty()) {
            (Some(_), _) => "skipped",
            (None, true) => "ok",
            (None, false) => "BROKEN",
        }
    }
}

/// Which errors readers may get.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Allowed {
    /// None: their server was never touched.
    Nothing,
    /// Those of a connection that broke.
    LostConnections,
}

impl Allowed {
    fn covers(self, code: &str) -> bool {
        self == Allowed::LostConnections && (code == "connect" || OF_CONNECTIONS.iter().any(|c| code.starts_with(c)))
    }
}
