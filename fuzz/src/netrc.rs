use crate::netrc_file::Netrc;

/// No text makes the parser of netrc panic, and a login found is the requested user's
pub fn netrc(data: &[u8]) {
    let netrc = match Netrc::parse(data) {
        Ok(netrc) => netrc,
        Err(error) => {
            let lines = data.iter().filter(|byte| **byte == b'\n').count() + 1;
            assert!((1..=lines).contains(&error.line));
            return;
        }
    };
    for host in ["h", "other"] {
        for user in [&b"u"[..], b"v"] {
            assert!(netrc.login(host, Some(user)).is_none_or(|login| login.user == user));
        }
        let Some(login) = netrc.login(host, None) else { continue };
        assert!(!login.user.is_empty());
        assert_eq!(netrc.login(host, Some(&login.user)), Some(login));
    }
}
