//! Facts about single files, without a data connection, and the server's clock

use crate::driver::ftp_proto::listing::{Modified, Zone};
use crate::driver::{EntryKind, Error, List, NameEncoding, ReadDir, encoding_rs, ftp_proto};

use crate::{everywhere, on_each_server};

#[test]
fn facts_and_status() {
    on_each_server(|way| {
        let (mut ftp, _, local) = way.enter();
        std::fs::write(local.join("two words"), "12345").unwrap();
        std::fs::create_dir(local.join("sub")).unwrap();
        std::fs::write(local.join("sub/inside"), "1").unwrap();
        match ftp.facts("two words") {
            Ok(entry) => {
                assert!(entry.name().ends_with(b"two words"));
                assert_eq!((entry.kind(), entry.size()), (EntryKind::File, Some(5)));
            }
            // vsftpd does not support MLST.
            Err(Error::Ftp(ftp_proto::Error::Permanent(reply))) => {
                assert_eq!((reply.code().get(), &*way.server.name), (500, "vsftpd"));
            }
            Err(error) => panic!("{error}"),
        }
        let status = ftp.stat_dir("sub").unwrap();
        let names: Vec<_> = status.entries.iter().map(|entry| entry.name().to_vec()).collect();
        assert_eq!(names, [b"inside"], "{status:?}");
        ftp.quit().unwrap();
    });
}

#[test]
fn the_servers_clock() {
    on_each_server(|way| {
        let (mut ftp, _, local) = way.enter();
        std::fs::write(local.join("file"), "12345").unwrap();
        let long = |ftp: &mut crate::driver::Client| {
            let mut entries = ftp.read_dir(ReadDir::long("")).unwrap();
            entries.next().unwrap().unwrap()
        };
        let listed = long(&mut ftp);
        let offset = ftp.learn_utc_offset(&listed).unwrap();
        assert!(offset.is_some_and(|offset| offset.seconds() % 900 == 0), "{listed:?} {offset:?}");
        let Some(Modified::At { time, zone, .. }) = long(&mut ftp).modified() else { panic!() };
        let exact = ftp.mdtm("file").unwrap();
        assert_eq!(zone, Zone::Utc);
        assert!((0..60).contains(&(exact.to_unix() - time.to_unix())), "{time} {exact}");
        ftp.quit().unwrap();
    });
}

/// Names in a legacy charset: the bytes are unchanged, and decode as they should
#[test]
fn names_in_another_charset() {
    everywhere(|way| {
        // It replaces bytes that are not UTF-8 by U+FFFD, so its listings have lost them.
        if way.server.name == "pyftpdlib" {
            return;
        }
        let (mut ftp, _, _) = way.enter();
        let names = NameEncoding::new(encoding_rs::WINDOWS_1252);
        let path = names.encode("déjà vu €").unwrap();
        ftp.upload_from(&*path, &mut &b"content"[..]).unwrap();
        for entry in ftp.list(List::new("")).unwrap().entries() {
            let entry = entry.unwrap();
            assert_eq!(entry.name(), &*path);
            assert_eq!(names.decode(entry.name()), "déjà vu €");
        }
        ftp.quit().unwrap();
    });
}
