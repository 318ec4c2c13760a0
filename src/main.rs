//! Starts the program: arguments to `cli`, an error to its exit code.

use std::process::ExitCode;

fn main() -> ExitCode {
    quintile::cli::main()
}
