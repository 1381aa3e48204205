//! Parses `--proxy`

use ftp_blocking::proxy::{Proxy, ProxyLogin, ProxyServer};
use ftp_session::FtpUrl;

use crate::failure::Failure;
use crate::netrc::Netrc;

/// The URL of a proxy: its protocol, its address, and the user if it needs a login
#[derive(Clone, Debug)]
pub(crate) struct ProxyUrl {
    kind: Kind,
    /// The same URL with the scheme `ftp`, to use the parser for FTP URLs
    url: FtpUrl,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Socks5,
    Http,
    Ftp,
}

impl Kind {
    const fn port(self) -> u16 {
        match self {
            Self::Socks5 => 1080,
            Self::Http => 3128,
            Self::Ftp => 21,
        }
    }
}

/// Parses the URL of a proxy: `socks5://HOST`, `http://USER@HOST:8080`, `ftp://HOST`
pub(crate) fn parse(text: &str) -> Result<ProxyUrl, String> {
    let wanted =
        "socks5://HOST, http://HOST or ftp://HOST is due, each with a port if it is another one";
    let (scheme, rest) = text.split_once("://").ok_or(wanted)?;
    let kind = match scheme.to_ascii_lowercase().as_str() {
        "socks5" | "socks5h" => Kind::Socks5,
        "http" => Kind::Http,
        "ftp" => Kind::Ftp,
        _ => return Err(wanted.to_owned()),
    };
    let url: FtpUrl = format!("ftp://{rest}").parse().map_err(|_| wanted.to_owned())?;
    let is_bare = url.path().is_empty();
    if !is_bare {
        return Err(wanted.to_owned());
    }
    if !url.password().is_empty() {
        return Err("its password would be seen in the list of processes: put it into netrc".into());
    }
    Ok(ProxyUrl { kind, url })
}

impl ProxyUrl {
    /// Returns the proxy; if the URL has a user, with the login from netrc
    pub(crate) fn proxy(&self, netrc: Option<&Netrc>) -> Result<Proxy, Failure> {
        let host = self.url.address().host();
        let port = self.url.address().port().unwrap_or_else(|| self.kind.port());
        let server = ProxyServer::new(host, port);
        let user = self.url.user();
        let login = match user.is_empty() {
            true => None,
            false => {
                let found = netrc.and_then(|netrc| netrc.login(host, Some(user)));
                let password = found.and_then(|login| login.password).ok_or_else(|| {
                    Failure::usage("no password for this user of the proxy")
                        .about("--proxy")
                        .remedy("add an entry for the proxy's host and this user to netrc")
                })?;
                Some(ProxyLogin::new(user, password.expose()))
            }
        };
        Ok(match self.kind {
            Kind::Socks5 => Proxy::Socks5 { server, login },
            Kind::Http => Proxy::HttpConnect { server, login },
            Kind::Ftp => Proxy::FtpUserAtHost { server, login },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn proxies_are_urls() {
        for (text, port) in [
            ("socks5://h", 1080),
            ("SOCKS5H://h:9", 9),
            ("http://h", 3128),
            ("http://[::1]:8080", 8080),
            ("ftp://h/", 21),
        ] {
            let proxy = parse(text).unwrap().proxy(None).unwrap();
            assert_eq!(proxy.server().port, port, "{text}");
        }
        for text in [
            "h",
            "h:1080",
            "https://h",
            "socks4://h",
            "socks5://h/path",
            "socks5://",
            "http://me:secret@h",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn its_password_comes_from_netrc() {
        let netrc = Netrc::parse(b"machine h login me password secret").unwrap();
        let url = parse("http://me@h").unwrap();
        assert!(matches!(
            url.proxy(Some(&netrc)).unwrap(),
            Proxy::HttpConnect { login: Some(_), .. }
        ));
        assert!(url.proxy(None).is_err());
        assert!(parse("http://you@h").unwrap().proxy(Some(&netrc)).is_err());
    }
}
