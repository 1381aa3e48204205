//! Real bytes with real servers: every operation, both families, both data modes

#![expect(clippy::unwrap_used, reason = "helpers of tests: a panic is the report")]

use std::io::{Read, Write};

use ftp_blocking::{
    Client, Config, DataMode, Error, Get, List, Options, Put, TlsPolicy, TransferType,
    copy_between_servers,
};
use ftp_tests::script::Seed;
use ftp_tests::servers::{self, Server};

const MIB: usize = 1 << 20;

/// Every way to reach a server
fn ways() -> Vec<(&'static str, DataMode)> {
    let modes = [DataMode::Passive, DataMode::Active];
    ["127.0.0.1", "[::1]"].into_iter().flat_map(|host| modes.map(|mode| (host, mode))).collect()
}

fn login(server: &Server, host: &str, mode: DataMode) -> Client {
    let mut config = Config::new(TlsPolicy::Plaintext);
    config.data_mode = mode;
    let address = format!("{host}:{}", server.port);
    let mut client = Client::connect(&address, Options::new(config)).unwrap();
    client.login(&server.user, &server.password).unwrap();
    client.cwd(&server.directory).unwrap();
    client
}

/// Runs `test` on every server in every way, in a directory of its own
fn everywhere(name: &str, mut test: impl FnMut(&Server, &mut Client)) {
    for server in servers::all() {
        for (number, (host, mode)) in ways().into_iter().enumerate() {
            println!("{} {} {host} {mode:?}", server.name, server.version);
            let mut client = login(&server, host, mode);
            let folder = format!("{name}{number}");
            client.mkdir(&folder).unwrap();
            client.cwd(&folder).unwrap();
            test(&server, &mut client);
            // Whatever the test did, the session is usable.
            client.noop().unwrap();
            client.quit().unwrap();
        }
    }
}

fn bytes(length: usize) -> Vec<u8> {
    let mut seed = Seed(length as u64 + 1);
    let mut bytes = Vec::with_capacity(length + 8);
    while bytes.len() < length {
        bytes.extend_from_slice(&seed.number().to_le_bytes());
    }
    bytes.truncate(length);
    bytes
}

fn put(client: &mut Client, put: impl Into<Put>, data: &[u8]) {
    let mut upload = client.put(put).unwrap();
    upload.write_all(data).unwrap();
    let transfer = upload.finish().unwrap();
    assert_eq!(transfer.bytes, data.len() as u64);
}

fn get(client: &mut Client, get: impl Into<Get>) -> Vec<u8> {
    let mut data = Vec::new();
    let mut download = client.get(get).unwrap();
    download.read_to_end(&mut data).unwrap();
    assert_eq!(download.finish().unwrap().bytes, data.len() as u64);
    data
}

#[test]
fn files_of_all_sizes_come_back_as_they_went() {
    everywhere("sizes", |_, client| {
        for size in [0, 1, MIB - 1, MIB, MIB + 1] {
            let data = bytes(size);
            put(client, "f", &data);
            assert_eq!(client.size("f").unwrap(), size as u64);
            assert!(get(client, "f") == data, "{size} bytes differ");
        }
    });
}

#[test]
fn a_large_file_comes_back_as_it_went() {
    for server in servers::all() {
        let mut client = login(&server, "127.0.0.1", DataMode::Passive);
        let data = bytes(300 * MIB);
        put(&mut client, "large", &data);
        assert!(get(&mut client, "large") == data, "{}: the file differs", server.name);
        client.delete("large").unwrap();
        client.quit().unwrap();
    }
}

#[test]
fn names_of_all_kinds() {
    everywhere("names", |_, client| {
        let names: [&[u8]; 8] = [
            b"with space",
            "\u{fc}ml\u{e4}ut \u{4e2d}\u{6587}".as_bytes(),
            b"quote\"inside",
            b"-leading-dash",
            b"glob[1]*?",
            b"semi;colon",
            b"percent%20",
            b"latin-\xE9",
        ];
        for name in names {
            put(client, name, name);
            assert_eq!(get(client, name), name, "{}", name.escape_ascii());
            client.rename(name, "renamed").unwrap();
            assert_eq!(client.size("renamed").unwrap(), name.len() as u64);
            client.rename("renamed", name).unwrap();
            client.delete(name).unwrap();
            assert!(matches!(client.size(name), Err(Error::Ftp(error)) if !error.is_fatal()));
        }
        client.mkdir("dir \"quoted\"").unwrap();
        client.cwd("dir \"quoted\"").unwrap();
        assert!(client.pwd().unwrap().ends_with(b"dir \"quoted\""));
        client.cdup().unwrap();
        client.rmdir("dir \"quoted\"").unwrap();
    });
}

