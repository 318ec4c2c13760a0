//! Special functions and optimisers that the estimators share, each with its source.
