//! What the dashboard reads.
