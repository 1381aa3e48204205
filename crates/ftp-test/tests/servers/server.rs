//! The server with files: its behaviour without faults, and with each fault

use std::io::{Read, Write};
use std::net::TcpListener;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use ftp_test::{Action, Command, Limit, Server};

use crate::client::Raw;

fn server() -> Server {
    Server::with_files([("pub/big", vec![7; 100_000]), ("a", b"content".to_vec())])
}

/// Starts a server that applies this action to the first RETR or STOR
fn faulty(action: Action) -> Server {
    let server = server();
    server.on_command(move |Command { verb, in_all, .. }| match verb {
        "RETR" | "STOR" if in_all == 1 => action.clone(),
        _ => Action::serve(),
    });
    server
}

#[test]
fn files_are_served_and_stored() {
    let server = server();
    let mut ftp = Raw::login(server.address());
    assert_eq!(ftp.fetch("RETR pub/big").0.unwrap(), [7; 100_000]);
    ftp.say("REST 3");
    assert_eq!(ftp.fetch("RETR a").0.unwrap(), b"tent");
    // REST applies to one transfer only.
    assert_eq!(ftp.fetch("RETR a").0.unwrap(), b"content");
    ftp.store("STOR new", b"one");
    ftp.store("APPE new", b"two");
    ftp.say("REST 1");
    ftp.store("STOR a", b"at");
    assert_eq!(server.files().get("/new").unwrap(), b"onetwo");
    assert_eq!(server.files().get("a").unwrap(), b"cat");
    assert!(ftp.store("STOU", b"x").starts_with("226"));
    assert_eq!(server.files().paths(), ["a", "new", "pub/big", "unique-1"]);
    assert!(ftp.say("RETR none").starts_with("550"));
    assert!(ftp.say("RETR a").starts_with("425"), "nothing has been listened for");
    assert!(ftp.say("QUIT").starts_with("221"));
    assert_eq!(ftp.reply(), "");
}

#[test]
fn directories_are_made_listed_and_removed() {
    let server = server();
    let mut ftp = Raw::login(server.address());
    server.files().set_modified("pub/big", "20250102030405");
    assert_eq!(ftp.say("CWD pub"), "250 fine");
    assert_eq!(ftp.say("PWD"), "257 \"/pub\"");
    let text = |ftp: &mut Raw, command| String::from_utf8(ftp.fetch(command).0.unwrap()).unwrap();
    assert_eq!(text(&mut ftp, "NLST"), "big\r\n");
    let line = "-rw-r--r-- 1 ftp ftp 100000 Jan 02 2025 big\r\n";
    assert_eq!(text(&mut ftp, "LIST -a"), line);
    assert_eq!(text(&mut ftp, "MLSD"), "type=file;size=100000;modify=20250102030405; big\r\n");
    assert!(ftp.say("MLST big").contains("\r\n type=file;size=100000;modify=20250102030405; big"));
    assert_eq!(ftp.say("MDTM big"), "213 20250102030405");
    assert!(ftp.say("MKD sub").starts_with("257 \"/pub/sub\""));
    ftp.say("RNFR big");
    assert!(ftp.say("RNTO sub/moved").starts_with("250"));
    ftp.say("CDUP");
    assert!(ftp.say("RMD pub").starts_with("550"), "it is not empty");
    ftp.say("RNFR pub");
    ftp.say("RNTO other");
    assert_eq!(server.files().paths(), ["a", "other/sub/moved"]);
    assert!(ftp.say("MLSD pub").starts_with("550"));
    assert!(ftp.say("DELE other/sub/moved").starts_with("250"));
    assert!(ftp.say("RMD other/sub").starts_with("250"));
    assert!(ftp.say("SIZE other/sub/moved").starts_with("550"));
}

#[test]
fn a_client_can_listen_itself() {
    let server = server();
    let mut ftp = Raw::login(server.address());
    for extended in [false, true] {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let [high, low] = listener.local_addr().unwrap().port().to_be_bytes();
        let command = match extended {
            true => format!("EPRT |1|127.0.0.1|{}|", u16::from_be_bytes([high, low])),
            false => format!("PORT 127,0,0,1,{high},{low}"),
        };
        assert_eq!(ftp.say(&command), "200 fine");
        assert!(ftp.say("RETR a").starts_with("150"));
        let mut bytes = Vec::new();
        listener.accept().unwrap().0.read_to_end(&mut bytes).unwrap();
        assert_eq!((&bytes[..], &*ftp.reply()), (&b"content"[..], "226 done"));
    }
    assert!(ftp.say("PORT 1,2,3").starts_with("501"));
}

