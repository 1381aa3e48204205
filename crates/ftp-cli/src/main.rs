//! The `rftp` program; see the library `ftp_cli`

use std::process::ExitCode;

fn main() -> ExitCode {
    ExitCode::from(ftp_cli::run(std::env::args_os()).code())
}
