//! SQL on the files of an FTP server: `query [URL] "SELECT …"`
//!
//! ```text
//! cargo run --release --manifest-path tests/engines/Cargo.toml --example query -- \
//!     ftpes://user@ftp.example.org/pub/2026/ "SELECT count(*) FROM t"
//! ```
//!
//! The file, or the files of the directory, are the table `t`. The extension determines the format: CSV (`.csv`,
//! `.csv.gz`), JSON lines (`.json`, `.json.gz`) or Parquet (`.parquet`). For a directory `--format csv.gz` sets it; the
//! default is Parquet. `FTP_PASSWORD` is the password, and `--ca FILE` names further certificate authorities (PEM).
//! Without a URL the program starts a server of its own, with the weather of a few stations.

use std::error::Error;
use std::net::SocketAddr;
use std::path::Path;

use datafusion::prelude::SessionContext;
use ftp_engines::register;
use ftp_object_store::FtpStore;
use url::Url;

type Failure = Box<dyn Error + Send + Sync>;

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let (mut words, mut format, mut ca) = (Vec::new(), None, None);
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--format" => format = arguments.next(),
            "--ca" => ca = arguments.next(),
            _ => words.push(argument),
        }
    }
    let tree = tempfile_tree()?;
    const EXAMPLE: &str =
        "SELECT station, count(*), avg(celsius) FROM t GROUP BY station ORDER BY station";
    let (mut url, query) = match &*words {
        [url, query] => (Url::parse(url)?, query.as_str()),
        [query] => (own_server(&tree)?, query.as_str()),
        [] => (own_server(&tree)?, EXAMPLE),
        _ => {
            let usage = "usage: query [URL] \"SELECT … FROM t\" [--format FORMAT] [--ca FILE]";
            return Err(usage.into());
        }
    };
    if words.len() < 2 {
        format = Some("csv".to_owned());
        println!("{query}\nfrom a server for the moment, {url}");
    }

    let mut builder = FtpStore::builder();
    if !url.username().is_empty() {
        let given = url.password().map(str::to_owned);
        let password = given.or_else(|| std::env::var("FTP_PASSWORD").ok());
        let user = percent_encoding::percent_decode_str(url.username()).decode_utf8()?.into_owned();
        builder = builder.login(user, password.ok_or("FTP_PASSWORD is not set")?);
    }
    if let Some(file) = ca {
        builder = builder.ca_file(file);
    }
    // The password must not appear from here on.
    url.set_password(None).map_err(|()| "this is no URL of a server")?;
    let context = SessionContext::new();
    let store = register(&context, url.as_str(), builder)?;
    let format = match format {
        Some(format) => format,
        None => ending(url.path()).to_owned(),
    };
    let table = match format.as_str() {
        "csv" => "CSV OPTIONS ('format.has_header' 'true')",
        "csv.gz" => "CSV OPTIONS ('format.has_header' 'true', 'format.compression' 'gzip')",
        "json" => "JSON",
        "json.gz" => "JSON OPTIONS ('format.compression' 'gzip')",
        "parquet" => "PARQUET",
        other => return Err(format!("no format is known by the name {other:?}").into()),
    };
    let (kind, options) = table.split_once(' ').unwrap_or((table, ""));
    let location = url.as_str().replace('\'', "%27");
    let create =
        format!("CREATE EXTERNAL TABLE t STORED AS {kind} LOCATION '{location}' {options}");
    context.sql(&create).await?.collect().await?;
    context.sql(query).await?.show().await?;
    let skipped = store.skipped();
    if skipped != Default::default() {
        eprintln!("left out of listings: {skipped:?}");
    }
    Ok(())
}

/// Returns the format that a file's extension implies
fn ending(path: &str) -> &'static str {
    ["csv", "csv.gz", "json", "json.gz"]
        .into_iter()
        .find(|ending| path.ends_with(&format!(".{ending}")))
        .unwrap_or("parquet")
}

/// Creates the folder of this program's server
fn tempfile_tree() -> std::io::Result<tempfile::TempDir> {
    let tree = tempfile::tempdir()?;
    for station in ["Jungfraujoch", "Lugano", "Sion"] {
        let mut text = String::from("station,hour,celsius\n");
        for hour in 0..24 {
            let warmth = station.len() as i32 + 10 - (hour - 14_i32).abs();
            text += &format!("{station},{hour},{warmth}\n");
        }
        std::fs::write(tree.path().join(format!("{station}.csv")), text)?;
    }
    Ok(tree)
}

/// Serves the folder until the program ends
fn own_server(tree: &tempfile::TempDir) -> Result<Url, Failure> {
    Ok(Url::parse(&format!("ftp://{}/", serve(tree.path())?))?)
}

fn serve(root: &Path) -> Result<SocketAddr, Failure> {
    let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
    listener.set_nonblocking(true)?;
    let address = listener.local_addr()?;
    let root = root.to_owned();
    tokio::spawn(async move {
        let Ok(listener) = tokio::net::TcpListener::from_std(listener) else { return };
        while let Ok((stream, _)) = listener.accept().await {
            let root = root.clone();
            let files = move || {
                unftp_sbe_fs::Filesystem::new(root.clone()).expect("the folder is this program's")
            };
            if let Ok(server) = libunftp::ServerBuilder::new(Box::new(files)).build() {
                tokio::spawn(server.service(stream));
            }
        }
    });
    Ok(address)
}
