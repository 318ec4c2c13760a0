//! Relations built in place, as dbt projects expect them: `schema.identifier` is a real table or view.
//!
//! Every builder obeys one rule: whatever is open when it is called is what it works in, and it leaves the transaction
//! open with its change in it, so that post-hooks join it; the caller commits. Readers see the old relation or the new
//! one, views and rights of others survive, and a process that is killed leaves nothing but a relation beside the name
//! that [`Catalog::sweep`] removes.

mod batch;
mod blocking;
mod catalog;
mod cell;
pub mod comments;
pub mod contract;
mod dependents;
pub mod docs;
pub mod freshness;
pub mod grants;
pub mod incremental;
pub mod index;
pub mod intervals;
pub mod matview;
mod patience;
mod record;
pub mod schema_change;
pub mod seed;
mod session;
pub mod shape;
pub mod snapshot;
mod sql_fault;
mod swap;
pub mod table;
mod tag;
pub mod view;

pub use crate::project::split::{Statement, statements};
pub use blocking::{Blocking, create_schema};
pub use catalog::{Catalog, Relation};
pub use record::definition_hash;
pub use session::{Limits, Session};
pub use sql_fault::SqlFault;
pub use table::{Change, Outcome};
