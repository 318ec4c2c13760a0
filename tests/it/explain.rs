//! `quintile explain`.