#[test]
fn a_transfer_breaks_off_at_byte_4711() {
    let cut = Action::serve().break_at(4_711);
    for (action, reply) in [
        (cut.clone(), "426 The transfer is broken off."),
        (cut.clone().final_reply("226 fine"), "226 fine"),
        (cut.then_close(), ""),
    ] {
        let server = faulty(action.clone());
        let mut ftp = Raw::login(server.address());
        let (bytes, last) = ftp.fetch("RETR pub/big");
        assert_eq!((bytes.unwrap().len(), &*last), (4_711, reply));
        if !reply.is_empty() {
            assert_eq!(ftp.fetch("RETR pub/big").0.unwrap().len(), 100_000, "only once");
        }

        let server = faulty(action);
        let mut ftp = Raw::login(server.address());
        assert_eq!(ftp.store("STOR up", &[1; 1_000_000]), reply);
        assert_eq!(server.files().get("up").unwrap().len(), 4_711);
    }
    // The file has no bytes after this one, so the transfer is complete.
    let server = faulty(Action::serve().break_at(100_000));
    assert_eq!(Raw::login(server.address()).fetch("RETR pub/big").1, "226 done");
}

#[test]
fn a_transfer_is_reset() {
    let server = faulty(Action::serve().break_at(4_711).reset());
    let (bytes, last) = Raw::login(server.address()).fetch("RETR pub/big");
    assert_eq!(bytes.unwrap_err().kind(), std::io::ErrorKind::ConnectionReset);
    assert!(last.starts_with("426"));
}

#[test]
fn other_bytes_come_and_rest_is_ignored() {
    let server = server();
    server.on_command(|Command { verb, argument, .. }| match (verb, argument) {
        ("RETR", "none") => Action::serve().data("invented"),
        ("RETR", _) => Action::serve().from_start(),
        ("MLSD", _) => Action::serve().data("???\r\n"),
        _ => Action::serve(),
    });
    let mut ftp = Raw::login(server.address());
    assert_eq!(ftp.fetch("RETR none").0.unwrap(), b"invented");
    ftp.say("REST 3");
    assert_eq!(ftp.fetch("RETR a").0.unwrap(), b"content");
    assert_eq!(ftp.fetch("MLSD nowhere").0.unwrap(), b"???\r\n");
}

#[test]
fn a_slow_transfer_takes_its_time() {
    let pause = Duration::from_millis(50);
    let server = faulty(Action::serve().slow_from(2, pause).pause(4 * pause));
    let begun = Instant::now();
    let (bytes, last) = Raw::login(server.address()).fetch("RETR a");
    assert_eq!((&bytes.unwrap()[..], &*last), (&b"content"[..], "226 done"));
    assert!(begun.elapsed() >= 9 * pause, "{:?}", begun.elapsed());

    let server = faulty(Action::serve().slow_from(2, pause));
    assert_eq!(Raw::login(server.address()).store("STOR up", b"content"), "226 done");
    assert_eq!(server.files().get("up").unwrap(), b"content");
}

/// A stall ends when the client closes the data connection, and when the server is dropped
#[test]
fn a_stall_ends_with_the_connection() {
    let stall = || faulty(Action::serve().slow_from(3, Duration::from_secs(1000)));
    let (server, mut bytes) = (stall(), [0; 3]);
    let mut ftp = Raw::login(server.address());
    let mut data = ftp.passive();
    ftp.say("RETR a");
    data.read_exact(&mut bytes).unwrap();
    drop(data);
    assert!(ftp.reply().starts_with("426"));
    assert_eq!(ftp.fetch("RETR a").0.unwrap(), b"content");

    let server = stall();
    let mut ftp = Raw::login(server.address());
    let mut data = ftp.passive();
    ftp.say("RETR a");
    let begun = Instant::now();
    drop(server);
    assert!(begun.elapsed() < Duration::from_secs(5));
    let mut rest = Vec::new();
    let _ = data.read_to_end(&mut rest);
    assert_eq!(rest, b"con");
}

#[test]
fn replies_are_replaced() {
    let server = server();
    server.on_command(|Command { verb, argument, number, session, in_session, .. }| match verb {
        "GREETING" if session == 2 => Action::close(),
        "GREETING" => Action::reply("220-odd\r\n220 greeting"),
        "SIZE" => Action::reply("213 99"),
        "NOOP" if in_session == 2 => Action::ignore(),
        "STAT" => Action::reply(format!("211 {number} {argument}")),
        "SITE" => Action::reply("421 Enough."),
        _ => Action::serve(),
    });
    let mut ftp = Raw::connect(server.address());
    assert_eq!(ftp.reply(), "220-odd\r\n220 greeting");
    assert_eq!(ftp.say("USER u"), "331 password, please");
    assert_eq!(ftp.say("size a"), "213 99");
    assert_eq!(ftp.say("NOOP"), "200 fine");
    ftp.send(b"NOOP\r\n");
    assert_eq!(ftp.say("STAT me"), "211 5 me");
    assert!(ftp.say("PWD").starts_with("530"), "nobody has logged in");
    assert_eq!(ftp.say("SITE x"), "421 Enough.");
    assert_eq!(ftp.reply(), "");
    assert_eq!(Raw::connect(server.address()).reply(), "");
    let commands = ["USER u", "SIZE a", "NOOP", "NOOP", "STAT me", "PWD", "SITE x"];
    assert_eq!(server.commands(), commands);
    assert!(server.transcript().starts_with("1 S: 220-odd\r\n220 greeting\n1 C: USER u\n"));
    server.forget_commands();
    assert_eq!((server.count("NOOP"), server.commands().len()), (0, 0));
}

