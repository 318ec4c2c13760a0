//! Pure numerics: a frame in, columns out; no clock, no network, no database, randomness by a seed that is passed in.

pub mod cluster;
pub mod explain;
pub mod frame;
pub mod generate;
pub mod ltv;
pub mod math;
pub mod scale;
pub mod tree;

pub use frame::{Column, Frame, Values};
