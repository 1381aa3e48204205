//! A password appears only on the wire: neither in traces nor in the `Debug` output of any type

use std::fmt::{Debug, Write as _};
use std::io::{Read, Write};
use std::sync::{Arc, Mutex};

use ftp_proto::{Argument, Command, Secret, Time, Verb};
use ftp_tests::scripted::accept;

use crate::driver::{Client, Options};
use crate::{config, serve};

const MARK: &str = "xyzzy-plugh";

/// Formats a value in every way
fn show(shown: &mut String, thing: &dyn Debug) {
    let _ = writeln!(shown, "{thing:?} {thing:#?}");
}

#[test]
fn a_marked_password_is_shown_by_nothing() {
    let server = serve(|s| {
        s.reply("220 ready");
        s.exchange("USER u", "331 password?");
        s.exchange(&format!("PASS p {MARK}"), "332 account?");
        s.exchange(&format!("ACCT a {MARK}"), "230 welcome");
        s.exchange(&format!("ACCT b {MARK}"), "530 no");
        s.exchange(&format!("PASS {MARK}"), "503 not now");
        s.exchange("TYPE I", "200 fine");
        for command in ["RETR f", "STOR f"] {
            let listener = s.epsv();
            let mut data = accept(&listener);
            s.exchange(command, "150 go");
            if command == "RETR f" {
                data.write_all(b"content").unwrap();
            } else {
                data.read_to_end(&mut Vec::new()).unwrap();
            }
            drop(data);
            s.reply("226 done");
        }
        s.exchange("USER u", "331 password?");
        // The connection ends while the password is being sent.
        s.expect(&format!("PASS p {MARK}"));
    });
    let lines = Arc::new(Mutex::new(String::new()));
    let sink = Arc::clone(&lines);
    let options = Options::new(config()).trace(move |line| {
        let _ = writeln!(sink.lock().unwrap(), "{line} {line:?}");
    });
    let mut shown = String::new();
    let password = format!("p {MARK}");
    let mut ftp = Client::connect(server.address().to_string(), options).unwrap();
    show(&mut shown, &ftp.login_with_account("u", &password, format!("a {MARK}")).unwrap());
    let errors = [
        ftp.account(format!("b {MARK}")).unwrap_err(),
        ftp.command("PASS", MARK).unwrap_err(),
        // It is refused before it is sent.
        ftp.account(format!("{MARK}\r\nDELE f")).unwrap_err(),
        ftp.login("u", format!("{MARK}\n")).unwrap_err(),
    ];
    let download = ftp.get("f").unwrap();
    show(&mut shown, &download.finish().unwrap());
    let mut upload = ftp.put("f").unwrap();
    upload.write_all(b"content").unwrap();
    show(&mut shown, &upload.finish().unwrap());
    let end = ftp.login("u", &password).unwrap_err();
    for error in errors.iter().chain([&end]) {
        show(&mut shown, error);
        let _ = writeln!(shown, "{error}");
        show(&mut shown, &error.reply());
    }
    show(&mut shown, &ftp.last_reply());
    drop(ftp);
    server.join();
    let lines = lines.lock().unwrap().clone();
    assert_eq!(lines.matches("PASS ****").count(), 6, "{lines}");
    assert!(lines.contains("ACCT ****"), "{lines}");
    for text in [&shown, &lines] {
        assert!(!text.contains(MARK) && !text.contains("xyzzy"), "{text}");
    }
}

#[test]
fn the_core_s_types_show_no_secret() {
    let secret = Secret::new(MARK).unwrap();
    let mut shown = String::new();
    show(&mut shown, &secret);
    show(&mut shown, &Secret::new(format!("{MARK}\n")));
    let command = Command::secret(Verb::PASS, &secret);
    show(&mut shown, &command);
    let _ = write!(shown, "{command}");
    let now = Time::ZERO;
    let mut client = ftp_proto::Client::new(config(), ftp_proto::IpFamily::V4, now);
    let login = client.login_with_account("u", MARK, MARK);
    show(&mut shown, &login);
    show(&mut shown, &client);
    client.handle_input(now, b"220 ready\r\n").unwrap();
    client.handle_transmit(now, 8);
    client.handle_input(now, b"331 password\r\n").unwrap();
    // PASS is queued.
    assert!(client.poll_transmit().unwrap().starts_with(b"PASS "));
    show(&mut shown, &client);
    client.close();
    assert!(client.poll_transmit().is_none());
    show(&mut shown, &client);
    while let Some(event) = client.poll_event() {
        show(&mut shown, &event);
    }
    // A value that is no secret is shown, so the search would find one.
    show(&mut shown, &Argument::new("public").unwrap());
    assert!(shown.contains("public"));
    assert!(!shown.contains(MARK), "{shown}");
}
