//! Commands that take the arguments of Python's `ftplib` module and of its script ftpmirror.py

pub(crate) mod ftplib;
pub(crate) mod ftpmirror;
mod mirrorinfo;
