//! Passwords and accounts that a server repeats are shown by nothing, whatever is sent in one batch

use std::fmt::Write as _;

use ftp_proto::{
    Action, Client, Config, ControlEvent, Gateway, GatewayForm, IpFamily, Time, TlsPolicy,
};
use proptest::collection::vec;
use proptest::prelude::*;

/// The codes of replies to a login, and of others that may come in between
const CODES: [u16; 17] =
    [200, 202, 220, 230, 232, 331, 332, 120, 150, 421, 430, 500, 501, 503, 530, 532, 550];

/// Part of every password and account, and of nothing else
const MARK: &str = "xyzzy";

/// A reply of the server
#[derive(Clone, Debug)]
struct Answer {
    /// 0 stands for the code that leads on
    code: u16,
    /// Whether it has several lines
    lines: bool,
}

fn answer() -> impl Strategy<Value = Answer> {
    let code = prop_oneof![3 => Just(0), 1 => proptest::sample::select(&CODES[..])];
    (code, any::<bool>()).prop_map(|(code, lines)| Answer { code, lines })
}

/// A server that repeats every secret that it has received: while a command of a login is unanswered, in replies about
/// logins, and in refusals that name no file
#[derive(Default)]
struct Server {
    received: Vec<u8>,
    /// The verbs of commands without a final reply
    unanswered: Vec<String>,
    secrets: Vec<String>,
}

impl Server {
    fn read(&mut self, bytes: &[u8]) {
        self.received.extend_from_slice(bytes);
        while let Some(end) = self.received.windows(2).position(|at| at == b"\r\n") {
            let line: Vec<u8> = self.received.drain(..end + 2).collect();
            let line = String::from_utf8(line).expect("the arguments are text");
            let mut words = line.trim_end().splitn(2, ' ');
            let [verb, argument] = [(); 2].map(|()| words.next().unwrap_or_default());
            self.unanswered.push(verb.to_owned());
            if argument.contains(MARK) {
                self.secrets.push(argument.to_owned());
            }
        }
    }

    fn reply(&mut self, answer: &Answer) -> String {
        let code = match (answer.code, self.unanswered.first().map(String::as_str)) {
            (0, Some("USER")) => 331,
            (0, Some("PASS")) => 230,
            (0, Some("AUTH")) => 234,
            (0, _) => 200,
            (code, _) => code,
        };
        let about_login = |verb: &String| ["USER", "PASS", "ACCT", "OPEN"].contains(&&**verb);
        let repeats = self.unanswered.iter().any(about_login)
            || code / 10 % 10 == 3
            || code >= 400 && code / 10 % 10 != 5;
        let secrets = if repeats { self.secrets.join("', '") } else { String::new() };
        if code >= 200 && !self.unanswered.is_empty() {
            self.unanswered.remove(0);
        }
        match answer.lines {
            true => format!(
                "{code}-'{secrets}'\r\n{code}-{secrets}\r\n {secrets}\r\n{code} {secrets}.\r\n"
            ),
            false => format!("{code} not '{secrets}'\r\n"),
        }
    }
}

/// Takes everything out of the client: bytes for the server, events and errors as they are shown
fn drive(client: &mut Client, now: Time, server: &mut Server, shown: &mut String) {
    loop {
        while let Some(bytes) = client.poll_transmit() {
            let count = bytes.len();
            server.read(bytes);
            client.handle_transmit(now, count);
        }
        while let Some(event) = client.poll_event() {
            let _ = writeln!(shown, "{event:?} {event:#?}");
        }
        match client.poll_action() {
            Some(Action::SecureControl) => client.handle_control(now, ControlEvent::Secured),
            Some(_) => {}
            None => break,
        }
    }
    let _ = writeln!(shown, "{client:?} {:?}", client.last_reply());
    let failure = client.handle_input(now, b"").err();
    let _ = failure.map(|error| writeln!(shown, "{error} {error:?}"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn nothing_shows_a_secret_that_the_server_repeats(
        policy in proptest::sample::select(&[TlsPolicy::Plaintext, TlsPolicy::Explicit, TlsPolicy::Implicit][..]),
        pipeline: bool,
        trace: bool,
        proxy: bool,
        answers in vec(answer(), 1..24),
    ) {
        let mut config = Config::new(policy);
        (config.pipeline, config.trace) = (pipeline, trace);
        if proxy {
            let gateway = Gateway::new(GatewayForm::Open, "host", 21).unwrap();
            config.gateway = Some(gateway.with_login("proxy", format!("{MARK} of the proxy")).unwrap());
        }
        let now = Time::ZERO;
        let (mut server, mut shown) = (Server::default(), String::new());
        let mut client = Client::new(config, IpFamily::V4, now);
        let _ = client.login_with_account("u", format!("{MARK}-1"), format!("{MARK}-account"));
        drive(&mut client, now, &mut server, &mut shown);
        let _ = client.handle_input(now, b"220 ready\r\n");
        for (index, answer) in answers.iter().enumerate() {
            drive(&mut client, now, &mut server, &mut shown);
            let reply = server.reply(answer);
            let error = client.handle_input(now, reply.as_bytes()).err();
            let _ = error.map(|error| writeln!(shown, "{error} {error:?}"));
            drive(&mut client, now, &mut server, &mut shown);
            if client.is_idle() {
                match index % 3 {
                    0 => drop(client.login("u", format!("{MARK}-{index}"))),
                    1 => drop(client.account(format!("{MARK} {index}"))),
                    _ => drop(client.noop()),
                }
            }
        }
        drive(&mut client, now, &mut server, &mut shown);
        prop_assert!(!shown.contains(MARK), "{}", shown);
    }
}
