use alloc::string::{String, ToString};
use alloc::vec::Vec;
use std::format;

use proptest::prelude::*;

use super::*;

fn encoded(command: Command<'_>) -> String {
    let mut out = Vec::new();
    command.encode(&mut out, true);
    String::from_utf8(out).unwrap()
}

#[test]
fn commands_are_one_line() {
    let path = Argument::new("a file").unwrap();
    assert_eq!(encoded(Command::new(Verb::RETR, &path)), "RETR a file\r\n");
    assert_eq!(encoded(Command::bare(Verb::PWD)), "PWD\r\n");
    assert_eq!(encoded(Command::literal(Verb::TYPE, "I")), "TYPE I\r\n");
    assert_eq!(encoded(Command::number(Verb::REST, 0)), "REST 0\r\n");
    assert_eq!(encoded(Command::number(Verb::REST, u64::MAX)), "REST 18446744073709551615\r\n");
}

#[test]
fn an_empty_argument_leaves_no_space_except_after_secrets() {
    let (empty, nothing) = (Argument::new("").unwrap(), Secret::new("").unwrap());
    assert_eq!(encoded(Command::new(Verb::LIST, &empty)), "LIST\r\n");
    assert_eq!(encoded(Command::new(Verb::PASS, &empty)), "PASS \r\n");
    assert_eq!(encoded(Command::secret(Verb::PASS, &nothing)), "PASS \r\n");
    assert_eq!(Command::new(Verb::LIST, &empty).to_string(), "LIST");
}

/// Room is made before a command is written, as growing meanwhile would leave a copy of a password
#[test]
fn no_command_is_longer_than_the_room_made_for_it() {
    let (short, iac) = (Argument::new("").unwrap(), Argument::new([0xFF; 40]).unwrap());
    let secret = Secret::new([0xFF; 40]).unwrap();
    for command in [
        Command::bare(Verb::PWD),
        Command::new(Verb::PASS, &short),
        Command::new(Verb::RETR, &iac),
        Command::secret(Verb::PASS, &secret),
        Command::number(Verb::REST, u64::MAX),
        Command::literal(Verb::OPTS, "HASH SHA-512"),
    ] {
        let mut out = Vec::new();
        command.encode(&mut out, true);
        assert!(out.len() <= command.max_encoded_len(), "{command}");
    }
}

#[test]
fn iac_is_doubled_only_for_telnet() {
    let name = Argument::new(b"\xFF\xFE\xFF").unwrap();
    let command = Command::new(Verb::RETR, &name);
    let mut out = Vec::new();
    command.encode(&mut out, true);
    command.encode(&mut out, false);
    assert_eq!(out, b"RETR \xFF\xFF\xFE\xFF\xFF\r\nRETR \xFF\xFE\xFF\r\n");
}

#[test]
fn an_argument_cannot_contain_a_second_command() {
    for (bytes, byte, at) in
        [("f\r\nDELE g", b'\r', 1), ("f\nDELE g", b'\n', 1), ("\0", 0, 0), ("name\r", b'\r', 4)]
    {
        let error = ArgumentError::Forbidden { byte, at };
        assert_eq!(Argument::new(bytes), Err(error.clone()));
        assert_eq!(Secret::new(bytes).err(), Some(error));
    }
    assert_eq!(
        ArgumentError::Forbidden { byte: b'\r', at: 4 }.to_string(),
        "CR at byte 4 of a command's argument would end the command"
    );
}

#[test]
fn long_arguments_are_refused() {
    assert!(Argument::new([b'a'; Argument::MAX_LEN]).is_ok());
    let length = Argument::MAX_LEN + 1;
    assert_eq!(Argument::new([b'a'; 4082]), Err(ArgumentError::TooLong { length }));
    let longest = Verb::new("ABCDEFGHIJKL").unwrap();
    let argument = Argument::new([b'a'; Argument::MAX_LEN]).unwrap();
    assert_eq!(encoded(Command::new(longest, &argument)).len(), 4096);
}

#[test]
fn verbs_are_checked_and_upper_cased() {
    assert_eq!(Verb::new("retr"), Ok(Verb::RETR));
    assert_eq!(Verb::new("xSha256").unwrap().as_str(), "XSHA256");
    for bad in ["", "A B", "RETR\r", "SITE\0", "ABCDEFGHIJKLM", "RÉTR", "NO-OP"] {
        assert_eq!(Verb::new(bad), Err(ArgumentError::Verb), "{bad:?}");
    }
    for (verb, name) in Verb::KNOWN {
        assert_eq!(verb.as_str(), *name);
        assert_eq!(Verb::new(&name.to_ascii_lowercase()), Ok(*verb));
    }
}

