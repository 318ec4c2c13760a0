//! Jinja as dbt has it, on the `minijinja` engine: Python's values, methods and operators, macros as templates of their
//! own with `return()`, and limits on all that can grow.
//!
//! A text goes through `scan` (parts and tokens), `blocks` (dbt's own blocks), `rewrite` (what the engine must be told
//! differently) and `library` (compiled and rendered). Names that templates use are asked of [`Globals`]; nothing here
//! knows `ref` or a clock.

mod arguments;
mod blocks;
mod callable;
mod edits;
mod environment;
mod expression;
mod fault;
mod filters;
mod format;
mod functions;
mod json;
mod library;
mod literals;
mod modules;
mod native;
mod operators;
mod python;
mod rendering;
mod rewrite;
mod scan;
mod signature;
mod source;
mod template;
#[cfg(test)]
mod tests;
mod tests_of_values;
mod values;

pub use blocks::{Block, BlockKind, Split, split};
pub use fault::{Called, Fault, FaultKind, Trouble};
pub use library::{Library, Macro, Options, Undefined};
pub use rendering::{Globals, Limits, Rendering};
pub use scan::{Scan, Token, TokenKind, scan};
pub use signature::{Parameter, parameters};
pub use template::Template;
pub use values::{Dict, List, Set};
