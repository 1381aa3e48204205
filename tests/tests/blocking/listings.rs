//! Listings read in several ways, cut anywhere

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::time::Duration;

use ftp_blocking::{Client, Error, List, OwnedListing};
use ftp_proto::listing::Item;
use ftp_tests::scripted::{Server, accept, obey};

use crate::{code, login};

/// Serves a listing in these pieces, then this reply
fn listing(command: &'static str, pieces: Vec<Vec<u8>>, end: &'static str) -> (Server, Client) {
    let server = Server::start(move |s| {
        s.welcome();
        s.exchange("TYPE A", "200 text");
        let listener = s.epsv();
        let mut data = accept(&listener);
        s.exchange(command, "150 here");
        for (index, piece) in pieces.iter().enumerate() {
            if index > 0 {
                std::thread::sleep(Duration::from_millis(3));
            }
            if data.write_all(piece).is_err() {
                break;
            }
        }
        drop(data);
        s.reply(end);
        obey(s);
    });
    let client = login(&server);
    (server, client)
}

const TEXT: &[u8] = b"a\r\nbb\r\n\r\nccc\ndd d\r\nlast";

/// What the rest of a listing had, and how the transfer ended
type Rest = (Vec<Vec<u8>>, Result<Client, (Error, Option<Client>)>);

/// Ways to read the rest after so many lines
fn rest(mut listing: OwnedListing, way: usize) -> Rest {
    let mut found: Vec<Vec<u8>> = Vec::new();
    match way {
        0 => loop {
            match listing.next_line() {
                Ok(Some(line)) => found.push(line.to_vec()),
                Ok(None) => {
                    return (
                        found,
                        listing.finish().map(|done| done.1).map_err(|e| e.into_parts()),
                    );
                }
                Err(_) => {
                    let ended = listing.finish().map(|done| done.1).map_err(|e| e.into_parts());
                    assert!(ended.is_err());
                    return (found, ended);
                }
            }
        },
        1 => {
            let mut entries = listing.entries();
            let mut failed = false;
            for entry in &mut entries {
                match entry {
                    Ok(entry) => found.push(entry.name().to_vec()),
                    Err(_) => failed = true,
                }
            }
            let ended = entries.finish().map(|done| done.1).map_err(|e| e.into_parts());
            assert_eq!(failed, ended.is_err());
            (found, ended)
        }
        2 => {
            let mut entries = listing.entries();
            loop {
                match entries.next_item() {
                    Ok(Some(Item::Entry(entry))) => found.push(entry.name.to_vec()),
                    Ok(Some(_)) => found.push(b"?".to_vec()),
                    Ok(None) => break,
                    Err(_) => {
                        entries.next_item().unwrap_err();
                        break;
                    }
                }
            }
            (found, entries.finish().map(|done| done.1).map_err(|e| e.into_parts()))
        }
        3 => match listing.collect_lines() {
            Ok((lines, client)) => (lines, Ok(client)),
            Err(error) => (found, Err(error.into_parts())),
        },
        _ => {
            let mut bytes = Vec::new();
            let mut piece = [0; 3];
            loop {
                match listing.read(&mut piece) {
                    Ok(0) | Err(_) => break,
                    Ok(count) => bytes.extend(&piece[..count]),
                }
            }
            if !bytes.is_empty() {
                let mut lines: Vec<_> = bytes.split(|byte| *byte == b'\n').collect();
                if lines.last().is_some_and(|line| line.is_empty()) {
                    lines.pop();
                }
                found.extend(
                    lines.iter().map(|line| line.strip_suffix(b"\r").unwrap_or(line).to_vec()),
                );
            }
            (found, listing.finish().map(|done| done.1).map_err(|e| e.into_parts()))
        }
    }
}

