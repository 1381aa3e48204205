//! Files of an FTP server over HTTP, without storing them: `axum ftpes://USER:PASSWORD@HOST/ [--ca FILE]`
//!
//! ```text
//! cargo run -p ftp-tokio --example axum -- ftpes://user:password@ftp.example.org/ &
//! curl http://127.0.0.1:8080/pub/README
//! ```
//!
//! Each request has its own session, and its response is the download: if the browser disconnects, the download is
//! dropped, which closes the session. If the transfer fails, the response is cut off, so no browser takes a part for
//! the whole.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;
use ftp_session::FtpUrl;
use ftp_tokio::ftp_tls::{TlsConfig, Trust};
use ftp_tokio::{Client, Config, Error, Options};
use tokio::net::TcpListener;
use tokio_util::io::ReaderStream;

/// The location of the files
#[derive(Debug)]
pub struct Origin {
    pub url: FtpUrl,
    pub options: Options,
}

/// Returns the application that serves the server's files
pub fn app(origin: Origin) -> Router {
    Router::new().route("/{*path}", get(file)).with_state(Arc::new(origin))
}

async fn file(
    State(origin): State<Arc<Origin>>,
    Path(path): Path<String>,
) -> Result<Response, (StatusCode, String)> {
    let url = &origin.url;
    let address = url.address().clone();
    let login = (url.user(), url.password());
    let client = Client::connect_and_login(address, origin.options.clone(), login.0, login.1);
    let client = client.await.map_err(|error| refused(&error))?;
    let download = client.into_get(path).await.map_err(|error| refused(error.error()))?;
    Ok(Response::new(Body::from_stream(ReaderStream::with_capacity(download, 64 * 1024))))
}

fn refused(error: &Error) -> (StatusCode, String) {
    let status = match error {
        error if error.is_missing() => StatusCode::NOT_FOUND,
        error if error.is_timeout() => StatusCode::GATEWAY_TIMEOUT,
        _ => StatusCode::BAD_GATEWAY,
    };
    (status, format!("{error}\n"))
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (url, ca) = match &*arguments {
        [url] => (url, None),
        [url, option, file] if option == "--ca" => (url, Some(file)),
        _ => return Err("usage: axum ftp[es]://[USER:PASSWORD@]HOST[:PORT]/ [--ca FILE]".into()),
    };
    let url: FtpUrl = url.parse()?;
    let mut options = Options::new(Config::new(url.policy()));
    if let Some(file) = ca {
        options = options.tls(TlsConfig::builder(Trust::WebpkiRoots).add_ca_file(file).build()?);
    }
    let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 8080))).await?;
    axum::serve(listener, app(Origin { url, options })).await?;
    Ok(())
}
