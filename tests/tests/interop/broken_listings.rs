//! A listing whose data connection breaks leaves nothing in the next one

use std::io;
use std::net::{Shutdown, TcpStream, ToSocketAddrs};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::driver::{Channel, Dialer, Host, Target};

use crate::securely;

/// Keeps a handle of the data connections
#[derive(Clone, Debug, Default)]
struct Held(Arc<Mutex<Vec<TcpStream>>>);

impl Dialer for Held {
    fn connect(&mut self, target: Target<'_>, timeout: Duration) -> io::Result<TcpStream> {
        let address = match target.host {
            Host::Address(ip) => (ip, target.port).into(),
            Host::Name(name) => (name, target.port).to_socket_addrs()?.next().unwrap(),
        };
        let stream = TcpStream::connect_timeout(&address, timeout)?;
        if target.channel == Channel::Data {
            self.0.lock().unwrap().push(stream.try_clone()?);
        }
        Ok(stream)
    }
}

#[test]
fn the_next_listing_is_exact() {
    securely(|way| {
        let (mut setup, remote, local) = way.enter();
        for number in 0..5000 {
            std::fs::write(local.join(format!("{number}")), "").unwrap();
        }
        setup.mkdir("other").unwrap();
        setup.quit().unwrap();
        let held = Held::default();
        let options = way.options(way.config()).dialer(held.clone());
        let server = &way.server;
        let address = way.address();
        let mut ftp = crate::driver::Client::connect_and_login(
            &address,
            options,
            &server.user,
            &server.password,
        )
        .unwrap();
        ftp.cwd(&remote).unwrap();
        let mut entries = ftp.read_dir("").unwrap();
        entries.next().unwrap().unwrap();
        // As a firewall would do; under TLS this can be distinguished from an end.
        held.0.lock().unwrap().last().unwrap().shutdown(Shutdown::Both).unwrap();
        let end = entries.last().unwrap();
        end.unwrap_err();
        // Some servers close the session after that.
        if !ftp.is_connected() {
            return;
        }
        std::fs::write(local.join("other/one"), "").unwrap();
        let entries: Result<Vec<_>, _> = ftp.read_dir("other").unwrap().collect();
        let entries = entries.unwrap();
        let names: Vec<_> = entries.iter().map(|entry| entry.name()).collect();
        assert_eq!(names, [b"one"]);
        ftp.quit().unwrap();
    });
}
