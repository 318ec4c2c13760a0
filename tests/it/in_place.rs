//! Building in place: readers, views on top, rights and comments survive each kind of build, and a kill leaves no trace.

mod extras;
mod incremental;
mod interruption;
mod relations;
mod seed;
mod session;
mod snapshot;
mod support;
mod whole_run;
