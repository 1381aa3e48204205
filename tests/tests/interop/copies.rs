//! Copies between servers

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::time::Instant;

use crate::driver::{CopySide, TransferType, copy_between_servers};

use crate::{Security, on_each_server};

#[test]
fn between_two_sessions_of_one_server() {
    on_each_server(|way| {
        // Two servers can't do a TLS handshake with each other, and the machine reports that.
        if way.security != Security::Clear {
            return;
        }
        let (mut source, remote, local) = way.enter();
        let mut target = way.login(way.config());
        target.cwd(&remote).unwrap();
        let bytes = vec![5; 300_000];
        source.upload_from("a", &mut &bytes[..]).unwrap();
        let result = copy_between_servers(&mut source, "a", &mut target, "b", TransferType::Image);
        match result {
            Ok(()) => assert!(std::fs::read(local.join("b")).unwrap() == bytes),
            // Servers may refuse, which they should do by default; then the refusal is reported.
            Err(error) => {
                println!("{}: {error}", way.server.name);
                assert_ne!(way.server.name, "vsftpd", "which is told nothing else: {error}");
                assert!(error.error.reply().is_some(), "{error}");
            }
        }
        // Both sessions are usable, whatever the result.
        source.noop().unwrap();
        target.noop().unwrap();
        source.quit().unwrap();
        target.quit().unwrap();
    });
}

/// The target keeps its file if the source has none; if the source refuses RETR alone, the target, which waits for the
/// bytes, does not hold up the next request
#[test]
fn a_file_that_the_source_does_not_send() {
    on_each_server(|way| {
        if way.security != Security::Clear {
            return;
        }
        let (mut source, remote, local) = way.enter();
        let mut target = way.login(way.config());
        target.cwd(&remote).unwrap();
        target.upload_from("b", &mut &b"from yesterday"[..]).unwrap();
        let copy = |source: &mut _, name, target: &mut _| {
            copy_between_servers(source, name, target, "b", TransferType::Image)
        };
        let error = copy(&mut source, "missing", &mut target).unwrap_err();
        assert_eq!(error.side, CopySide::Source, "{}: {error:?}", way.server.name);
        assert_eq!(std::fs::read(local.join("b")).unwrap(), b"from yesterday");

        source.upload_from("closed", &mut &b"secret"[..]).unwrap();
        std::fs::set_permissions(local.join("closed"), Permissions::from_mode(0o000)).unwrap();
        let begun = Instant::now();
        let result = copy(&mut source, "closed", &mut target);
        source.noop().unwrap();
        target.noop().unwrap();
        println!("{}: {result:?} after {:?}", way.server.name, begun.elapsed());
        assert!(begun.elapsed() < way.config().settle_timeout / 2, "{result:?}");
        source.quit().unwrap();
        target.quit().unwrap();
    });
}