#[test]
fn sessions_are_limited_and_counted() {
    let server = server();
    server.limit_sessions(Limit::new(1).text("Full.").lingers(Duration::from_millis(200)));
    let mut first = Raw::login(server.address());
    assert_eq!(Raw::connect(server.address()).reply(), "421 Full.");
    server.limit_sessions(Limit::new(1).at_login());
    let mut second = Raw::connect(server.address());
    assert!(second.reply().starts_with("220"));
    second.say("USER u");
    assert!(second.say("PASS p").starts_with("530 There are too many"));
    let sessions = server.sessions();
    let counts = (sessions.open, sessions.most, sessions.refused, sessions.logins);
    assert_eq!(counts, (1, 1, 2, 1));
    // A session that has just ended still counts while it lingers.
    server.limit_sessions(Limit::new(1).lingers(Duration::from_millis(200)));
    first.say("QUIT");
    assert!(Raw::connect(server.address()).reply().starts_with("421"));
    std::thread::sleep(Duration::from_millis(250));
    assert!(Raw::connect(server.address()).reply().starts_with("220"));
}

#[test]
fn a_silent_client_is_left() {
    let server = server();
    server.set_idle_timeout(Duration::from_millis(50));
    assert_eq!(Raw::login(server.address()).reply(), "421 Timeout.");
}

#[test]
fn what_is_no_command_is_said() {
    let server = server();
    let mut ftp = Raw::login(server.address());
    ftp.send(b"NOOP\n");
    assert!(ftp.reply().starts_with("500 a line without CRLF"), "{}", server.transcript());
    assert!(ftp.say("XYZZY").starts_with("502"));
    assert!(ftp.say("AUTH TLS").starts_with("502"));
}

/// Without a time limit this test would hang
#[test]
fn a_data_connection_that_never_comes_is_answered() {
    let server = server();
    let mut ftp = Raw::login(server.address());
    ftp.say("EPSV");
    let begun = Instant::now();
    let reply = ftp.say("RETR a");
    assert!(reply.starts_with("425 No data connection: nobody has connected"), "{reply}");
    assert!((9..20).contains(&begun.elapsed().as_secs()), "{:?}", begun.elapsed());
    assert_eq!(ftp.fetch("RETR a").0.unwrap(), b"content");
}

#[test]
fn a_rule_that_panics_fails_the_test() {
    let server = server();
    server.on_command(|Command { verb, .. }| {
        assert_ne!(verb, "DELE", "nothing may be deleted");
        Action::serve()
    });
    let mut ftp = Raw::login(server.address());
    assert_eq!(ftp.say("DELE a"), "", "the session is over");
    assert!(Raw::login(server.address()).say("NOOP").starts_with("200"), "others go on");
    let panic = catch_unwind(AssertUnwindSafe(|| drop(server))).unwrap_err();
    assert!(panic.downcast::<String>().unwrap().contains("nothing may be deleted"));
}

#[test]
fn a_dropped_server_is_gone() {
    let server = server();
    let address = server.address();
    let mut ftp = Raw::login(address);
    drop(server);
    assert_eq!(ftp.reply(), "");
    assert!(std::net::TcpStream::connect(address).is_err());
}

#[test]
fn it_is_reached_over_ipv6() {
    // Some machines have no IPv6.
    if TcpListener::bind("[::1]:0").is_err() {
        return;
    }
    let server = Server::start_on("::1".parse().unwrap());
    let mut ftp = Raw::login(server.address());
    assert!(ftp.say("PASV").starts_with("425"));
    let port = ftp.say("EPSV").rsplit('|').nth(1).unwrap().parse().unwrap();
    let mut data = std::net::TcpStream::connect((server.address().ip(), port)).unwrap();
    ftp.say("STOR new");
    data.write_all(b"x").unwrap();
    drop(data);
    assert_eq!(ftp.reply(), "226 done");
    assert_eq!(server.url("/new"), format!("ftp://[::1]:{}/new", server.address().port()));
}
