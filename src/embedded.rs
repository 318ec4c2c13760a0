//! The private local PostgreSQL, started from the server binaries found on the machine.
