//! What all regressors must hold.
