//! The command lines of Python's `ftplib` module and of its script ftpmirror.py

pub(crate) mod ftplib;
pub(crate) mod ftpmirror;
mod mirrorinfo;
