//! Interrupted transfers that go on

use ftp_blocking::{Get, Put};

use crate::everywhere;

fn content() -> Vec<u8> {
    (0..500_000_u32).map(|n| n.to_le_bytes()[(n % 3) as usize]).collect()
}

#[test]
fn downloads() {
    everywhere(|way| {
        let (mut ftp, _, local) = way.enter();
        let bytes = content();
        std::fs::write(local.join("f"), &bytes).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let copy = folder.path().join("f");
        for length in [0, 1, 250_000, bytes.len()] {
            std::fs::write(&copy, &bytes[..length]).unwrap();
            let transfer = ftp.resume_download("f", &copy).unwrap();
            assert_eq!(transfer.bytes, (bytes.len() - length) as u64);
            assert!(std::fs::read(&copy).unwrap() == bytes);
        }
        // The marker holds for one transfer.
        let mut tail = Vec::new();
        ftp.download_to(Get::new("f").resume_at(499_990), &mut tail).unwrap();
        assert_eq!(tail, bytes[499_990..]);
        let mut whole = Vec::new();
        ftp.download_to("f", &mut whole).unwrap();
        assert!(whole == bytes);
        ftp.quit().unwrap();
    });
}

#[test]
fn uploads() {
    everywhere(|way| {
        let (mut ftp, _, local) = way.enter();
        let bytes = content();
        let folder = tempfile::tempdir().unwrap();
        let original = folder.path().join("f");
        std::fs::write(&original, &bytes).unwrap();
        ftp.upload_from("f", &mut &bytes[..100_000]).unwrap();
        let transfer = ftp.resume_upload(&original, "f").unwrap();
        assert_eq!(transfer.bytes, 400_000);
        assert!(std::fs::read(local.join("f")).unwrap() == bytes);
        // Nothing is missing, and then all of it.
        assert_eq!(ftp.resume_upload(&original, "f").unwrap().bytes, 0);
        ftp.delete("f").unwrap();
        assert_eq!(ftp.resume_upload(&original, "f").unwrap().bytes, 500_000);
        assert!(std::fs::read(local.join("f")).unwrap() == bytes);
        ftp.upload_from(Put::new("f").append(), &mut &b"appended"[..]).unwrap();
        assert!(std::fs::read(local.join("f")).unwrap().ends_with(b"appended"));
        ftp.quit().unwrap();
    });
}

#[test]
fn uploads_from_an_offset() {
    everywhere(|way| {
        let (mut ftp, _, local) = way.enter();
        ftp.upload_from("f", &mut &b"0123456789"[..]).unwrap();
        ftp.upload_from(Put::new("f").resume_at(10), &mut &b"abc"[..]).unwrap();
        assert_eq!(std::fs::read(local.join("f")).unwrap(), b"0123456789abc");
        ftp.quit().unwrap();
    });
}
