//! Operations: each is a small state machine
//!
//! A state machine takes an [`Input`](machine::Input), acts on the [`Wire`](crate::wire::Wire) through its
//! [`Context`](machine::Context), and returns with a [`Step`](machine::Step) whether it is done. Some contain others
//! ([`set_type`] and [`open`] inside [`transfer`]).
//!
//! To add a request, add an entry in `requests.rs` and a transcript. If it sends several commands, it also needs a
//! file here and an arm of [`Running`](running::Running). If its reply has a meaning of its own, add a row in
//! [`simple`].

pub(crate) mod batch;
pub(crate) mod features;
pub(crate) mod flush;
pub(crate) mod gateway;
pub(crate) mod hash;
pub(crate) mod login;
pub(crate) mod machine;
pub(crate) mod open;
pub(crate) mod quit;
pub(crate) mod read_dir;
pub(crate) mod remote;
pub(crate) mod rename;
pub(crate) mod request;
pub(crate) mod running;
pub(crate) mod secure;
pub(crate) mod set_type;
pub(crate) mod simple;
pub(crate) mod size_and_time;
pub(crate) mod transfer;
