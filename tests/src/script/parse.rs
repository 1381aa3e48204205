//! Parses transcripts into steps, and computes the merges of their `any-order` blocks

use std::path::{Path, PathBuf};
use std::time::Duration;

use ftp_proto::{
    AuthMechanism, Config, DataHandshake, DataMode, Gateway, GatewayForm, IpFamily, PassiveHost,
    PassiveOrder, Prefetch, TlsPolicy, Truncation,
};

/// A transcript
#[derive(Clone, Debug)]
pub struct Script {
    /// The name of its file
    pub name: String,
    /// The client's settings
    pub config: Config,
    /// The address family of the control connection
    pub family: IpFamily,
    /// The steps
    pub items: Vec<Item>,
}

/// A step, or several steps in any order
#[derive(Clone, Debug)]
pub enum Item {
    /// One step
    One(Step),
    /// Steps of several channels that have no common order
    AnyOrder(Vec<Step>),
}

/// One line of a transcript
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// `do`: a request of the application
    Do(Vec<String>),
    /// `S:` a line from the server, without its line ending
    Server(Vec<u8>),
    /// `C:` a line that the client has sent
    Client(String),
    /// `A:` an action
    Action(String),
    /// `A?` an action that may be missing, depending on how the input was split
    MaybeAction(String),
    /// `E:` an event
    Event(String),
    /// `>` a report of the driver
    Report(Vec<String>),
    /// `is`: the current value of a setting, or what the client waits for
    Is(Vec<String>),
    /// `end`: the final state of the client
    End(String),
}

impl Step {
    /// Returns the channel of the step: steps of one channel keep their order
    fn channel(&self) -> u8 {
        match self {
            Self::Server(_) => 0,
            Self::Report(words) if words[0] == "data" => 1,
            Self::Report(_) => 2,
            _ => 3,
        }
    }
}

