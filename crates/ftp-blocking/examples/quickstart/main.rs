//! A tour of the client, and a small downloader
//!
//! Without an argument it starts a server of its own on this machine and shows a session with it,
//! over explicit TLS:
//!
//! ```text
//! cargo run --release --example quickstart
//! ```
//!
//! With a URL it lists a directory, if the path ends in `/`, or writes a file to standard output:
//!
//! ```text
//! cargo run --release --example quickstart -- ftp://ftp.example.com/pub/
//! cargo run --release --example quickstart -- ftpes://user:password@ftp.example.com/file > file
//! ```
//!
//! `ftp://` is clear text, `ftpes://` explicit TLS (AUTH TLS), `ftps://` TLS from the first byte
//! (port 990). `--ca FILE` names certificate authorities to trust besides Mozilla's list, and
//! `--verbose` shows the commands and replies.

mod fetch;
mod server;
mod tour;

use std::process::ExitCode;

const USAGE: &str = "usage: quickstart [[--verbose] [--ca FILE] URL]

  URL          ftp://[user[:password]@]host[:port]/path[;type=a|i|d]
               ftpes:// is explicit TLS, ftps:// implicit TLS
               a path that ends in / is listed, a file goes to standard output
               and begins where the login leads; /%2F is the root
  --ca FILE    trust these certificate authorities too (PEM)
  --verbose    show commands and replies on standard error

without arguments: a tour against a server of its own";

fn main() -> ExitCode {
    let arguments = match fetch::Arguments::parse(std::env::args().skip(1)) {
        Ok(arguments) => arguments,
        Err(message) => {
            eprintln!("{message}\n\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    let result = match arguments {
        fetch::Arguments::Help => {
            println!("{USAGE}");
            return ExitCode::SUCCESS;
        }
        fetch::Arguments::Tour => tour::run(),
        fetch::Arguments::Fetch(request) => fetch::run(&request, &mut std::io::stdout().lock()),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("quickstart: {error}");
            ExitCode::FAILURE
        }
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_tour() {
        super::tour::run().unwrap();
    }
}
