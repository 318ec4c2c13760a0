//! Coefficients that scikit-learn gives.
