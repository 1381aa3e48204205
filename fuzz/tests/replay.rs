//! Runs the committed corpus of each target through its function

use std::fs;
use std::path::Path;

fn replay(target: &str, run: fn(&[u8])) {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target);
    let mut files = 0;
    for file in fs::read_dir(&corpus).unwrap_or_else(|error| panic!("{corpus:?}: {error}")) {
        let path = file.expect("a readable corpus").path();
        // The name is printed first, so that a panic can be assigned to its file.
        println!("{}", path.display());
        run(&fs::read(&path).expect("a readable corpus"));
        files += 1;
    }
    assert!(files > 0, "no corpus in {corpus:?}");
}

#[test]
fn reply() {
    replay("reply", ftp_fuzz::reply);
}

#[test]
fn client() {
    replay("client", ftp_fuzz::client);
}

#[test]
fn command() {
    replay("command", ftp_fuzz::command);
}

#[test]
fn fields() {
    replay("fields", ftp_fuzz::fields);
}

#[test]
fn listing() {
    replay("listing", ftp_fuzz::listing);
}

#[test]
fn proxy() {
    replay("proxy", ftp_fuzz::proxy);
}

#[test]
fn ascii() {
    replay("ascii", ftp_fuzz::ascii);
}

#[test]
fn tls_stream() {
    replay("tls_stream", ftp_fuzz::tls_stream);
}

#[test]
fn netrc() {
    replay("netrc", ftp_fuzz::netrc);
}
