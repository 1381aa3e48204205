//! The Rust code in README and `docs`, compiled as documentation tests: `cargo test -p ftp-tests --doc`
//!
//! `tests/tests/manual.rs` checks that every page with code is listed here.

macro_rules! pages {
    ($($name:ident $path:literal)*) => {
        $(
            #[doc = include_str!($path)]
            struct $name;
        )*
    };
}

pages! {
    Readme "../../README.md"
    Ftplib "../../docs/ftplib.md"
    Suppaftp "../../docs/suppaftp.md"
    Drivers "../../docs/manual/drivers.md"
    Tls "../../docs/manual/tls.md"
    HostileServers "../../docs/manual/hostile-servers.md"
    Retries "../../docs/manual/retries.md"
    Cancelling "../../docs/manual/cancelling.md"
    Listings "../../docs/manual/listings.md"
    Embedding "../../docs/manual/embedding.md"
    Testing "../../docs/manual/testing.md"
    Performance "../../docs/manual/performance.md"
    Proxies "../../docs/manual/proxies.md"
}
