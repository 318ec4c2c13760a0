//! Loads: the transaction that replaces the rows of one file.
