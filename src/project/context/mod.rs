//! What templates written for dbt see of the database: relations, columns, results, `adapter`, `api`, `statement`.
//!
//! Every object asks its [`Host`], the rendering it belongs to, and through it the [`super::Database`]. Where the host
//! has no database, which is the parse phase, questions get the empty answers that dbt gives. The layout:
//!
//! | file | objects |
//! |---|---|
//! | `host` | the trait: what the objects need of a rendering |
//! | `relation`, `column`, `api` | `this`, what `ref()` returns, `api.Relation`, `api.Column` |
//! | `table/`, `moment` | results of queries, their cells and dates |
//! | `adapter/` | `adapter.*`, one file a subject |
//! | `statements` | `statement`, `load_result`, `run_query` and their store |
//! | `exceptions`, `attempt`, `messages` | `exceptions.*`, `try_or_compiler_error`, `log`, `print` |
//! | `grants` | `diff_of_two_dicts` |
//! | `flags`, `target`, `builtins` | plain facts of the invocation |
//! | `arguments`, `containers`, `fault` | how calls are bound, lists made, errors told |

mod adapter;
mod api;
mod arguments;
mod attempt;
mod builtins;
mod column;
mod containers;
mod exceptions;
#[cfg(test)]
pub(super) mod fake;
mod fault;
mod flags;
mod grants;
mod host;
mod messages;
mod moment;
mod relation;
mod statements;
mod table;
mod target;
mod validation;

pub use adapter::adapter;
pub use api::api;
pub use attempt::try_or_compiler_error;
pub use builtins::builtins;
pub use column::Column;
pub use exceptions::{Raised, RaisedKind, exceptions, raised};
pub use fault::database_error;
pub use flags::Flags;
pub use grants::diff_of_two_dicts;
pub use host::{Host, Level};
pub use messages::{debug, log, print};
pub use moment::Moment;
pub use relation::{EventTimeFilter, Policy, Relation, RelationType};
pub use statements::{Statements, StoredResult};
pub use table::{Response, Table};
pub use target::Target;
pub use validation::validation;

/// `dbt_version`: the version whose behaviour templates may count on; packages branch on it.
pub const DBT_VERSION: &str = "1.11.0";
