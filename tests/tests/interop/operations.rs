//! Every operation, and the session after it

use std::io::{Read, Write};

use crate::driver::ftp_proto::SizeAndTime;
use crate::driver::{Client, DataMode, List, Timestamp, ftp_proto};

use crate::{everywhere, on_each_server};

#[test]
fn every_simple_operation() {
    everywhere(|way| {
        let (mut ftp, remote, local) = way.enter();
        assert!(ftp.welcome().is_some());
        assert_eq!(ftp.pwd().unwrap(), remote.as_bytes());
        let features = ftp.query_features().unwrap();
        ftp.noop().unwrap();
        ftp.system().unwrap();
        ftp.help("").unwrap();
        ftp.stat("").unwrap();
        // Pure-FTPd uses UTF-8 and lists it in FEAT, but refuses OPTS UTF8 (Q27).
        let asked = ftp.utf8();
        assert!(asked.is_ok() || !features.utf8() || way.server.name == "pureftpd", "{asked:?}");
        ftp.mkdir("d").unwrap();
        ftp.cwd("d").unwrap();
        ftp.upload_from("f", &mut &b"content"[..]).unwrap();
        ftp.cdup().unwrap();
        assert_eq!(ftp.size("d/f").unwrap(), 7);
        let time = ftp.mdtm("d/f").unwrap();
        if features.has("MFMT") {
            ftp.set_mdtm("d/f", time).unwrap();
            assert_eq!(ftp.mdtm("d/f").unwrap(), time);
        }
        // The other servers do not support SITE UTIME.
        if matches!(way.server.name.as_str(), "proftpd" | "pureftpd") {
            ftp.rename("d/f", "d/f g").unwrap();
            let leap_day = Timestamp::new(2000, 2, 29, 12, 30, 59).unwrap();
            ftp.site_utime("d/f g", leap_day).unwrap();
            assert_eq!(ftp.mdtm("d/f g").unwrap(), leap_day);
            ftp.rename("d/f g", "d/f").unwrap();
        }
        if features.mlst().is_some() {
            let facts = ftp.mlst("d/f").unwrap();
            assert!(facts.lines().any(|line| line.ends_with(b"f")), "{facts}");
            let listing = ftp.list(List::facts("d")).unwrap().collect_lines().unwrap();
            assert!(listing.iter().any(|line| line.ends_with(b" f")));
        }
        let listing = ftp.list("d").unwrap().collect_lines().unwrap();
        assert!(listing.iter().any(|line| line.ends_with(b" f")));
        // The listing has set TYPE A, so three commands are sent together.
        let (found, modified) = (ftp.size_and_mdtm("d/f").unwrap(), ftp.mdtm("d/f").unwrap());
        assert_eq!((found.size, found.modified), (Some(7), Some(modified)));
        assert_eq!(ftp.size_and_mdtm("d/missing").unwrap(), SizeAndTime::default());
        ftp.rename("d/f", "g").unwrap();
        assert!(local.join("g").exists());
        ftp.delete("g").unwrap();
        ftp.rmdir("d").unwrap();
        assert_eq!(std::fs::read_dir(&local).unwrap().count(), 0);
        assert!(ftp.quit().unwrap().is_some());
    });
}

#[test]
fn refusals_leave_the_session_usable() {
    everywhere(|way| {
        let (mut ftp, _, _) = way.enter();
        for _ in 0..3 {
            for error in [
                ftp.get("nothing").map(drop).unwrap_err(),
                ftp.put("no/such/folder").map(drop).unwrap_err(),
                ftp.cwd("nothing").unwrap_err(),
                ftp.delete("nothing").unwrap_err(),
                ftp.rename("nothing", "something").unwrap_err(),
                ftp.size("nothing").unwrap_err(),
                ftp.rmdir("nothing").unwrap_err(),
                ftp.command("XNONSENSE", "").unwrap_err(),
            ] {
                assert!(!error.is_fatal(), "{error}");
                assert!(error.reply().is_some(), "{error}");
            }
            ftp.upload_from("f", &mut &b"content"[..]).unwrap();
            assert_eq!(ftp.size("f").unwrap(), 7);
        }
        ftp.quit().unwrap();
    });
}

