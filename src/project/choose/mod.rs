//! The selector language: which nodes `--select tag:nightly+ --exclude path:models/old` and `selectors.yml` pick.
//!
//! Pure functions over two traits: [`Graph`] gives the nodes and their edges, [`Past`] what an earlier state knew of them.
//! Words become an `expression` tree, the tree is `evaluate`d to a set of ids; tests come along by [`Indirect`] rules.

mod by_method;
mod by_name;
mod by_path;
mod criterion;
mod evaluate;
mod expression;
mod past;
#[cfg(test)]
mod tests;

mod walk;
mod wildcard;

use super::files::config::Config;
use super::files::selectors::Selector;
use crate::error::{Error, Result};
pub use past::{Changes, NoPast, Past};
use std::collections::BTreeSet;

/// A node that may be picked: model, seed, snapshot, test, source, exposure and so on, enabled ones only.
pub trait Candidate {
    /// `model.shop.orders`
    fn unique_id(&self) -> &str;
    /// `orders`; of a source its table's name.
    fn name(&self) -> &str;
    /// The package it belongs to.
    fn package(&self) -> &str;
    /// Package, folders, name; of a versioned model the version as the last part.
    fn fqn(&self) -> &[String];
    /// dbt's word: `model`, `seed`, `snapshot`, `test`, `unit_test`, `source`, `exposure`, `metric`, ...
    fn resource_type(&self) -> &str;
    /// Its file, relative to its package.
    fn original_file_path(&self) -> &str;
    /// The property file that speaks of it, relative to its package.
    fn patch_path(&self) -> Option<&str>;
    /// Its tags.
    fn tags(&self) -> &[String];
    /// Its merged configuration, with the defaults of dbt filled in.
    fn config(&self) -> &Config;
    /// Of a versioned model, its version.
    fn version(&self) -> Option<&str>;
    /// Of a versioned model, which version a bare reference means.
    fn latest_version(&self) -> Option<&str>;
    /// Of a model `private`, `protected` or `public`.
    fn access(&self) -> Option<&str>;
    /// The group it belongs to.
    fn group(&self) -> Option<&str>;
    /// Of a generic test, the test's name without package.
    fn generic_test(&self) -> Option<&str>;
    /// Of a source's table, the source.
    fn source_name(&self) -> Option<&str>;
}

/// The nodes and their edges.
pub trait Graph {
    /// The project's own package, `package:this`.
    fn project(&self) -> &str;
    /// All enabled nodes.
    fn nodes(&self) -> Vec<&dyn Candidate>;
    /// Ids that a node depends on directly.
    fn parents(&self, id: &str) -> Vec<&str>;
    /// Ids that depend on a node directly.
    fn children(&self, id: &str) -> Vec<&str>;
}

/// Which tests come along with the nodes that are picked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Indirect {
    /// Every test of a picked node.
    #[default]
    Eager,
    /// Tests all of whose nodes are picked.
    Cautious,
    /// Tests all of whose nodes are picked or come before picked ones.
    Buildable,
    /// None.
    Empty,
}

impl Indirect {
    const ALL: [(&'static str, Indirect); 4] = [
        ("eager", Indirect::Eager),
        ("cautious", Indirect::Cautious),
        ("buildable", Indirect::Buildable),
        ("empty", Indirect::Empty),
    ];

    /// The mode of this word.
    pub fn from_word(word: &str) -> Result<Self> {
        let found = Indirect::ALL.into_iter().find(|(known, _)| *known == word);
        found.map(|(_, mode)| mode).ok_or_else(|| {
            Error::usage(format!("indirect selection \"{word}\" is unknown"))
                .hint("write eager, cautious, buildable or empty")
        })
    }
}

/// What is asked for.
#[derive(Clone, Copy, Debug, Default)]
pub struct Request<'a> {
    /// `--select`, each argument one or more words; none at all selects everything, or what the default selector says.
    pub select: &'a [String],
    /// `--exclude`
    pub exclude: &'a [String],
    /// `--selector`, which counts instead of the two.
    pub selector: Option<&'a str>,
    /// `--indirect-selection`
    pub indirect: Indirect,
}

/// What is picked.
#[derive(Debug, Default)]
pub struct Choice {
    /// Unique ids of all kinds of resources; a command takes those that it works on.
    pub ids: BTreeSet<String>,
    /// Words that pick nothing, with the nearest known name.
    pub warnings: Vec<Error>,
}

/// Picks nodes.
pub fn choose(graph: &dyn Graph, past: &dyn Past, selectors: &[Selector], request: &Request<'_>) -> Result<Choice> {
    let expression = expression::of_request(selectors, request)?;
    let mut evaluation = evaluate::Evaluation::new(graph, past);
    let ids = evaluation.pick(&expression)?.into_iter().map(str::to_owned).collect();
    Ok(Choice { ids, warnings: evaluation.into_warnings() })
}
