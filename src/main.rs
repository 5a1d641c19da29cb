//! The `humans2ai` command.

use std::process::ExitCode;

fn main() -> ExitCode {
    humans2ai::main()
}
