//! Compares `ftp-object-store` with OpenDAL's FTP on the same servers, and prints a table
//!
//! `tests/engines/run beside` runs it. Without the real servers the table has only the rows of servers with faults. Wrong
//! results are bold. The exit code is 1 if `ftp-object-store` has one.

mod client;
mod faults;
mod real;
mod table;

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    let mut rows = faults::rows().await;
    rows.extend(real::rows().await);
    table::print(&rows);
    ExitCode::from(u8::from(rows.iter().any(|row| !row.cells[0].right)))
}
