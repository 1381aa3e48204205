//! A typical session: list, download, upload, resume, tidy up

use std::error::Error;
use std::fs;

use ftp_blocking::ftp_tls::{TlsConfig, Trust};
use ftp_blocking::{Client, Config, CopyOptions, Options, ReadDir, TlsPolicy};

use crate::fetch::line;
use crate::server;

pub(crate) fn run() -> Result<(), Box<dyn Error>> {
    // A server with some files, and a local folder.
    let folder = tempfile::tempdir()?;
    let (remote, local, keys) =
        (folder.path().join("remote"), folder.path().join("local"), folder.path().join("keys"));
    for path in [&remote.join("debian"), &local, &keys] {
        fs::create_dir_all(path)?;
    }
    let readme = "Everything worth knowing about this archive.\n".repeat(40);
    fs::write(remote.join("debian/README"), &readme)?;
    fs::write(remote.join("debian/big.bin"), vec![7; 3_000_000])?;
    let server = server::start(&remote, &keys)?;
    println!("A server has been started on {}.\n", server.address);

    // Explicit TLS: the policy has no default. Nothing is sent before TLS is established.
    let tls = TlsConfig::builder(Trust::OwnCa).add_ca_pem(server.ca).build()?;
    let mut config = Config::new(TlsPolicy::Explicit);
    config.auth_pause = server::AUTH_PAUSE;
    let options = Options::new(config).tls(tls);
    let mut ftp = Client::connect(("localhost", server.address.port()), options)?;
    let welcome = ftp.welcome().map(ToString::to_string);
    step("connect", &welcome.unwrap_or_default());
    let tls = ftp.tls().and_then(|tls| tls.protocol_version());
    step("TLS", &tls.map(|version| format!("{version:?}")).unwrap_or_default());

    let reply = ftp.login("", "")?;
    step("login", &reply.to_string());

    ftp.cwd("debian")?;
    step("cwd debian", &format!("now in {}", ftp.pwd()?.escape_ascii()));

    step("list", "");
    for entry in ftp.read_dir("")? {
        println!("{:14}{}", "", line(&entry?));
    }

    let copy = local.join("README");
    let transfer = ftp.download_file("README", &copy)?;
    step("download", &format!("README, {} bytes", transfer.bytes));
    check(fs::read(&copy)? == readme.as_bytes())?;

    let transfer = ftp.upload_from("notes.txt", &mut &b"seen, and liked\n"[..])?;
    step("upload", &format!("notes.txt, {} bytes", transfer.bytes));

    // A download that was interrupted in the middle …
    let big = local.join("big.bin");
    let mut download = ftp.get("big.bin")?;
    let mut half = vec![0; 1_000_000];
    std::io::Read::read_exact(&mut download, &mut half)?;
    download.abort()?;
    fs::write(&big, &half)?;
    step("abort", &format!("big.bin after {} bytes", half.len()));

    // … is completed: only the missing bytes are transferred, and a few before them for comparison.
    let transfer = ftp.resume_download("big.bin", &big)?;
    step("resume", &format!("big.bin with {} bytes more", transfer.bytes));
    check(fs::metadata(&big)?.len() == ftp.size("big.bin")?)?;

    let mut blocks = 0;
    let mut count = |_| blocks += 1;
    let options = CopyOptions::new().block_size(64 * 1024).progress(&mut count);
    ftp.get("big.bin")?.copy_to(&mut std::io::sink(), options)?;
    step("progress", &format!("big.bin again, in {blocks} blocks"));

    ftp.rename("notes.txt", "done.txt")?;
    step("rename", "notes.txt to done.txt");

    ftp.delete("done.txt")?;
    step("delete", "done.txt");

    // A refusal is an error, and the session stays usable.
    match ftp.delete("done.txt") {
        Err(error) if error.reply().is_some() => step("delete again", &error.to_string()),
        other => return Err(format!("deleted twice: {other:?}").into()),
    }

    let mut names = Vec::new();
    for entry in ftp.read_dir(ReadDir::names(""))? {
        names.push(entry?.display_name().to_string());
    }
    step("names", &names.join(", "));

    let goodbye = ftp.quit()?;
    step("quit", &goodbye.map(|reply| reply.to_string()).unwrap_or_default());
    println!("\nAll steps have succeeded.");
    Ok(())
}

fn step(name: &str, result: &str) {
    println!("{name:14}{result}");
}

fn check(same: bool) -> Result<(), Box<dyn Error>> {
    if same { Ok(()) } else { Err("the copy differs from the original".into()) }
}