/// After each number of lines, each cut, and with each end of the transfer
#[test]
fn listings_read_in_any_way() {
    let whole: [&[u8]; 6] = [b"a", b"bb", b"", b"ccc", b"dd d", b"last"];
    for end in ["226 done", "451 no", "426 no"] {
        for way in 0..5 {
            for taken in 0..=6_usize {
                for cut in [0, 1, 2, 3, 6, 8, 9, 10, 14, 19, 20, TEXT.len()] {
                    let (head, tail) = TEXT.split_at(cut);
                    let (server, client) = listing("NLST", vec![head.to_vec(), tail.to_vec()], end);
                    let at = format!("{end} {way} {taken} {cut}");
                    let mut listing = match client.into_list(List::names("")) {
                        Ok(listing) => listing,
                        // The failure has come together with the 150.
                        Err(error) => {
                            let (error, client) = error.into_parts();
                            assert_eq!(code(&error).to_string(), end[..3], "{at}");
                            client.unwrap().noop().unwrap();
                            continue;
                        }
                    };
                    let mut failed = false;
                    for line in &whole[..taken] {
                        match listing.next_line() {
                            Ok(found) => assert_eq!(found, Some(*line), "{at}"),
                            Err(error) => {
                                assert_eq!(code(&error).to_string(), end[..3], "{at}");
                                assert_eq!(line, b"last", "{at}");
                                failed = true;
                            }
                        }
                    }
                    let (found, ended) = rest(listing, way);
                    let good = end.starts_with('2');
                    assert_eq!(ended.is_ok(), good, "{at}");
                    let mut expected: Vec<&[u8]> = whole[taken..].to_vec();
                    if way == 1 || way == 2 {
                        // Empty lines are no names.
                        expected.retain(|line| !line.is_empty());
                    }
                    if !good {
                        match way {
                            3 => expected.clear(),
                            4 if !failed => {}
                            _ => expected.retain(|line| *line != b"last"),
                        }
                    }
                    let mut found: Vec<&[u8]> = found.iter().map(Vec::as_slice).collect();
                    if way == 2 {
                        found.retain(|line| *line != b"?");
                    }
                    if !(failed && way == 4) {
                        assert_eq!(found, expected, "{at}");
                    }
                    let mut client = match ended {
                        Ok(client) => client,
                        Err((error, client)) => {
                            assert_eq!(code(&error).to_string(), end[..3], "{at}");
                            client.unwrap()
                        }
                    };
                    client.noop().unwrap();
                    drop(client);
                    server.join();
                }
            }
        }
    }
}

const VMS: &[u8] = b"\r\nDirectory DISK$USER:[ANON]\r\n\r\nA_VERY_LONG_NAME_THAT_IS_WRAPPED_HERE.TXT;1\r\n                 5/6       24-FEB-2020 12:34:56  [ANON]  (RWED,RWED,RE,RE)\r\nSHORT.TXT;1      7/9       24-FEB-2020 12:34:56  [ANON]  (RWED,RWED,RE,RE)\r\n\r\nTotal of 2 files, 12/15 blocks.\r\n";

/// Names of OpenVMS, which a line of their own may have
#[test]
fn names_over_two_lines_cut_anywhere() {
    let mut seen = BTreeMap::new();
    for lines in 0..6 {
        for cut in (lines..VMS.len()).step_by(7) {
            let (head, tail) = VMS.split_at(cut);
            let (server, client) = listing("LIST", vec![head.to_vec(), tail.to_vec()], "226 done");
            let mut listing = client.into_list("").unwrap();
            for _ in 0..lines {
                listing.next_line().unwrap().unwrap();
            }
            let mut entries = listing.entries();
            let mut items = Vec::new();
            while let Some(item) = entries.next_item().unwrap() {
                items.push(format!("{item:?}"));
            }
            let unknown = entries.unknown_lines();
            let known = seen.entry(lines).or_insert_with(|| (items.clone(), unknown));
            assert_eq!(*known, (items, unknown), "{lines} {cut}");
            let (_, client) = entries.finish().unwrap();
            drop(client);
            server.join();
        }
    }
}

/// It has none of the listing's bytes
#[test]
fn debug_output_stays_short() {
    let (server, client) = listing("NLST", vec![b"secret-name\r\nb\r\n".to_vec()], "226 done");
    let mut listing = client.into_list(List::names("")).unwrap();
    listing.next_line().unwrap();
    let text = format!("{listing:?}");
    listing.finish().unwrap();
    server.join();
    assert!(text.len() < 5000, "{text}");
}

/// A listing that was cut off within a name has no entry of that name, however it is read
#[test]
fn a_name_that_was_cut_off_is_no_entry() {
    let text = "Directory DISK$USER:[ANON]\r\n\r\nA_VERY_LONG_NAME_THAT_IS_WRAPPED_HERE.TXT;1\r\nANOTHER_LONG_NAME_THAT_IS_WRAPPED_HERE.TX";
    let whole = [&b"A_VERY_LONG_NAME_THAT_IS_WRAPPED_HERE.TXT"[..]];
    for by_item in [false, true] {
        let (server, client) = listing("LIST", vec![text.into()], "226 done");
        let mut entries = client.into_list("").unwrap().entries();
        let mut names = Vec::new();
        if by_item {
            while let Some(item) = entries.next_item().unwrap() {
                if let Item::Entry(entry) = item {
                    names.push(entry.name.to_vec());
                }
            }
        } else {
            names.extend(entries.by_ref().map(|entry| entry.unwrap().name().to_vec()));
        }
        assert_eq!(names, whole, "{by_item}");
        assert_eq!(entries.unknown_lines(), 1);
        drop(entries);
        server.join();
    }
}
