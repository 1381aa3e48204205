//! Makes the certificates of the test servers: `certificates FOLDER`
//!
//! `ca.pem` is the authority; `server.pem`, `server.key` and both together, `server-both.pem`, are
//! for localhost, 127.0.0.1, ::1, and 10.203.0.2, where tests/bench reaches servers through a link with a delay.

use std::error::Error;
use std::fs;
use std::path::PathBuf;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};

fn main() -> Result<(), Box<dyn Error>> {
    let folder = PathBuf::from(std::env::args().nth(1).ok_or("usage: certificates FOLDER")?);
    fs::create_dir_all(&folder)?;
    let mut params = CertificateParams::new(Vec::new())?;
    params.distinguished_name.push(DnType::CommonName, "Authority of the test servers");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let ca = CertifiedIssuer::self_signed(params, KeyPair::generate()?)?;
    let key = KeyPair::generate()?;
    let names = ["localhost", "127.0.0.1", "::1", "10.203.0.2"].map(str::to_owned);
    let certificate = CertificateParams::new(names)?.signed_by(&key, &ca)?.pem();
    let key = key.serialize_pem();
    for (name, content) in [
        ("ca.pem", ca.pem()),
        ("server-both.pem", format!("{key}{certificate}")),
        ("server.key", key),
        ("server.pem", certificate),
    ] {
        fs::write(folder.join(name), content)?;
    }
    Ok(())
}
