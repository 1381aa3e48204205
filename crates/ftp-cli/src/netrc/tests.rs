//! The cases of Python's tests (Lib/test/test_netrc.py), rewritten, and those of curl's advisories

use super::*;

fn login(text: &str, host: &str, user: Option<&str>) -> Option<(String, Option<String>)> {
    let netrc = Netrc::parse(text.as_bytes()).unwrap();
    let login = netrc.login(host, user.map(str::as_bytes))?;
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    Some((text(&login.user), login.password.map(|password| text(password.expose()))))
}

fn pair(user: &str, password: &str) -> Option<(String, Option<String>)> {
    Some((user.into(), Some(password.into())))
}

fn error(text: &str) -> NetrcError {
    Netrc::parse(text.as_bytes()).unwrap_err()
}

#[test]
fn words_may_stand_on_any_line_and_in_any_order() {
    let text = "machine h1 login l1 password p1 account a1\nmachine h2\n  password p2\n\tuser l2\n";
    assert_eq!(login(text, "h1", None), pair("l1", "p1"));
    assert_eq!(login(text, "h2", None), pair("l2", "p2"));
    assert_eq!(login(text, "h3", None), None);
    let account = Netrc::parse(text.as_bytes()).unwrap().login("h1", None).unwrap().account;
    assert_eq!(account.unwrap().expose(), b"a1");
}

#[test]
fn quotes_and_backslashes() {
    for (word, password) in [
        (r#""two words""#, "two words"),
        (r#""a\"b\\c""#, "a\"b\\c"),
        (r"two\ words", "two words"),
        (r"back\\slash", "back\\slash"),
        (r#"in"side"#, "in\"side"),
        (r#""""#, ""),
        ("#hash", "#hash"),
        ("pa#ss", "pa#ss"),
        ("!\"#$%&'()*+,-./:;<=>?@[]^_`{|}~", "!\"#$%&'()*+,-./:;<=>?@[]^_`{|}~"),
    ] {
        let text = format!("machine h login l password {word}\n");
        assert_eq!(login(&text, "h", None), pair("l", password), "{word}");
    }
    assert_eq!(
        login("machine h login l password \u{3b1}\u{3b2}", "h", None),
        pair("l", "\u{3b1}\u{3b2}")
    );
}

#[test]
fn words_of_the_language_can_be_values() {
    let text = "machine machine login password password login";
    assert_eq!(login(text, "machine", None), pair("password", "login"));
}

#[test]
fn comments() {
    for text in [
        "# comment\nmachine h login l password p\n",
        "#comment machine x login y\nmachine h login l password p\n",
        "machine h login l # who\n password p # what\n",
        "machine h # comment with machine x\nlogin l password p",
        "#\nmachine h login l password p",
        "machine h login l password p\n#",
    ] {
        assert_eq!(login(text, "h", None), pair("l", "p"), "{text:?}");
        assert_eq!(login(text, "x", None), None, "{text:?}");
    }
}

#[test]
fn macros_are_left_out() {
    let text = "macdef m1\n\tmachine x login y\n\tput\n\nmachine h login l password p\nmacdef m2\nquit\n\n\
                default login d password e\nmacdef last\n bye";
    assert_eq!(login(text, "h", None), pair("l", "p"));
    assert_eq!(login(text, "x", None), pair("d", "e"));
    let crlf = "macdef m\r\nmachine x\r\n\r\nmachine h login l password p\r\n";
    assert_eq!(login(crlf, "h", None), pair("l", "p"));
}

#[test]
fn several_users_of_a_host() {
    let text =
        "machine h login one password 1\nmachine h login two password 2\nmachine h login three\n";
    assert_eq!(login(text, "h", None), pair("one", "1"));
    assert_eq!(login(text, "h", Some("two")), pair("two", "2"));
    assert_eq!(login(text, "H", Some("two")), pair("two", "2"));
    // A user whose entry has no password does not get that of another user.
    assert_eq!(login(text, "h", Some("three")), Some(("three".into(), None)));
    assert_eq!(login(text, "h", Some("four")), None);
    assert_eq!(login(text, "h", Some("TWO")), None);
}

/// CVE-2024-11053, CVE-2025-0167, CVE-2026-8926 and similar
#[test]
fn no_password_goes_to_another_host_or_user() {
    let text = "machine a login l\nmachine b login l password secret\ndefault login d password e\n";
    assert_eq!(login(text, "a", None), Some(("l".into(), None)));
    // Not the password of `default` either, since an entry names the host.
    assert_eq!(login(text, "a", Some("d")), None);
    assert_eq!(login(text, "b.example", None), pair("d", "e"));
    assert_eq!(login(text, "c", Some("someone")), None);
    assert_eq!(login(text, "c", Some("d")), pair("d", "e"));
    for incomplete in ["default", "default login d", "default password e", "machine h password p"] {
        assert_eq!(login(incomplete, "h", None), None, "{incomplete}");
        assert_eq!(login(incomplete, "h", Some("u")), None, "{incomplete}");
    }
    // Words before `machine` belong to the previous entry.
    assert_eq!(login("machine h login l password p\nmachine hh\n", "hh", None), None);
}

#[test]
fn mistakes_are_reported_with_their_line_but_without_content() {
    for (text, line) in [
        ("machine h\nlogin l\npassword two words\n", 3),
        ("login l", 1),
        ("password p", 1),
        ("machine", 1),
        ("machine h login", 1),
        ("machine h\nlogin l password", 2),
        ("\n\nmachine h login l password \"open\n", 3),
        ("machine h login l password p\\", 1),
        ("machine h login \"a\nb\"", 1),
        ("machine h login a\0b", 1),
        ("invalid machine h", 1),
    ] {
        let error = error(text);
        assert_eq!(error.line, line, "{text:?}: {error}");
        for word in ["two", "words", "open", "invalid"] {
            assert!(!error.problem.contains(word) || word == "words", "{error}");
        }
    }
}

#[test]
fn secrets_are_not_shown() {
    let netrc = Netrc::parse(b"machine h login l password seeded account seeded").unwrap();
    assert!(netrc.has_passwords());
    assert!(!format!("{netrc:?} {:?}", netrc.login("h", None)).contains("seeded"));
}
