//! The `humans2ai` command.

use std::process::ExitCode;

/// It gives back what argon2 used (19 MiB a hash), which glibc's would keep.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    humans2ai::main()
}
