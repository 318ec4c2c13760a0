//! Chooses nodes.
