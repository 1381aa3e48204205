//! What the control connection has said of a running transfer

use alloc::boxed::Box;

use crate::control::reply::Reply;
use crate::held::Held;

#[derive(Debug)]
pub(crate) enum ControlSide {
    /// The command is out
    Asked,
    /// 1yz
    Granted,
    /// A final reply that may be an earlier transfer's
    Held(Begun, Box<Held>),
    /// The final reply
    Over(Reply),
}

/// How far the transfer was when the reply came that is held
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Begun {
    /// No 1yz had come
    No,
    /// One had, but an upload had not been sent to its end
    Unsent,
    /// One had
    Yes,
}
