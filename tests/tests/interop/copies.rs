//! Copies between servers

use crate::driver::{TransferType, copy_between_servers};

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
