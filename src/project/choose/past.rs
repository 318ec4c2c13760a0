//! What an earlier state knew: how nodes have changed since, how they ended, whether sources have newer rows.

use crate::error::{Error, Result};

/// How a node differs from an earlier state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// The earlier state has no such node; the rest is false then.
    pub is_new: bool,
    /// The text has changed, of a seed the rows.
    pub body: bool,
    /// The configuration as written has changed.
    pub configs: bool,
    /// Database, schema or alias as written has changed.
    pub relation: bool,
    /// A macro has changed that it uses, also through others.
    pub macros: bool,
    /// The contract has changed.
    pub contract: bool,
    /// A description has changed that is kept in the database.
    pub persisted_descriptions: bool,
    /// Anything else has changed that makes it another node: its name in the graph, an exposure's owner.
    pub other: bool,
}

impl Changes {
    /// Whether anything counts as modified; what is new is modified.
    #[must_use]
    pub fn is_modified(&self) -> bool {
        *self != Changes::default()
    }
}

/// An earlier state. Each answer is an error if that part of the state is not there.
pub trait Past {
    /// How the node differs from the earlier manifest.
    fn changes(&self, id: &str) -> Result<Changes>;
    /// How the node ended: `success`, `error`, `fail`, `warn`, `pass`, `skipped`, ...; none if it did not run.
    fn status(&self, id: &str) -> Result<Option<String>>;
    /// Whether the source has newer rows than the earlier state saw.
    fn is_fresher(&self, id: &str) -> Result<bool>;
}

/// No earlier state.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoPast;

impl NoPast {
    fn refuse<T>(method: &str, file: &str) -> Result<T> {
        Err(Error::usage(format!("selector method \"{method}\" needs an earlier state"))
            .hint(format!("name a folder that holds {file} with --state")))
    }
}

impl Past for NoPast {
    fn changes(&self, _: &str) -> Result<Changes> {
        NoPast::refuse("state", "manifest.json")
    }

    fn status(&self, _: &str) -> Result<Option<String>> {
        NoPast::refuse("result", "run_results.json")
    }

    fn is_fresher(&self, _: &str) -> Result<bool> {
        NoPast::refuse("source_status", "sources.json")
    }
}
