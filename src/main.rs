//! The `mycelia-spore` command: see the library's `cli` module.

use std::process::ExitCode;

fn main() -> ExitCode {
    mycelia_spore::cli::main()
}
