//! Prints which tests were left out, and how to run them: without a test harness, so that nothing captures the output

use std::path::Path;

use ftp_tests::servers::{self, Server};

fn main() {
    for Server { name, version, port, implicit_port, .. } in servers::all() {
        let implicit = match implicit_port {
            Some(port) => format!("port {port} (implicit TLS)"),
            None => "no implicit TLS".to_owned(),
        };
        println!("real server: {name} {version}, port {port} (clear, AUTH TLS), {implicit}");
    }
    for proxy in servers::proxies() {
        let login = if proxy.wants_login() { "with a login" } else { "without a login" };
        println!("real proxy: {}, port {}, {login}", proxy.name, proxy.port());
    }
    let mut left_out = Vec::new();
    if std::env::var_os("FTP_SERVERS").is_none() {
        left_out.push(
            "the tests against vsftpd, ProFTPD, Pure-FTPd and pyftpdlib (interop), and those \
             through microsocks, tinyproxy and ftp-proxy: `tests/run` installs and starts these servers",
        );
    }
    let corpus = std::env::var_os("FTP_CORPUS").unwrap_or_else(|| "../shared/corpus".into());
    if !Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(corpus).is_dir() {
        left_out.push(
            "the cases of the shared corpus of replies and listings: FTP_CORPUS names its folder",
        );
    }
    if left_out.is_empty() {
        println!("\nnothing was left out\n");
        return;
    }
    println!("\n*** LEFT OUT ***");
    for what in left_out {
        println!("*** {what}");
    }
    println!();
}
