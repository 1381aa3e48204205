//! A real FTP server (libunftp) in a thread, on loopback, with a new certificate

use std::error::Error;
use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use libunftp::ServerBuilder;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use unftp_sbe_fs::Filesystem;

/// libunftp answers AUTH and switches to TLS a moment later: what arrives in between is read as a command. A fraction
/// of this pause would be enough on an idle machine.
pub(crate) const AUTH_PAUSE: Duration = Duration::from_millis(200);

/// The server's address, and the authority to trust
pub(crate) struct Embedded {
    pub(crate) address: SocketAddr,
    /// The certificate authority, PEM
    pub(crate) ca: String,
}

/// Serves `root` until the program ends; `keys` is a folder for the server's certificate
pub(crate) fn start(root: &Path, keys: &Path) -> Result<Embedded, Box<dyn Error>> {
    let mut params = CertificateParams::new(Vec::new())?;
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let ca = CertifiedIssuer::self_signed(params, KeyPair::generate()?)?;
    let key = KeyPair::generate()?;
    let certificate = CertificateParams::new(vec!["localhost".to_owned()])?.signed_by(&key, &ca)?;
    let (certificate_file, key_file) = (keys.join("server.pem"), keys.join("server.key"));
    fs::write(&certificate_file, certificate.pem())?;
    fs::write(&key_file, key.serialize_pem())?;

    let (sender, receiver) = mpsc::channel();
    let root = root.to_owned();
    thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
        let served = runtime.map(|runtime| {
            runtime.block_on(async {
                let listener = tokio::net::TcpListener::bind("localhost:0").await?;
                // If this fails, the thread that started the server has ended.
                let _ = sender.send(listener.local_addr());
                loop {
                    let (stream, _) = listener.accept().await?;
                    let root = root.clone();
                    let filesystem =
                        move || Filesystem::new(root.clone()).expect("the folder is the caller's");
                    let server = ServerBuilder::new(Box::new(filesystem))
                        .ftps(&certificate_file, &key_file)
                        .build()
                        .map_err(std::io::Error::other)?;
                    tokio::spawn(server.service(stream));
                }
                #[expect(unreachable_code, reason = "tells the type of the errors above")]
                Ok::<(), std::io::Error>(())
            })
        });
        if let Ok(Err(error)) | Err(error) = served {
            eprintln!("the embedded server has stopped: {error}");
        }
    });
    let address = receiver.recv()??;
    Ok(Embedded { address, ca: ca.pem() })
}
