//! Why a customer has these values, in words and numbers: what is published of one customer becomes sections of facts and sentences.
//!
//! | file | tells |
//! |---|---|
//! | [`facts`] | what was found, and what was not |
//! | `history` | what the customer did so far |
//! | `scores` | scores and the cut points they fell between, segments |
//! | `persona` | cluster, persona, what to do next |
//! | `ahead` | whether the customer is still there, and buys again |
//! | `value` | what that is worth, step by step |
//! | `trust` | how far to believe it |
//! | `arithmetic` | the parts of published numbers, found again |
//! | `words` | numbers as people read them |
//!
//! A section whose relation is not published says so in a line; a number that is not there has a reason in its place.

mod ahead;
mod arithmetic;
pub mod facts;
mod history;
mod persona;
mod scores;
mod trust;
mod value;
mod words;

use facts::Facts;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// All that is told of a customer.
#[derive(Clone, Debug)]
pub struct Explanation {
    /// The id as typed.
    pub customer_id: String,
    /// The workspace.
    pub workspace: String,
    /// The newest run that was read.
    pub run: Option<facts::Run>,
    /// The whole in a few sentences.
    pub summary: Vec<String>,
    /// The parts.
    pub sections: Vec<Section>,
    runs: BTreeMap<String, i64>,
}

/// A part of the explanation.
#[derive(Clone, Debug)]
pub struct Section {
    /// A word for programs; stable.
    pub name: &'static str,
    /// Words for people.
    pub title: &'static str,
    /// Its numbers.
    pub facts: Vec<Fact>,
    /// What they mean, and how one follows from another.
    pub because: Vec<String>,
    /// Why the section, or a part of it, is not there.
    pub left_out: Vec<String>,
}

/// A number or a word with its meaning.
#[derive(Clone, Debug)]
pub struct Fact {
    /// A word for programs, that of the column where there is one; stable.
    pub name: String,
    /// The value with all its digits.
    pub value: Value,
    /// Words for people; a fact without a label is for programs only.
    pub label: String,
    /// The value as people read it.
    pub shown: String,
    /// Where it comes from or what it means.
    pub note: String,
}

impl Section {
    fn new(name: &'static str, title: &'static str) -> Section {
        Section { name, title, facts: Vec::new(), because: Vec::new(), left_out: Vec::new() }
    }

    /// Adds a fact for people and programs.
    fn tell(
        &mut self,
        name: &str,
        value: impl Into<Value>,
        label: &str,
        shown: impl Into<String>,
        note: impl Into<String>,
    ) {
        let (name, label) = (name.to_owned(), label.to_owned());
        self.facts.push(Fact { name, value: value.into(), label, shown: shown.into(), note: note.into() });
    }

    /// Adds a fact for programs.
    fn keep(&mut self, name: &str, value: impl Into<Value>) {
        self.tell(name, value, "", "", "");
    }
}

/// Tells it.
#[must_use]
pub fn explain(facts: &Facts) -> Explanation {
    let history = history::History::of(facts);
    let prospect = ahead::Prospect::of(facts, &history);
    let sections = vec![
        history::section(facts, &history),
        scores::section(facts),
        scores::segments(facts),
        persona::section(facts),
        ahead::section(facts, &history, &prospect),
        value::section(facts, &history, &prospect),
        trust::section(facts, &history),
    ];
    Explanation {
        customer_id: facts.customer_id.clone(),
        workspace: facts.workspace.clone(),
        run: facts.runs.values().max_by_key(|run| run.run_id).copied(),
        summary: summary(facts, &history),
        sections,
        runs: facts.runs.iter().map(|(relation, run)| (relation.clone(), run.run_id)).collect(),
    }
}

fn summary(facts: &Facts, history: &history::History) -> Vec<String> {
    let mut summary = Vec::new();
    summary.extend(history.sentence());
    summary.extend(persona::sentence(facts));
    summary.extend(history::money_sentence(facts));
    summary.extend(value::sentence(facts));
    summary.extend(mixed_runs(facts));
    summary
}

/// Relations of several runs are each right, but need not fit together.
fn mixed_runs(facts: &Facts) -> Option<String> {
    let newest = facts.runs.values().filter_map(|run| run.as_of).max()?;
    let older: Vec<String> = facts
        .runs
        .iter()
        .filter(|(_, run)| run.as_of.is_some_and(|as_of| as_of < newest))
        .map(|(relation, run)| format!("{relation} (run {})", run.run_id))
        .collect();
    (!older.is_empty()).then(|| {
        format!(
            "Not all is of one instant: {} are as of an earlier one, so numbers across sections may not agree.",
            older.join(", ")
        )
    })
}

impl Explanation {
    /// The same facts as one JSON object: an object a section, in it each fact under its name, `because` with the sentences and
    /// `left_out` with what is not there.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let mut document = Map::new();
        document.insert("customer_id".into(), json!(self.customer_id));
        document.insert("workspace".into(), json!(self.workspace));
        document.insert("run_id".into(), json!(self.run.map(|run| run.run_id)));
        document.insert("as_of".into(), json!(self.run.and_then(|run| run.as_of)));
        document.insert("summary".into(), json!(self.summary));
        for section in &self.sections {
            let mut object: Map<String, Value> =
                section.facts.iter().map(|fact| (fact.name.clone(), fact.value.clone())).collect();
            object.insert("because".into(), json!(section.because));
            object.insert("left_out".into(), json!(section.left_out));
            document.insert(section.name.into(), Value::Object(object));
        }
        document.insert("relations".into(), json!(self.runs));
        Value::Object(document)
    }
}

#[cfg(test)]
mod tests;
