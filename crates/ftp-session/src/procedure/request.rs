//! Requests of procedures as values, and the handles of their results

use ftp_proto::fields::FileHash;
use ftp_proto::{Client, Op, OpId, Reply, Timestamp};

use crate::error::Error;
use crate::event::Completion;

/// The result of a request
#[derive(Debug)]
pub(crate) enum Value {
    Number(u64),
    Reply(Reply),
    Time(Timestamp),
    Path(Vec<u8>),
    MaybePath(
        #[expect(dead_code, reason = "what was made has the name that was asked for")]
        Option<Vec<u8>>,
    ),
    Hash(Option<FileHash>),
}

macro_rules! requests {
    ($($(#[$doc:meta])* $name:ident($($field:ident: $type:ty),*) -> $value:ident($output:ty)
        = $method:ident($($argument:expr),*);)*) => {
        /// A request whose result is a value
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub(crate) enum Request {
            $($(#[$doc])* $name($($type),*),)*
        }

        /// A pending request
        #[derive(Clone, Copy, Debug)]
        pub(crate) enum Pending {
            $($name(Op<$output>),)*
        }

        impl Request {
            /// Makes the request
            pub(crate) fn make(self, client: &mut Client) -> Pending {
                match self {
                    $(Self::$name($($field),*) => Pending::$name(client.$method($($argument),*)),)*
                }
            }
        }

        impl Pending {
            pub(crate) const fn id(self) -> OpId {
                match self {
                    $(Self::$name(op) => op.id(),)*
                }
            }

            /// Takes the result, if this is the request that has ended
            pub(crate) fn take(self, done: &mut Completion) -> Option<Result<Value, Error>> {
                match self {
                    $(Self::$name(op) => Some(done.take(op)?.map(Value::$value)),)*
                }
            }
        }
    };
}

requests! {
    Size(path: Vec<u8>) -> Number(u64) = size(path);
    Hash(path: Vec<u8>) -> Hash(Option<FileHash>) = hash(path);
    Mdtm(path: Vec<u8>) -> Time(Timestamp) = mdtm(path);
    Mfmt(path: Vec<u8>, time: Timestamp) -> Reply(Reply) = set_mdtm(path, time);
    /// MDTM with a time before the path
    SetMdtm(argument: Vec<u8>) -> Reply(Reply) = command("MDTM", argument);
    SiteUtime(path: Vec<u8>, time: Timestamp) -> Reply(Reply) = site_utime(path, time);
    Site(command: Vec<u8>) -> Reply(Reply) = site(command);
    Canonicalize(path: Vec<u8>) -> Path(Vec<u8>) = canonicalize(path);
    Mkdir(path: Vec<u8>) -> MaybePath(Option<Vec<u8>>) = mkdir(path);
    Rmdir(path: Vec<u8>) -> Reply(Reply) = rmdir(path);
    Delete(path: Vec<u8>) -> Reply(Reply) = delete(path);
}
