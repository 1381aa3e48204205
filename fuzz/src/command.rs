use ftp_proto::{Argument, Command, Secret, Verb};

/// A command is one line, whatever it contains, and secrets are not shown
///
/// The verb is everything up to the first `=`, the argument is the rest.
pub fn command(data: &[u8]) {
    let end = data.iter().position(|byte| *byte == b'=').unwrap_or(data.len());
    let (verb, argument) = (&data[..end], data.get(end + 1..).unwrap_or_default());
    let Some(Ok(verb)) = str::from_utf8(verb).ok().map(Verb::new) else { return };
    let forbidden = argument.iter().any(|byte| matches!(byte, b'\r' | b'\n' | 0));
    let (Ok(plain), Ok(secret)) = (Argument::new(argument), Secret::new(argument)) else {
        assert!(forbidden || argument.len() > Argument::MAX_LEN);
        return;
    };
    assert!(!forbidden);
    let hidden = Command::secret(verb, &secret);
    for command in [Command::new(verb, &plain), hidden] {
        for telnet in [false, true] {
            let mut line = b"before".to_vec();
            command.encode(&mut line, telnet);
            let line = line.strip_prefix(b"before").expect("appended");
            let content = line.strip_suffix(b"\r\n").expect("one line end");
            assert!(!content.iter().any(|byte| matches!(byte, b'\r' | b'\n' | 0)));
            let rest = content.strip_prefix(verb.as_str().as_bytes()).expect("the verb");
            let sent = rest.strip_prefix(b" ").unwrap_or_default();
            let doubled = argument.iter().filter(|byte| telnet && **byte == 0xFF).count();
            assert_eq!(sent.len(), argument.len() + doubled);
        }
    }
    assert_eq!(hidden.to_string(), format!("{verb} ****"));
    if matches!(verb, Verb::PASS | Verb::ACCT) {
        assert_eq!(Command::new(verb, &plain).to_string(), hidden.to_string());
    }
}
