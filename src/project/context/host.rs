//! What the objects of a template need of the rendering they belong to.

use super::relation::Policy;
use crate::error::Result;
use crate::project::{Database, ExistingColumn};
use minijinja::Value;
use std::fmt::Debug;
use std::sync::Arc;

/// How loud a message of a template is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// `log(x)`: for the log file.
    Debug,
    /// `log(x, info=True)`: for the terminal.
    Info,
    /// `exceptions.warn(x)`: counted among the warnings of the run.
    Warn,
    /// `print(x)`: to standard output, without time or level, also under `--quiet`.
    Print,
}

/// One rendering, as its objects see it.
pub trait Host: Send + Sync + Debug {
    /// The connection; `None` in the parse phase, where `execute` is false.
    fn database(&self) -> Option<Arc<dyn Database>>;
    /// Names and types of the columns that a query would answer; asked only where there is a database.
    ///
    /// Not a question of [`Database`]: only a prepared statement can tell it without running the query.
    fn describe(&self, sql: &str) -> Result<Vec<ExistingColumn>>;
    /// The macro of this name: in that package only, or, without one, wherever the node being rendered finds it first.
    fn macro_named(&self, package: Option<&str>, name: &str) -> Option<Value>;
    /// Packages in which `adapter.dispatch` looks for macros of this namespace, first to last.
    ///
    /// That is the `dispatch:` of the project if it names the namespace, else the root project and then the namespace
    /// itself if it is an installed package; empty for any other namespace (dbt's own, `dbt`), which is then looked
    /// for as an unqualified name is.
    fn search_order(&self, namespace: &str) -> Vec<String>;
    /// Package of the node being rendered.
    fn package(&self) -> String;
    /// Takes a message for the user.
    fn say(&self, level: Level, text: &str);
    /// Hears of a statement that `{% call statement(name) %}` is about to run; dbt writes that of `main` to a file.
    fn sending(&self, name: Option<&str>, sql: &str) {
        let (_, _) = (name, sql);
    }
    /// The real `ref`, `source`, `config` and so on, which a macro of the project may hide under the same name.
    fn builtin(&self, name: &str) -> Option<Value>;
    /// Whether a behaviour flag (`flags:` of `dbt_project.yml`) that `adapter.behavior` shows is on.
    fn behavior(&self, flag: &str) -> bool {
        let _ = flag;
        false
    }
    /// Database of the target.
    fn default_database(&self) -> String;
    /// Schema of the target.
    fn default_schema(&self) -> String;
    /// `quoting:` of the project: which parts of a relation are quoted.
    fn quoting(&self) -> Policy {
        Policy::default()
    }
    /// What tells this run from all others.
    fn invocation_id(&self) -> String;
}