impl Script {
    /// Parses a transcript
    ///
    /// # Panics
    ///
    /// If a line can't be parsed: transcripts are part of the tests.
    pub fn parse(name: &str, text: &str) -> Self {
        let mut script = Self {
            name: name.to_owned(),
            config: one_by_one(),
            family: IpFamily::V4,
            items: Vec::new(),
        };
        let mut block: Option<Vec<Step>> = None;
        for (index, line) in text.lines().enumerate() {
            let line = line.trim();
            let fail = |what: &str| -> ! { panic!("{name}:{}: {what}: {line}", index + 1) };
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            if line == "any-order {" {
                block = Some(Vec::new());
                continue;
            }
            if line == "}" {
                let Some(steps) = block.take() else { fail("no block is open") };
                script.items.push(Item::AnyOrder(steps));
                continue;
            }
            let (head, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
            let rest = rest.trim_start();
            let step = match head {
                "do" => Step::Do(words(rest)),
                "S:" => Step::Server(unescape(rest)),
                "C:" => Step::Client(rest.to_owned()),
                "A:" => Step::Action(rest.to_owned()),
                "A?" => Step::MaybeAction(rest.to_owned()),
                "E:" => Step::Event(rest.to_owned()),
                ">" => Step::Report(words(rest)),
                "is" => Step::Is(words(rest)),
                "end" => Step::End(rest.to_owned()),
                _ if script.setting(head, rest) => continue,
                _ => fail("not understood"),
            };
            match &mut block {
                Some(steps) => steps.push(step),
                None => script.items.push(Item::One(step)),
            }
        }
        assert!(block.is_none(), "{name}: a block is left open");
        script
    }

    /// Loads all transcripts, sorted by name
    ///
    /// # Panics
    ///
    /// If one can't be read or parsed.
    pub fn all() -> Vec<Self> {
        let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("transcripts");
        let mut paths: Vec<PathBuf> = std::fs::read_dir(&folder)
            .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
            .map(|entry| entry.expect("a readable folder").path())
            .filter(|path| path.extension().is_some_and(|extension| extension == "ftp"))
            .collect();
        paths.sort();
        paths.iter().map(|path| Self::load(path)).collect()
    }

    /// Loads a transcript from its file
    ///
    /// # Panics
    ///
    /// If it can't be read or parsed.
    pub fn load(path: &Path) -> Self {
        let text = std::fs::read_to_string(path)
            .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        Self::parse(&path.file_name().unwrap_or_default().to_string_lossy(), &text)
    }

    fn setting(&mut self, key: &str, value: &str) -> bool {
        let config = &mut self.config;
        match (key, value) {
            ("policy", "explicit") => config.tls = TlsPolicy::Explicit,
            ("policy", "implicit") => config.tls = TlsPolicy::Implicit,
            ("policy", "plaintext") => config.tls = TlsPolicy::Plaintext,
            ("auth-pause", value) => {
                config.auth_pause = Duration::from_millis(value.parse().expect("milliseconds"));
            }
            ("auth", "legacy") => config.auth = AuthMechanism::TlsThenLegacy,
            ("mode", "active") => config.data_mode = DataMode::Active,
            ("order", "pasv") => config.passive_order = PassiveOrder::PasvFirst,
            ("passive-host", "trust") => config.passive_host = PassiveHost::TrustReply,
            ("truncation", "accept") => config.truncation = Truncation::Accept,
            ("active-address", value) => {
                config.active_address = Some(value.parse().expect("an IP address"));
            }
            ("active-ports", value) => {
                let (low, high) = value.split_once('-').expect("low-high");
                config.active_ports =
                    Some(low.parse().expect("a port")..=high.parse().expect("a port"));
            }
            ("reply-timeout", value) => {
                config.reply_timeout = Duration::from_secs(value.parse().expect("seconds"));
            }
            ("settle-timeout", value) => {
                config.settle_timeout = Duration::from_secs(value.parse().expect("seconds"));
            }
            ("keep-alive", value) => {
                config.keep_alive = Some(Duration::from_secs(value.parse().expect("seconds")));
            }
            ("family", "v6") => self.family = IpFamily::V6,
            ("family", "v4") => self.family = IpFamily::V4,
            ("trace", "on") => config.trace = true,
            ("data-handshake", "after-preliminary") => {
                config.data_handshake = DataHandshake::AfterPreliminary;
            }
            ("gateway", value) => {
                // The form, the host and the port; optionally user and password.
                let words: Vec<_> = value.split(' ').collect();
                let (form, port) = match words[..] {
                    ["user-at-host", _, port, ..] => (GatewayForm::UserAtHost, port),
                    ["open", _, port, ..] => (GatewayForm::Open, port),
                    _ => panic!("form, host, port: {value}"),
                };
                let port = port.parse().expect("a port");
                let mut gateway = Gateway::new(form, words[1], port).expect("a host");
                if let [_, _, _, user, password] = words[..] {
                    gateway = gateway.with_login(user, password).expect("a login");
                }
                config.gateway = Some(gateway);
            }
            ("pipeline", "on") => config.pipeline = true,
            ("prefetch", "always") => config.prefetch = Prefetch::Always,
            ("prefetch", "known") => config.prefetch = Prefetch::Known,
            _ => return false,
        }
        true
    }

    /// Returns every order of steps that the transcript allows
    pub fn orders(&self) -> Vec<Vec<Step>> {
        let mut orders = vec![Vec::new()];
        for item in &self.items {
            let tails = match item {
                Item::One(step) => vec![vec![step.clone()]],
                Item::AnyOrder(steps) => merges(steps),
            };
            orders = orders
                .iter()
                .flat_map(|head| {
                    tails.iter().map(move |tail| [head.as_slice(), tail.as_slice()].concat())
                })
                .collect();
        }
        orders
    }
}

/// The default settings of transcripts, which send one command at a time
fn one_by_one() -> Config {
    let mut config = Config::new(TlsPolicy::Plaintext);
    config.pipeline = false;
    config
}

/// Returns all merges of the steps' channels
fn merges(steps: &[Step]) -> Vec<Vec<Step>> {
    let mut channels: Vec<Vec<Step>> = vec![Vec::new(); 4];
    for step in steps {
        channels[usize::from(step.channel())].push(step.clone());
    }
    channels.retain(|channel| !channel.is_empty());
    let mut all = Vec::new();
    merge_into(&mut channels, &mut Vec::new(), &mut all);
    all
}

fn merge_into(channels: &mut Vec<Vec<Step>>, head: &mut Vec<Step>, all: &mut Vec<Vec<Step>>) {
    if channels.iter().all(Vec::is_empty) {
        all.push(head.clone());
        return;
    }
    for index in 0..channels.len() {
        if channels[index].is_empty() {
            continue;
        }
        let step = channels[index].remove(0);
        head.push(step.clone());
        merge_into(channels, head, all);
        head.pop();
        channels[index].insert(0, step);
    }
}

/// Splits text at spaces; double quotes keep words together
fn words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let (word, tail) = if let Some(quoted) = rest.strip_prefix('"') {
            let (word, tail) = quoted.split_once('"').expect("a closing quote");
            (String::from_utf8(unescape(word)).expect("UTF-8"), tail)
        } else {
            let (word, tail) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
            (word.to_owned(), tail)
        };
        words.push(word);
        rest = tail.trim_start();
    }
    words
}

/// Replaces `\xHH`, `\r`, `
/// `, `\0`, `\q` (a double quote) and `\\` in a line
fn unescape(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((&byte, tail)) = rest.split_first() {
        rest = tail;
        if byte != b'\\' {
            bytes.push(byte);
            continue;
        }
        let (&escape, tail) = rest.split_first().expect("a character after the backslash");
        rest = tail;
        bytes.push(match escape {
            b'r' => b'\r',
            b'n' => b'\n',
            b'0' => 0,
            b'q' => b'"',
            b'x' => {
                let digits = std::str::from_utf8(&rest[..2]).expect("two hex digits");
                rest = &rest[2..];
                u8::from_str_radix(digits, 16).expect("two hex digits")
            }
            other => other,
        });
    }
    bytes
}
