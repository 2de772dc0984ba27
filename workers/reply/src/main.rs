//! The reply worker as a program of its own.

use std::process::ExitCode;

fn main() -> ExitCode {
    peyvand::process::main(peyvand_reply::serve)
}
