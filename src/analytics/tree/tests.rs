//! Small exact cases of trees.
