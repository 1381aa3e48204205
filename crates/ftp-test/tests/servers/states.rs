//! The server's files after requests that no server fulfils, and after those that create directories

use ftp_test::Server;

use crate::client::Raw;

fn server() -> (Server, Raw) {
    let server = Server::with_files([("d/x", "inner"), ("a", "01234")]);
    let raw = Raw::login(server.address());
    (server, raw)
}

fn names(ftp: &mut Raw, command: &str) -> String {
    String::from_utf8(ftp.fetch(command).0.unwrap()).unwrap().replace("\r\n", " ")
}

/// Refuses an upload before its data connection is opened
fn refused(ftp: &mut Raw, command: &str) -> String {
    let _data = ftp.passive();
    ftp.say(command)
}

#[test]
fn missing_parent_directories_are_created() {
    let (server, mut ftp) = server();
    assert!(ftp.store("STOR new/f", b"1").starts_with("226"));
    assert!(ftp.say("MKD p/q").starts_with("257"));
    assert!(ftp.say("RNFR a").starts_with("350"));
    assert!(ftp.say("RNTO r/s/a").starts_with("250"));
    assert_eq!(names(&mut ftp, "NLST"), "d new p r ");
    for directory in ["new", "p", "p/q", "r", "r/s"] {
        assert!(server.files().contains(directory), "{directory}");
        assert!(ftp.say(&format!("MLST /{directory}")).starts_with("250"), "{directory}");
        assert!(ftp.say(&format!("CWD /{directory}")).starts_with("250"), "{directory}");
    }
    assert_eq!(names(&mut ftp, "NLST /new"), "f ");
    assert_eq!(server.files().paths(), ["d/x", "new/f", "r/s/a"]);
}

#[test]
fn a_directory_is_not_replaced_by_a_file() {
    let (server, mut ftp) = server();
    for command in ["STOR d", "APPE d", "STOR /"] {
        assert_eq!(refused(&mut ftp, command), "550 Is a directory.", "{command}");
    }
    for target in ["d", "/"] {
        ftp.say("RNFR a");
        assert_eq!(ftp.say(&format!("RNTO {target}")), "550 Is a directory.");
    }
    ftp.say("RNFR d");
    assert_eq!(ftp.say("RNTO a"), "550 Not a directory.");
    assert_eq!(names(&mut ftp, "NLST"), "a d ");
    assert_eq!(server.files().paths(), ["a", "d/x"]);
}

#[test]
fn nothing_is_stored_in_a_file() {
    let (server, mut ftp) = server();
    assert_eq!(refused(&mut ftp, "STOR a/b"), "550 Not a directory.");
    assert_eq!(ftp.say("MKD a/b/c"), "550 Not a directory.");
    ftp.say("RNFR d");
    assert_eq!(ftp.say("RNTO a/d"), "550 Not a directory.");
    ftp.say("RNFR a");
    assert_eq!(ftp.say("RNTO a/b"), "550 Not a directory.");
    assert_eq!(server.files().paths(), ["a", "d/x"]);
}

#[test]
fn a_directory_is_not_moved_into_itself() {
    let (server, mut ftp) = server();
    ftp.say("RNFR d");
    assert!(ftp.say("RNTO d/sub").starts_with("550"));
    ftp.say("RNFR d");
    assert!(ftp.say("RNTO d").starts_with("250"));
    // It is gone by the time it is renamed.
    ftp.say("RNFR a");
    server.files().remove("a");
    assert!(ftp.say("RNTO b").starts_with("550"));
    assert_eq!(server.files().paths(), ["d/x"]);
}

#[test]
fn an_upload_does_not_begin_after_the_end_of_the_file() {
    let (server, mut ftp) = server();
    for (marker, command) in [(12, "STOR a"), (1, "STOR fresh"), (1, "STOU")] {
        ftp.say(&format!("REST {marker}"));
        assert!(refused(&mut ftp, command).starts_with("554"), "{command}");
    }
    ftp.say("REST 5");
    assert!(ftp.store("STOR a", b"5").starts_with("226"));
    assert_eq!(server.files().get("a").unwrap(), b"012345");
    assert_eq!(server.files().paths(), ["a", "d/x"]);
}

#[test]
fn mfmt_takes_times_only() {
    let (_server, mut ftp) = server();
    for time in ["x", "20200230000000", "20201301000000", "20200101240000", "2020010100000"] {
        assert!(ftp.say(&format!("MFMT {time} a")).starts_with("501"), "{time}");
    }
    assert!(ftp.say("MFMT 20200101000000. a").starts_with("501"));
    assert_eq!(ftp.say("MDTM a"), format!("213 {}", ftp_test::MODIFIED));
    for time in ["20200229235960", "20210228000000.123"] {
        assert!(ftp.say(&format!("MFMT {time} a")).starts_with("213"), "{time}");
        assert_eq!(ftp.say("MDTM a"), format!("213 {time}"));
    }
}

#[test]
fn after_epsv_all_there_is_only_epsv() {
    let (_server, mut ftp) = server();
    assert!(ftp.say("PASV").starts_with("227"));
    assert!(ftp.say("EPSV ALL").starts_with("200"));
    for command in ["PASV", "PORT 127,0,0,1,4,5", "EPRT |1|127.0.0.1|1029|"] {
        assert!(ftp.say(command).starts_with("501"), "{command}");
    }
    assert!(ftp.say("EPSV").starts_with("229"));
}

#[test]
fn the_files_of_a_test_replace_what_is_in_the_way() {
    let (server, mut ftp) = server();
    server.files().put("a/b", "under what was a file");
    server.files().put("d", "over what was a directory");
    assert_eq!(server.files().paths(), ["a/b", "d"]);
    server.files().make_dir("d");
    server.files().make_dir("/");
    assert_eq!(server.files().paths(), ["a/b"]);
    assert_eq!(names(&mut ftp, "NLST"), "a d ");
}
