//! Listings of directories with and without content

use crate::driver::{Error, List, Listing, ftp_proto};

use crate::{Security, everywhere};

#[test]
fn all_kinds() {
    everywhere(|way| {
        let (mut ftp, _, local) = way.enter();
        for number in 0..300 {
            std::fs::write(local.join(format!("file {number:03}")), "content").unwrap();
        }
        let lines = ftp.list("").unwrap().collect_lines().unwrap();
        assert_eq!(lines.iter().filter(|line| line.ends_with(b" file 299")).count(), 1);
        let mut names = ftp.names("").unwrap();
        // Pure-FTPd lists these two, too.
        names.retain(|name| name != b"." && name != b"..");
        names.sort();
        assert_eq!(names.len(), 300);
        assert_eq!(names[299], b"file 299");
        if ftp.query_features().unwrap().mlst().is_some() {
            let facts = ftp.list(List::facts("")).unwrap().collect_lines().unwrap();
            assert_eq!(facts.iter().filter(|line| line.ends_with(b"; file 299")).count(), 1);
        }
        ftp.quit().unwrap();
    });
}

#[test]
fn empty_directories() {
    everywhere(|way| {
        let (mut ftp, _, _) = way.enter();
        for list in [List::new(""), List::names("")] {
            // Some reply 450 or 550 (Q74).
            match ftp.list(list).and_then(Listing::collect_lines) {
                Ok(mut lines) => {
                    lines.retain(|line| {
                        !line.starts_with(b"total ") && line != b"." && line != b".."
                    });
                    lines.retain(|line| !line.ends_with(b" .") && !line.ends_with(b" .."));
                    assert!(lines.is_empty(), "{lines:?}");
                }
                // If pyftpdlib has sent nothing, it closes without close_notify, so an empty listing can't be
                // distinguished from a truncated one.
                Err(Error::Ftp(ftp_proto::Error::Truncated { received: 0, .. }))
                    if way.security != Security::Clear && way.server.name == "pyftpdlib" => {}
                Err(error) => assert!(error.reply().is_some(), "{error}"),
            }
        }
        ftp.quit().unwrap();
    });
}
