//! Order files to rows of `raw.orders`, by mapping files; rows that do not fit are kept with their reason.

pub mod convert;
pub mod file;
pub mod mapping;
pub mod reader;
mod value;

pub use mapping::Mapping;
