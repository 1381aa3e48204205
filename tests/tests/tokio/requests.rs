//! The requests of the list, which are dropped at every poll as all operations are

use ftp_tokio::Timestamp;
use ftp_tokio::ftp_proto::Protection;

use crate::operations::Named;

/// An argument by its name, such that the server accepts the request
#[rustfmt::skip]
macro_rules! value {
    (user) => { "u" };
    (password) => { "p" };
    (account) => { "a" };
    (path) => { "one" };
    (from) => { "a" };
    (to) => { "b" };
    (time) => { Timestamp::from_unix(1_600_000_000).unwrap() };
    (options) => { "MLST size;" };
    (topic) => { "" };
    (command) => { "HELP" };
    (verb) => { "ALLO" };
    (argument) => { "5000" };
    (level) => { Protection::Clear };
}

macro_rules! listed {
    ($(
        $(#[$group:meta])*
        impl {$(
            $(#[$meta:meta])*
            fn $name:ident($($argument:ident: $type:ty),*) -> $output:ty { $($operation:tt)* }
        )*}
    )*) => {
        const LISTED: &[Named] = &[$($((stringify!($name), |client| {
            Box::pin(async { client.$name($(value!($argument)),*).await.map(drop) })
        }),)*)*];
    };
}

ftp_tokio::ftp_proto::requests!(listed);

/// Requests that this server accepts in some states only, which are among the [operations](crate::operations)
const OTHERS: [&str; 3] = ["protect", "clear_control", "rmdir"];

pub(crate) fn requests() -> impl Iterator<Item = Named> {
    LISTED.iter().copied().filter(|(name, _)| !OTHERS.contains(name))
}
