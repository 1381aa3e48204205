//! The requests of the list, which are dropped at every poll as all operations are

use ftp_tokio::Timestamp;

use crate::operations::Named;

/// A request that the server accepts, with its arguments
macro_rules! accepted {
    ($($name:ident($($argument:expr),*);)*) => {
        &[$((stringify!($name), |client| {
            Box::pin(async { client.$name($($argument),*).await.map(drop) })
        }),)*]
    };
}

fn time() -> Timestamp {
    Timestamp::from_unix(1_600_000_000).unwrap()
}

pub(crate) const REQUESTS: &[Named] = accepted! {
    login("u", "p");
    login_with_account("u", "p", "a");
    account("a");
    cwd("d");
    cdup();
    pwd();
    canonicalize("d");
    mkdir("d");
    delete("one");
    rename("a", "b");
    size("one");
    hash("one");
    mdtm("one");
    size_and_mdtm("one");
    set_mdtm("one", time());
    site_utime("one", time());
    mlst("one");
    query_features();
    utf8();
    opts("MLST size;");
    noop();
    system();
    help("");
    stat("");
    site("HELP");
    command("ALLO", "5000");
};
