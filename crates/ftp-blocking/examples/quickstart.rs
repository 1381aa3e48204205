//! The main job, from login to quit
//!
//! Without an argument: a tour on an FTP server of its own on loopback. With a URL
//! (`ftp://[user:password@]host[:port]/path[;type=a|i|d]`): lists a directory (the path ends in
//! `/`), or writes the file to standard output.

use std::error::Error;
use std::fs;
use std::io::{self, Write};
use std::net::TcpListener;
use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use ftp_blocking::{Client, Config, Get, List, Put, TlsPolicy};
use percent_encoding::percent_decode_str;
use url::Url;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> ExitCode {
    let result = match std::env::args().nth(1) {
        Some(url) => fetch(&url),
        None => tour(),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// The session of ftplib's documentation, and a little more
fn tour() -> Result<()> {
    let home = tempfile::tempdir()?;
    let local = tempfile::tempdir()?;
    let readme = "This is a README.\n".repeat(1000);
    fs::create_dir(home.path().join("debian"))?;
    fs::write(home.path().join("debian/README"), &readme)?;
    let address = serve(home.path())?;
    println!("A server is listening on {address}.");

    let mut client = Client::connect(&address, Config::new(TlsPolicy::Plaintext))?;
    if let Some(welcome) = client.welcome() {
        println!("connected       {welcome}");
    }
    println!("login           {}", client.login("anonymous", "")?);
    println!("cwd debian      {}", client.cwd("debian")?);
    println!("list");
    for line in client.list("")?.collect_lines()? {
        println!("                {}", String::from_utf8_lossy(&line));
    }

    let whole = local.path().join("README");
    let transfer = client.download_file("README", &whole)?;
    println!("download README {} bytes, {}", transfer.bytes, transfer.reply);
    check(fs::read(&whole)? == readme.as_bytes(), "the download differs from the server's file")?;

    let transfer = client.upload_file("copy", &whole)?;
    println!("upload copy     {} bytes, {}", transfer.bytes, transfer.reply);
    check(client.size("copy")? == readme.len() as u64, "the upload's size differs")?;

    let half = readme.len() / 2;
    let resumed = local.path().join("half");
    fs::write(&resumed, &readme[..half])?;
    let transfer = client.download_file(Get::new("copy").resume_at(half as u64), &resumed)?;
    println!("resume copy     {} bytes after {half}, {}", transfer.bytes, transfer.reply);
    check(fs::read(&resumed)? == readme.as_bytes(), "the resumed download differs")?;

    let transfer = client.upload_from(Put::new("note"), &mut &b"short\n"[..])?;
    println!("upload note     {} bytes, {}", transfer.bytes, transfer.reply);
    println!("rename          {}", client.rename("copy", "renamed")?);
    println!("delete          {}", client.delete("renamed")?);
    println!("names           {:?}", texts(client.names("")?));
    if let Some(reply) = client.quit()? {
        println!("quit            {reply}");
    }
    println!("All files compared equal.");
    Ok(())
}

fn check(holds: bool, otherwise: &str) -> Result<()> {
    if holds { Ok(()) } else { Err(otherwise.into()) }
}

fn texts(names: Vec<Vec<u8>>) -> Vec<String> {
    names.into_iter().map(|name| String::from_utf8_lossy(&name).into_owned()).collect()
}

/// Starts a server on loopback; it ends with the process
fn serve(home: &Path) -> Result<String> {
    let home = home.to_owned();
    // A port that was free a moment ago: the server opens its own socket.
    let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?.to_string();
    let listen = address.clone();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Runtime::new().expect("threads can be started");
        runtime.block_on(async {
            let files =
                move || unftp_sbe_fs::Filesystem::new(home.clone()).expect("the directory exists");
            let server = libunftp::ServerBuilder::new(Box::new(files)).build();
            if let Ok(server) = server {
                // The client's attempts tell if it could not listen.
                let _ = server.listen(listen).await;
            }
        });
    });
    let deadline = Instant::now() + Duration::from_secs(10);
    while std::net::TcpStream::connect(&address).is_err() {
        check(Instant::now() < deadline, "the server did not start")?;
        std::thread::sleep(Duration::from_millis(20));
    }
    Ok(address)
}

fn fetch(argument: &str) -> Result<()> {
    let url = Url::parse(argument)?;
    check(url.scheme() == "ftp", "the URL must begin with ftp://")?;
    let host = url.host_str().ok_or("the URL names no host")?;
    let mut client = Client::connect(
        &format!("{host}:{}", url.port().unwrap_or(21)),
        Config::new(TlsPolicy::Plaintext),
    )?;
    let user: Vec<u8> = percent_decode_str(url.username()).collect();
    let password: Vec<u8> = percent_decode_str(url.password().unwrap_or("")).collect();
    client.login(user, password)?;

    // RFC 1738 section 3.2: what follows the host's slash is relative to the login's directory,
    // `%2F` in front of it makes it absolute.
    let path = url.path().strip_prefix('/').unwrap_or_default();
    let (path, type_) = path.rsplit_once(";type=").unwrap_or((path, "i"));
    let directory = type_ == "d" || path.is_empty() || path.ends_with('/');
    let path: Vec<u8> = percent_decode_str(path).collect();
    let mut out = io::stdout().lock();
    if directory {
        if !path.is_empty() {
            client.cwd(&path)?;
        }
        for line in client.list(List::new(""))?.collect_lines()? {
            out.write_all(&line)?;
            out.write_all(b"\n")?;
        }
    } else {
        let get = Get::new(&path);
        let get = if type_ == "a" { get.ascii() } else { get };
        let transfer = client.download_to(get, &mut out)?;
        eprintln!("{} bytes, {}", transfer.bytes, transfer.reply);
    }
    out.flush()?;
    client.quit()?;
    Ok(())
}
