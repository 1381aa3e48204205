//! Simple operations, one script each

use crate::driver::{Error, Features, Options, Timestamp, ftp_proto};

use crate::{code, config, connect, login, login_with, serve};

#[test]
fn every_simple_operation() {
    let server = serve(|s| {
        s.welcome();
        s.exchange("ACCT a", "230 fine");
        s.exchange("CWD d", "250 there");
        s.exchange("CDUP", "500 what?");
        s.exchange("CWD ..", "250 up");
        s.exchange("PWD", "257 \"/a \"\"b\"\"\" is it");
        s.exchange("MKD d", "257 \"/d\" made");
        s.exchange("MKD e", "250 made");
        s.exchange("RMD d", "250 gone");
        s.exchange("DELE f", "250 gone");
        s.exchange("RNFR a", "350 to what?");
        s.exchange("RNTO b", "250 renamed");
        s.exchange("TYPE I", "200 binary");
        s.exchange("SIZE f", "213 4294967297");
        s.exchange("MDTM f", "213 20200102030405");
        s.exchange("SIZE f", "213 4294967298");
        s.exchange("MDTM f", "213 20200102030405");
        s.exchange("MFMT 20200102030405 f", "213 Modify=20200102030405; f");
        s.expect("MLST f");
        s.reply("250-facts");
        s.reply(" size=1; f");
        s.reply("250 end");
        s.expect("FEAT");
        s.reply("211-features");
        s.reply(" MLST size*;");
        s.reply(" UTF8");
        s.reply("211 end");
        s.exchange("OPTS UTF8 ON", "200 on");
        s.exchange("OPTS MLST size;", "200 MLST OPTS size;");
        s.exchange("NOOP", "200 yes");
        s.exchange("SYST", "215 UNIX");
        s.exchange("HELP", "214 help");
        s.exchange("HELP RETR", "214 no help");
        s.exchange("STAT", "211 well");
        s.exchange("SITE CHMOD 644 f", "200 done");
        s.exchange("ALLO 5", "202 superfluous");
        s.exchange("XYZZ f", "350 unusual");
        s.serve_quit();
    });
    let mut ftp = login(&server);
    ftp.account("a").unwrap();
    ftp.cwd("d").unwrap();
    ftp.cdup().unwrap();
    assert_eq!(ftp.pwd().unwrap(), b"/a \"b\"");
    assert_eq!(ftp.mkdir("d").unwrap().unwrap(), b"/d");
    assert_eq!(ftp.mkdir("e").unwrap(), None);
    ftp.rmdir("d").unwrap();
    ftp.delete("f").unwrap();
    ftp.rename("a", "b").unwrap();
    assert_eq!(ftp.size("f").unwrap(), 4_294_967_297);
    let time: Timestamp = ftp.mdtm("f").unwrap();
    let both = ftp.size_and_mdtm("f").unwrap();
    assert_eq!((both.size, both.modified), (Some(4_294_967_298), Some(time)));
    ftp.set_mdtm("f", time).unwrap();
    assert_eq!(ftp.mlst("f").unwrap().lines().nth(1).unwrap(), b" size=1; f");
    let features: Features = ftp.query_features().unwrap();
    assert!(features.utf8() && ftp.features().unwrap().utf8());
    ftp.utf8().unwrap();
    ftp.opts("MLST size;").unwrap();
    ftp.noop().unwrap();
    assert_eq!(ftp.system().unwrap().text(), b"UNIX");
    ftp.help("").unwrap();
    ftp.help("RETR").unwrap();
    ftp.stat("").unwrap();
    ftp.site("CHMOD 644 f").unwrap();
    ftp.command("ALLO", "5").unwrap();
    assert_eq!(ftp.command("XYZZ", "f").unwrap().code().get(), 350);
    assert_eq!(ftp.last_reply().unwrap().code().get(), 350);
    assert_eq!(ftp.quit().unwrap().unwrap().code().get(), 221);
    // The last reply can still be read, and further requests fail.
    assert_eq!(ftp.last_reply().unwrap().code().get(), 221);
    assert!(ftp.welcome().is_some() && !ftp.is_connected());
    assert!(ftp.noop().unwrap_err().is_fatal());
    server.join();
}

#[test]
fn a_refusal_ends_one_operation_only() {
    let server = serve(|s| {
        s.welcome();
        s.exchange("DELE f", "550 no such file");
        s.exchange("RNFR f", "450 busy");
        s.exchange("NOOP", "200 yes");
        s.expect_close();
    });
    let mut ftp = login(&server);
    let error = ftp.delete("f").unwrap_err();
    assert_eq!(code(&error), 550);
    assert!(!error.is_fatal() && !error.is_transient());
    assert!(error.is_missing() && !error.is_auth() && !error.is_timeout());
    let error = ftp.rename("f", "g").unwrap_err();
    assert!(!error.is_fatal() && error.is_transient());
    // No byte of it is sent.
    let error = ftp.cwd("a\r\nDELE f").unwrap_err();
    assert!(matches!(error, Error::Ftp(ftp_proto::Error::InvalidArgument(_))));
    ftp.noop().unwrap();
    ftp.close();
    server.join();
}

#[test]
fn login_with_account_and_refused_logins() {
    let server = serve(|s| {
        s.reply("220 ready");
        s.exchange("USER u", "331 password");
        s.exchange("PASS wrong", "530 no");
        s.exchange("USER anonymous", "331 address");
        s.exchange("PASS anonymous@", "230 hello");
        s.exchange("USER u", "331 password");
        s.exchange("PASS p", "332 account");
        s.exchange("ACCT a", "230 hello");
        s.expect_close();
    });
    let mut ftp = connect(&server);
    assert_eq!(ftp.welcome().unwrap().text(), b"ready");
    let error = ftp.login("u", "wrong").unwrap_err();
    assert_eq!(code(&error), 530);
    assert!(error.is_auth() && !error.is_missing() && !error.is_timeout());
    ftp.login("", "").unwrap();
    ftp.login_with_account("u", "p", "a").unwrap();
    drop(ftp);
    server.join();
}

#[test]
fn the_trace_shows_no_password() {
    let server = serve(|s| {
        s.welcome();
        s.expect_close();
    });
    let (lines, seen) = std::sync::mpsc::channel();
    let options = Options::new(config()).trace(move |line| lines.send(line.to_string()).unwrap());
    drop(login_with(&server, options));
    server.join();
    let seen: Vec<String> = seen.iter().collect();
    assert_eq!(
        seen,
        ["< 220 ready", "> USER u", "< 331 password, please", "> PASS ****", "< 230 welcome"]
    );
}

#[test]
fn a_server_that_closes_after_quit_is_not_an_error() {
    let server = serve(|s| {
        s.welcome();
        s.expect("QUIT");
    });
    assert_eq!(login(&server).quit().unwrap(), None);
    server.join();
}

#[test]
fn a_refused_quit_closes_the_connection() {
    let server = serve(|s| {
        s.welcome();
        s.exchange("QUIT", "500 not now");
        s.expect_close();
    });
    let mut ftp = login(&server);
    assert_eq!(ftp.quit().unwrap_err().reply().unwrap().code().get(), 500);
    // The connection is closed, though the client still exists.
    server.join();
    assert_eq!(ftp.last_reply().unwrap().code().get(), 500);
    assert!(!ftp.is_connected());
}

#[test]
fn sessions_may_be_sent_to_other_threads() {
    fn assert_send<T: Send>() {}
    assert_send::<crate::driver::Client>();
    assert_send::<Error>();
}
