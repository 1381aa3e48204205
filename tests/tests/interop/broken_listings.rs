//! A listing whose data connection breaks leaves nothing in the next one

use std::net::Shutdown;

use crate::{held, securely};

#[test]
fn the_next_listing_is_exact() {
    securely(|way| {
        let (mut setup, remote, local) = way.enter();
        for number in 0..5000 {
            std::fs::write(local.join(format!("{number}")), "").unwrap();
        }
        setup.mkdir("other").unwrap();
        setup.quit().unwrap();
        let (mut ftp, held) = held::connect(way);
        ftp.login(&way.server.user, &way.server.password).unwrap();
        ftp.cwd(&remote).unwrap();
        let mut entries = ftp.read_dir("").unwrap();
        entries.next().unwrap().unwrap();
        // As a firewall would do; under TLS this can be distinguished from an end.
        held.lock().unwrap().last().unwrap().shutdown(Shutdown::Both).unwrap();
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