#[test]
fn passwords_and_accounts_are_never_shown() {
    let given = Argument::new("hunter2").unwrap();
    let secret = Secret::new("hunter2").unwrap();
    let raw = Verb::new("pass").unwrap();
    let site = Argument::new("x").unwrap();
    for (command, shown) in [
        (Command::secret(Verb::PASS, &secret), "PASS ****"),
        (Command::secret(Verb::ACCT, &secret), "ACCT ****"),
        (Command::secret(Verb::SITE, &secret), "SITE ****"),
        (Command::new(Verb::PASS, &given), "PASS ****"),
        (Command::new(Verb::ACCT, &given), "ACCT ****"),
        (Command::new(raw, &given), "PASS ****"),
        (Command::number(Verb::PASS, 1234), "PASS ****"),
        (Command::literal(Verb::PASS, "guest"), "PASS ****"),
        (Command::new(Verb::SITE, &site), "SITE x"),
    ] {
        assert_eq!(command.to_string(), shown);
        assert_eq!(format!("{command:?}"), format!("Command({shown})"));
    }
    assert_eq!(format!("{secret} {secret:?} {:?}", secret.clone()), "**** **** ****");
}

#[test]
fn passwords_in_commands_of_a_servers_own_are_never_shown() {
    for (argument, shown) in [
        ("PSWD hunter1 hunter2", "PSWD ****"),
        ("pswd \"hunter1\" \"hunter2\"", "pswd ****"),
        ("  PSWD\thunter2", "  PSWD ****"),
        ("CPWD hunter2", "CPWD ****"),
        ("PASS hunter2", "PASS ****"),
        ("PASSWD hunter2", "PASSWD ****"),
        ("CHPASS bob hunter2", "CHPASS ****"),
        ("CHPWD dGVzdA== aHVudGVy aHVudGVyMg==", "CHPWD ****"),
        ("GPASS hunter2", "GPASS ****"),
        ("ADDUSER bob hunter2 *@127.0.0.1", "ADDUSER ****"),
        ("GADDUSER staff bob hunter2", "GADDUSER ****"),
        // Nothing to hide.
        ("PSWD", "PSWD"),
        ("PSWD  ", "PSWD  "),
        ("HELP PSWD", "HELP PSWD"),
        ("CHMOD 644 passwd", "CHMOD 644 passwd"),
        ("UMASK 022", "UMASK 022"),
        ("PWD /pub", "PWD /pub"),
    ] {
        let checked = Argument::new(argument).unwrap();
        let command = Command::new(Verb::SITE, &checked);
        assert_eq!(command.to_string(), ["SITE ", shown].concat());
        assert_eq!(format!("{command:?}"), ["Command(SITE ", shown, ")"].concat());
        assert_eq!(encoded(command), ["SITE ", argument, "\r\n"].concat());
        // A client that has queued the command displays it, too.
        assert!(!format!("{checked:?}").contains("hunter"), "{checked:?}");
    }
    // Names of files are shown.
    let name = Argument::new("passwd old").unwrap();
    assert_eq!(Command::new(Verb::RETR, &name).to_string(), "RETR passwd old");
}

#[test]
fn verbs_that_carry_secrets_hide_them() {
    let given = Argument::new("aHVudGVyMg==").unwrap();
    for verb in ["adat", "MIC", "CONF", "ENC", "XAUT", "CPWD", "PSWD", "PASSWD", "CHPASS"] {
        let command = Command::new(Verb::new(verb).unwrap(), &given);
        assert_eq!(command.to_string(), [&verb.to_ascii_uppercase(), " ****"].concat());
    }
    for verb in ["XPWD", "PWD", "OPTS", "AUTH", "USER", "CLNT", "PASV"] {
        let command = Command::new(Verb::new(verb).unwrap(), &given);
        assert_eq!(command.to_string(), [verb, " aHVudGVyMg=="].concat());
    }
}

#[test]
fn arguments_are_shown_escaped() {
    let name = Argument::new(b"a\xE9\x1b[2J\"").unwrap();
    assert_eq!(Command::new(Verb::DELE, &name).to_string(), r#"DELE a\xe9\u{1b}[2J""#);
    assert_eq!(format!("{name:?}"), r#""a\xe9\x1b[2J\"""#);
}

#[test]
#[should_panic(expected = "one line")]
fn a_literal_of_two_lines_is_a_bug() {
    let _ = Command::literal(Verb::TYPE, "I\r\nQUIT");
}

proptest! {
    #[test]
    fn one_command_is_one_line(
        verb in "[A-Za-z0-9]{1,12}",
        bytes in proptest::collection::vec(any::<u8>(), 0..32),
        telnet: bool,
    ) {
        let (Ok(verb), Ok(argument)) = (Verb::new(&verb), Argument::new(&bytes)) else {
            return Ok(());
        };
        let mut out = Vec::new();
        Command::new(verb, &argument).encode(&mut out, telnet);
        prop_assert!(out.ends_with(b"\r\n"));
        let ends = out.iter().filter(|byte| matches!(byte, b'\r' | b'\n' | 0)).count();
        prop_assert_eq!(ends, 2);
    }
}
