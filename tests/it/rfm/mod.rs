//! Scores, segments and tiers: each against its definition, written anew.

mod definition;
mod frozen;
mod methods;
mod movers;
mod order;
mod schemes;
mod shop;
mod tiers;
