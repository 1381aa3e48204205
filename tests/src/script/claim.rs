//! Requests of a transcript, and the claims on their results

use ftp_proto::fields::{FileHash, PassiveAddress};
use ftp_proto::{
    Client, Completion, Features, Get, Op, OpId, Protection, Put, Reply, SizeAndTime, Timestamp,
    Transfer,
};

macro_rules! claims {
    ($($variant:ident($output:ty)),* $(,)?) => {
        #[derive(Clone, Copy, Debug)]
        pub(super) enum Claim {
            $($variant(Op<$output>)),*
        }

        $(impl From<Op<$output>> for Claim {
            fn from(op: Op<$output>) -> Self {
                Self::$variant(op)
            }
        })*

        impl Claim {
            pub(super) fn id(self) -> OpId {
                match self {
                    $(Self::$variant(op) => op.id()),*
                }
            }
        }
    };
}

claims! {
    Unit(()),
    Reply(Reply),
    MaybeReply(Option<Reply>),
    Number(u64),
    Hash(Option<FileHash>),
    Time(Timestamp),
    SizeAndTime(SizeAndTime),
    Path(Vec<u8>),
    MaybePath(Option<Vec<u8>>),
    Features(Features),
    Transfer(Transfer),
    Passive(PassiveAddress),
}

/// An argument of a request other than text
trait Word {
    fn of(word: &str) -> Self;
}

impl Word for Timestamp {
    /// Parses seconds since 1970, with nanoseconds after a point
    fn of(word: &str) -> Self {
        let (seconds, nanoseconds) = word.split_once('.').unwrap_or((word, "0"));
        let time = Self::from_unix(seconds.parse().expect("seconds")).expect("a time");
        time.with_nanosecond(nanoseconds.parse().expect("nanoseconds")).expect("a time")
    }
}

impl Word for Protection {
    fn of(word: &str) -> Self {
        match word {
            "private" => Self::Private,
            "clear" => Self::Clear,
            other => panic!("protection {other}?"),
        }
    }
}

/// Calls a request with the next words: text unchanged, other arguments parsed as their types
macro_rules! call {
    ($client:ident.$name:ident($words:ident) [$($done:expr,)*]) => {
        $client.$name($($done),*)
    };
    ($client:ident.$name:ident($words:ident) [$($done:expr,)*]
        $argument:ident: impl AsRef<[u8]> $(, $($rest:tt)*)?) => {
        call!($client.$name($words) [$($done,)* next(&mut $words),] $($($rest)*)?)
    };
    ($client:ident.$name:ident($words:ident) [$($done:expr,)*]
        $argument:ident: &str $(, $($rest:tt)*)?) => {
        call!($client.$name($words) [$($done,)* next(&mut $words),] $($($rest)*)?)
    };
    ($client:ident.$name:ident($words:ident) [$($done:expr,)*]
        $argument:ident: $type:ty $(, $($rest:tt)*)?) => {
        call!($client.$name($words) [$($done,)* <$type>::of(next(&mut $words)),] $($($rest)*)?)
    };
}

fn next<'a>(words: &mut impl Iterator<Item = &'a &'a str>) -> &'a str {
    words.next().expect("another argument")
}

macro_rules! listed {
    ($(
        $(#[$group:meta])*
        impl {$(
            $(#[$meta:meta])*
            fn $name:ident($($arguments:tt)*) -> $output:ty { $($operation:tt)* }
        )*}
    )*) => {
        /// Makes a request of the core's list, named like its method, with hyphens
        pub(super) fn listed(client: &mut Client, words: &[&str]) -> Option<Claim> {
            let mut words = words.iter();
            let name = next(&mut words).replace('-', "_");
            let claim: Claim = match name.as_str() {
                $($(stringify!($name) => call!(client.$name(words) [] $($arguments)*).into(),)*)*
                _ => return None,
            };
            assert_eq!(words.next(), None, "{name} has fewer arguments");
            Some(claim)
        }
    };
}

ftp_proto::requests!(listed);

impl Claim {
    pub(super) fn take(self, done: &mut Completion) -> Result<String, ftp_proto::Error> {
        const CLAIMED: &str = "the claim fits the request";
        match self {
            Self::Unit(op) => done.take(op).expect(CLAIMED).map(|()| String::new()),
            Self::Reply(op) => done.take(op).expect(CLAIMED).map(|reply| reply.to_string()),
            Self::MaybeReply(op) => done
                .take(op)
                .expect(CLAIMED)
                .map(|reply| reply.map_or_else(|| "silently".to_owned(), |r| r.to_string())),
            Self::Hash(op) => done.take(op).expect(CLAIMED).map(|hash| match hash {
                Some(hash) => format!("{} {hash}", hash.algorithm),
                None => "none".to_owned(),
            }),
            Self::Number(op) => done.take(op).expect(CLAIMED).map(|number| number.to_string()),
            Self::Time(op) => done.take(op).expect(CLAIMED).map(|time| time.to_string()),
            Self::SizeAndTime(op) => done.take(op).expect(CLAIMED).map(|found| {
                let size = found.size.map_or_else(|| "none".to_owned(), |size| size.to_string());
                let modified = found.modified.map(|time| time.to_string());
                format!("size={size} modified={}", modified.unwrap_or_else(|| "none".to_owned()))
            }),
            Self::Path(op) => {
                done.take(op).expect(CLAIMED).map(|path| path.escape_ascii().to_string())
            }
            Self::MaybePath(op) => done.take(op).expect(CLAIMED).map(|path| {
                path.map_or_else(|| "untold".to_owned(), |p| p.escape_ascii().to_string())
            }),
            Self::Features(op) => done.take(op).expect(CLAIMED).map(|features| {
                let names: Vec<String> = features
                    .iter()
                    .map(|(name, _)| String::from_utf8_lossy(name).into_owned())
                    .collect();
                names.join(",")
            }),
            Self::Transfer(op) => done.take(op).expect(CLAIMED).map(|transfer| {
                let name = transfer.name.map(|name| format!(" name={}", name.escape_ascii()));
                format!("bytes={}{}", transfer.bytes, name.unwrap_or_default())
            }),
            Self::Passive(op) => done.take(op).expect(CLAIMED).map(|address| {
                let host = address.host.map_or_else(|| "peer".to_owned(), |h| h.to_string());
                format!("{host}:{}", address.port)
            }),
        }
    }
}

pub(super) fn get(path: &str, options: &[&str]) -> Get {
    let mut get = Get::new(path);
    let mut options = options.iter();
    while let Some(option) = options.next() {
        get = match *option {
            "ascii" => get.ascii(),
            "resume" => get.resume_at(number(options.next())),
            "expect" => get.expect_size(number(options.next())),
            other => panic!("get … {other}?"),
        };
    }
    get
}

pub(super) fn put(mut put: Put, options: &[&str]) -> Put {
    let mut options = options.iter();
    while let Some(option) = options.next() {
        put = match *option {
            "ascii" => put.ascii(),
            "append" => put.append(),
            "resume" => put.resume_at(number(options.next())),
            other => panic!("put … {other}?"),
        };
    }
    put
}

fn number(word: Option<&&str>) -> u64 {
    word.expect("a number").parse().expect("a number")
}
