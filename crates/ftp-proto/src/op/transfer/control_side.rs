//! The state of a running transfer on the control connection

use alloc::boxed::Box;

use crate::control::reply::Reply;
use crate::held::Held;

#[derive(Debug)]
pub(crate) enum ControlSide {
    /// The command has been sent
    Requested,
    /// 1yz
    Started,
    /// A final reply that may belong to an earlier transfer
    Held(Begun, Box<Held>),
    /// A 2yz, after a 1yz or without one
    Answered(Begun, Reply),
    /// A refusal of a download or listing of which more bytes may arrive
    Refused(Reply),
}

/// How far the transfer was when the reply came that is held back
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Begun {
    /// No 1yz had come
    No,
    /// A 1yz had come, but the upload had not been sent completely
    Unsent,
    /// A 1yz had come
    Yes,
}
