//! The Rust code of README and of `docs`, as tests of documentation: `cargo test -p ftp-tests --doc`
//!
//! `tests/tests/manual.rs` sees to it that no page with code is missing here.

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
}