#[test]
fn wrong_passwords() {
    on_each_server(|way| {
        if way.server.user == "anonymous" {
            return;
        }
        let mut ftp = Client::connect(way.address(), way.options(way.config())).unwrap();
        let error = ftp.login(&way.server.user, "wrong").unwrap_err();
        assert_eq!(error.reply().unwrap().code().get(), 530);
        ftp.login(&way.server.user, &way.server.password).unwrap();
        ftp.quit().unwrap();
    });
}

#[test]
fn aborted_transfers_leave_the_session_usable() {
    everywhere(|way| {
        let (mut ftp, _, _) = way.enter();
        let bytes = vec![7; 20_000_000];
        ftp.upload_from("big", &mut &bytes[..]).unwrap();
        for round in 0..3 {
            // After some bytes, before any, and by dropping it.
            let mut download = ftp.get("big").unwrap();
            if round > 0 {
                download.read_exact(&mut [0; 100_000]).unwrap();
            }
            // A download that ends in order would make ProFTPD end some sessions under TLS (Q150).
            download.abort().unwrap();
            ftp.noop().unwrap();
            let mut upload = ftp.put("partial").unwrap();
            if round > 0 {
                upload.write_all(&bytes[..100_000]).unwrap();
            }
            drop(upload);
            assert_eq!(ftp.size("big").unwrap(), 20_000_000);
            drop(ftp.list("").unwrap());
            assert!(ftp.names("").unwrap().contains(&b"big".to_vec()));
        }
        let mut back = Vec::new();
        ftp.download_to("big", &mut back).unwrap();
        assert!(back == bytes);
        ftp.quit().unwrap();
    });
}

#[test]
fn modes_may_change_within_a_session() {
    everywhere(|way| {
        let (mut ftp, _, _) = way.enter();
        for mode in [DataMode::Passive, DataMode::Active, DataMode::Passive] {
            ftp.set_data_mode(mode);
            ftp.upload_from("f", &mut &b"content"[..]).unwrap();
            let mut back = Vec::new();
            ftp.download_to("f", &mut back).unwrap();
            assert_eq!(back, b"content");
        }
        ftp.quit().unwrap();
    });
}

#[test]
fn names_of_the_servers_choice() {
    everywhere(|way| {
        let (mut ftp, _, local) = way.enter();
        let transfer = match ftp.upload_from(crate::driver::Put::unique(), &mut &b"content"[..]) {
            Ok(transfer) => transfer,
            Err(error) => {
                // Pure-FTPd supports STOU only if configured to.
                println!("{}: STOU: {error}", way.server.name);
                assert!(matches!(error, crate::driver::Error::Ftp(ftp_proto::Error::Permanent(_))));
                ftp.quit().unwrap();
                return;
            }
        };
        let name = transfer.name.unwrap_or_else(|| panic!("no name in {}", transfer.reply));
        let name = String::from_utf8(name).unwrap();
        let name = name.rsplit('/').next().unwrap();
        assert_eq!(std::fs::read(local.join(name)).unwrap(), b"content");
        ftp.quit().unwrap();
    });
}

#[test]
fn line_ends_in_arguments_are_not_sent() {
    on_each_server(|way| {
        let (mut ftp, _, local) = way.enter();
        ftp.upload_from("f", &mut &b"content"[..]).unwrap();
        for argument in ["a\r\nDELE f", "a\nDELE f", "a\rDELE f", "a\0b"] {
            for error in [
                ftp.cwd(argument).unwrap_err(),
                ftp.get(argument).map(drop).unwrap_err(),
                ftp.put(argument).map(drop).unwrap_err(),
                ftp.rename("f", argument).unwrap_err(),
                ftp.command("NOOP", argument).unwrap_err(),
            ] {
                assert!(
                    matches!(
                        error,
                        crate::driver::Error::Ftp(ftp_proto::Error::InvalidArgument(_))
                    ),
                    "{error}"
                );
            }
        }
        assert!(ftp.site("NO-SUCH-COMMAND").is_err());
        assert_eq!(std::fs::read(local.join("f")).unwrap(), b"content");
        ftp.quit().unwrap();
    });
}