#[test]
fn resuming_appending_and_text() {
    everywhere("resume", |server, client| {
        let data = bytes(100_000);
        put(client, "f", &data);
        assert!(get(client, Get::new("f").resume_at(60_000)) == data[60_000..]);
        assert!(get(client, "f") == data, "the offset outlived its transfer");

        put(client, "g", &data[..60_000]);
        put(client, Put::new("g").resume_at(60_000), &data[60_000..]);
        assert!(get(client, "g") == data, "{}: a resumed upload differs", server.name);

        put(client, "h", &data[..10]);
        put(client, Put::new("h").append(), &data[10..]);
        assert!(get(client, "h") == data);

        let text = client.upload_from(Put::new("t").ascii(), &mut &b"one\ntwo\r\nthree"[..]);
        assert_eq!(text.unwrap().bytes, 15, "bytes on the wire");
        let mut text = Vec::new();
        client.download_to(Get::new("t").ascii(), &mut text).unwrap();
        assert_eq!(text, b"one\ntwo\nthree");
    });
}

#[test]
fn listings() {
    everywhere("lists", |_, client| {
        for name in ["a", "b c"] {
            put(client, name, b"x");
        }
        let lines = client.list(List::new("")).unwrap().collect_lines().unwrap();
        assert!(lines.iter().any(|line| line.ends_with(b"b c")), "{lines:?}");
        let mut names = client.list(List::names("")).unwrap().collect_lines().unwrap();
        // Pure-FTPd names these two as well.
        names.retain(|name| name != b"." && name != b"..");
        names.sort();
        assert_eq!(names, [b"a".to_vec(), b"b c".to_vec()]);
        if client.query_features().unwrap().mlst().is_some() {
            let facts = client.list(List::facts("")).unwrap().collect_lines().unwrap();
            assert!(facts.iter().any(|line| line.ends_with(b" b c")), "{facts:?}");
            client.mlst("a").unwrap();
        }
        client.mkdir("empty").unwrap();
        client.cwd("empty").unwrap();
        // Some say 450 or 550 to NLST of an empty directory (Q74).
        match client.list(List::new("")).and_then(ftp_blocking::Listing::collect_lines) {
            Ok(lines) => {
                let entries = lines.iter().filter(|line| {
                    !line.starts_with(b"total ")
                        && !line.ends_with(b" .")
                        && !line.ends_with(b" ..")
                });
                assert_eq!(entries.count(), 0, "{lines:?}");
            }
            Err(error) => assert!(!error.is_fatal(), "{error}"),
        }
    });
}

#[test]
fn commands() {
    everywhere("commands", |server, client| {
        put(client, "f", b"x");
        let time = client.mdtm("f").unwrap();
        if client.query_features().unwrap().has("MFMT") {
            client.set_mdtm("f", time).unwrap();
            assert_eq!(client.mdtm("f").unwrap().to_unix(), time.to_unix());
        }
        client.system().unwrap();
        client.help("").unwrap();
        client.stat("").unwrap();
        client.command("NOOP", "").unwrap();
        assert!(client.site("NO-SUCH-COMMAND").is_err());
        assert!(client.cwd("a\r\nDELE f").is_err());
        assert_eq!(client.size("f").unwrap(), 1);
        let mut unique = client.put(Put::unique()).unwrap();
        unique.write_all(b"unique").unwrap();
        let transfer = unique.finish().unwrap();
        println!(
            "{}: STOU told {:?}",
            server.name,
            transfer.name.map(|n| n.escape_ascii().to_string())
        );
        for refused in ["missing", "no/such/path"] {
            let error = client.get(refused).err().or_else(|| client.size(refused).err()).unwrap();
            assert_eq!(error.reply().unwrap().code().get() / 100, 5, "{error}");
        }
    });
}

#[test]
fn aborted_transfers_leave_a_usable_session() {
    everywhere("aborts", |_, client| {
        let data = bytes(8 * MIB);
        put(client, "f", &data);
        for _ in 0..2 {
            let mut download = client.get("f").unwrap();
            let mut some = [0; 1000];
            download.read_exact(&mut some).unwrap();
            download.abort().unwrap();
            client.noop().unwrap();

            let mut download = client.get("f").unwrap();
            download.read_exact(&mut some).unwrap();
            drop(download);
            assert!(get(client, "f") == data, "after a dropped download");

            let mut upload = client.put("g").unwrap();
            upload.write_all(&data[..1000]).unwrap();
            drop(upload);
            put(client, "g", &data[..2000]);
            assert_eq!(client.size("g").unwrap(), 2000);
        }
    });
}

#[test]
fn copies_between_servers() {
    // The others refuse addresses that are not the client's, as they should by default, or are
    // not told apart here: pyftpdlib and ProFTPD see the same loopback address.
    let servers = servers::all();
    let Some(server) = servers.iter().find(|server| server.name == "vsftpd") else { return };
    let mut source = login(server, "127.0.0.1", DataMode::Passive);
    let mut target = login(server, "127.0.0.1", DataMode::Passive);
    let data = bytes(MIB);
    put(&mut source, "copy-source", &data);
    copy_between_servers(
        &mut source,
        "copy-source",
        &mut target,
        "copy-target",
        TransferType::Image,
    )
    .unwrap();
    assert!(get(&mut target, "copy-target") == data);
}
