//! One file to standard output: `get URL [--ca FILE]`
//!
//! ```text
//! cargo run -p ftp-tokio --example get -- ftpes://user:password@ftp.example.org/pub/README > README
//! ```
//!
//! `--ca` names further certificate authorities to trust (PEM).

use std::error::Error;

use ftp_session::{FtpUrl, UrlTarget};
use ftp_tokio::ftp_tls::{TlsConfig, Trust};
use ftp_tokio::{Client, Config, Get, Options, Transfer};
use tokio::io::AsyncWrite;

const USAGE: &str = "usage: get ftp[es]://[USER:PASSWORD@]HOST[:PORT]/PATH [--ca FILE]";

/// Writes the file; without an error it is complete
pub async fn get(
    url: &FtpUrl,
    options: Options,
    to: &mut (impl AsyncWrite + Unpin),
) -> Result<Transfer, ftp_tokio::Error> {
    let address = url.address().clone();
    let mut ftp = Client::connect_and_login(address, options, url.user(), url.password()).await?;
    let get = match url.target() {
        UrlTarget::Text => Get::new(url.path()).ascii(),
        _ => Get::new(url.path()),
    };
    let transfer = ftp.download_to(get, to).await?;
    ftp.quit().await?;
    Ok(transfer)
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (url, ca) = match &*arguments {
        [url] => (url, None),
        [url, option, file] | [option, file, url] if option == "--ca" => (url, Some(file)),
        _ => return Err(USAGE.into()),
    };
    let url: FtpUrl = url.parse()?;
    let mut options = Options::new(Config::new(url.policy()));
    if let Some(file) = ca {
        // Mozilla's list, and the authorities from the file.
        options = options.tls(TlsConfig::builder(Trust::WebpkiRoots).add_ca_file(file).build()?);
    }
    let transfer = get(&url, options, &mut tokio::io::stdout()).await?;
    eprintln!("{} bytes", transfer.bytes);
    Ok(())
}
