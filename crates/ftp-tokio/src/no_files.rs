//! What stands for a local file without the feature `files`: no procedure has orders for one

use std::io;
use std::path::Path;
use std::task::{Context, Poll};

use ftp_session::procedure::{LocalAnswer, LocalOrder};

#[derive(Default)]
#[expect(clippy::empty_structs_with_brackets, reason = "made as the real ones are")]
pub(crate) struct Threads {}

pub(crate) struct File;

#[expect(clippy::needless_pass_by_ref_mut, reason = "real files change when they are read")]
impl File {
    pub(crate) async fn new(_: Option<&Path>, _: &Threads) -> Self {
        Self
    }

    pub(crate) async fn carry_out(&mut self, order: LocalOrder<'_>) -> io::Result<LocalAnswer> {
        Err(io::Error::other(format!("no file was given for {order:?}")))
    }

    pub(crate) fn poll_due(&mut self, _: &mut Context<'_>) -> Poll<()> {
        Poll::Pending
    }

    pub(crate) async fn write_due(&mut self) {}

    pub(crate) async fn finish(&mut self) -> io::Result<()> {
        Ok(())
    }
}
