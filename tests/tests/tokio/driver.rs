//! ftp-tokio with the interface that the suite needs: each call blocks on its future, on a runtime of the thread's

#![expect(unreachable_pub, reason = "the methods of `ftp_blocking::Client`")]
#![allow(dead_code, reason = "not all tests need all")]

use std::future::Future;
use std::io::{self, Read, Write};
use std::net::SocketAddr;
use std::ops::{Deref, DerefMut};
use std::path::Path;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, ReadBuf};
use tokio::runtime::{Builder, Runtime};

pub(crate) use ftp_blocking::*;
pub(crate) use ftp_session::Options;
pub(crate) use ftp_tokio::ResumeOptions;

type Result<T, E = Error> = std::result::Result<T, E>;

thread_local! {
    static RUNTIME: Runtime = Builder::new_current_thread().enable_all().build().unwrap();
}

/// Blocks on a future
fn wait<T>(future: impl Future<Output = T>) -> T {
    RUNTIME.with(|runtime| runtime.block_on(future))
}

/// As `ftp_blocking::Client`
#[derive(Debug)]
pub(crate) struct Client(ftp_tokio::Client);

impl Deref for Client {
    type Target = ftp_tokio::Client;

    fn deref(&self) -> &ftp_tokio::Client {
        &self.0
    }
}

impl DerefMut for Client {
    fn deref_mut(&mut self) -> &mut ftp_tokio::Client {
        &mut self.0
    }
}

/// Defines the listed requests as blocking methods
macro_rules! methods {
    ($(
        $(#[$group:meta])*
        impl {$(
            $(#[$meta:meta])*
            fn $name:ident($($argument:ident: $type:ty),*) -> $output:ty { $($operation:tt)* }
        )*}
    )*) => {$(
        impl Client {$(
            pub fn $name(&mut self, $($argument: $type),*) -> Result<$output> {
                wait(self.0.$name($($argument),*))
            }
        )*}
    )*};
}

ftp_proto::requests!(methods);

impl Client {
    pub fn connect(address: impl IntoServerAddress, options: impl Into<Options>) -> Result<Self> {
        wait(ftp_tokio::Client::connect(address, options)).map(Self)
    }

    pub fn connect_with<D, F, C>(
        address: impl IntoServerAddress,
        options: impl Into<Options>,
        dial: D,
    ) -> Result<Self>
    where
        D: FnMut(ftp_tokio::Target) -> F + Send + 'static,
        F: Future<Output = io::Result<C>> + Send + 'static,
        C: ftp_tokio::Connection + 'static,
    {
        wait(ftp_tokio::Client::connect_with(address, options, dial)).map(Self)
    }

    pub fn connect_and_login(
        address: impl IntoServerAddress,
        options: impl Into<Options>,
        user: impl AsRef<[u8]>,
        password: impl AsRef<[u8]>,
    ) -> Result<Self> {
        wait(ftp_tokio::Client::connect_and_login(address, options, user, password)).map(Self)
    }

    pub fn peer_addr(&self) -> SocketAddr {
        self.0.endpoints().unwrap().peer
    }

    pub fn local_addr(&self) -> SocketAddr {
        self.0.endpoints().unwrap().local
    }

    pub fn quit(&mut self) -> Result<Option<Reply>> {
        wait(self.0.quit())
    }

    pub fn close(self) {}

    pub fn secure_control(&mut self) -> Result<Option<Reply>> {
        wait(self.0.secure_control())
    }

    pub fn get(&mut self, get: impl Into<Get>) -> Result<Download<'_>> {
        wait(self.0.get(get)).map(|inner| Download(Some(inner)))
    }

    pub fn put(&mut self, put: impl Into<Put>) -> Result<Upload<'_>> {
        wait(self.0.put(put)).map(|inner| Upload(Some(inner)))
    }

    pub fn list(&mut self, list: impl Into<List>) -> Result<Listing<'_>> {
        wait(self.0.list(list)).map(|inner| Listing(Some(inner)))
    }

    pub fn read_dir(&mut self, directory: impl Into<ReadDir>) -> Result<Entries<'_>> {
        wait(self.0.read_dir(directory)).map(|inner| Entries(Some(inner)))
    }

    pub fn facts(&mut self, path: impl AsRef<[u8]>) -> Result<OwnedEntry> {
        wait(self.0.facts(path))
    }

    pub fn learn_utc_offset(&mut self, entry: &OwnedEntry) -> Result<Option<UtcOffset>> {
        wait(self.0.learn_utc_offset(entry))
    }

    pub fn stat_dir(&mut self, path: impl AsRef<[u8]>) -> Result<StatListing> {
        wait(self.0.stat_dir(path))
    }

    pub fn names(&mut self, path: impl AsRef<[u8]>) -> Result<Vec<Vec<u8>>> {
        wait(self.0.names(path))
    }

    pub fn create_dir_all(&mut self, path: impl AsRef<[u8]>) -> Result<usize> {
        wait(self.0.create_dir_all(path))
    }

    pub fn remove_dir_all(&mut self, path: impl AsRef<[u8]>) -> Result<Removal> {
        wait(self.0.remove_dir_all(path))
    }

    pub fn set_modified(&mut self, path: impl AsRef<[u8]>, to: Timestamp) -> Result<TimeCommand> {
        wait(self.0.set_modified(path, to))
    }

    pub fn walk(
        &mut self,
        path: impl AsRef<[u8]>,
        options: WalkOptions,
    ) -> impl Iterator<Item = Result<WalkEntry, WalkError>> {
        let mut walk = self.0.walk(path, options);
        std::iter::from_fn(move || wait(walk.next()))
    }

    pub fn download_file(
        &mut self,
        get: impl Into<Get>,
        local: impl AsRef<Path>,
    ) -> Result<Transfer> {
        wait(self.0.download_file(get, local))
    }

    pub fn upload_file(
        &mut self,
        put: impl Into<Put>,
        local: impl AsRef<Path>,
    ) -> Result<Transfer> {
        wait(self.0.upload_file(put, local))
    }

    pub fn resume_upload_with(
        &mut self,
        local: impl AsRef<Path>,
        remote: impl AsRef<[u8]>,
        options: ResumeOptions,
    ) -> Result<Transfer> {
        wait(self.0.resume_upload_with(local, remote, options, |_| ()))
    }

    pub fn resume_download(
        &mut self,
        remote: impl AsRef<[u8]>,
        local: impl AsRef<Path>,
    ) -> Result<Transfer> {
        wait(self.0.resume_download(remote, local))
    }

    pub fn resume_upload(
        &mut self,
        local: impl AsRef<Path>,
        remote: impl AsRef<[u8]>,
    ) -> Result<Transfer> {
        wait(self.0.resume_upload(local, remote))
    }

    pub fn verify_file(
        &mut self,
        remote: impl AsRef<[u8]>,
        local: impl AsRef<Path>,
    ) -> Result<Verification> {
        wait(self.0.verify_file(remote, local))
    }

    pub fn download_to(
        &mut self,
        get: impl Into<Get>,
        writer: &mut (impl Write + ?Sized),
    ) -> Result<Transfer> {
        wait(self.0.download_to(get, &mut Blocking(writer)))
    }

    pub fn upload_from(
        &mut self,
        put: impl Into<Put>,
        reader: &mut (impl Read + ?Sized),
    ) -> Result<Transfer> {
        wait(self.0.upload_from(put, &mut Blocking(reader)))
    }

    pub fn get_lines(&mut self, get: impl Into<Get>, line: impl FnMut(&[u8])) -> Result<Transfer> {
        wait(self.0.get_lines(get, line))
    }

    pub fn put_lines<L: AsRef<[u8]>>(
        &mut self,
        put: impl Into<Put>,
        lines: impl IntoIterator<Item = L>,
    ) -> Result<Transfer> {
        wait(self.0.put_lines(put, lines))
    }
}

/// A blocking reader or writer, which is always ready
struct Blocking<'a, T: ?Sized>(&'a mut T);

impl<T: Read + ?Sized> AsyncRead for Blocking<'_, T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let count = self.0.read(buffer.initialize_unfilled())?;
        buffer.advance(count);
        Poll::Ready(Ok(()))
    }
}

impl<T: Write + ?Sized> AsyncWrite for Blocking<'_, T> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Poll::Ready(self.0.write(bytes))
    }

    fn poll_flush(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(self.0.flush())
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_flush(context)
    }
}

/// As `ftp_blocking::Download`
#[derive(Debug)]
pub(crate) struct Download<'a>(Option<ftp_tokio::Download<&'a mut ftp_tokio::Client>>);

impl<'a> Download<'a> {
    fn inner(&mut self) -> &mut ftp_tokio::Download<&'a mut ftp_tokio::Client> {
        self.0.as_mut().unwrap()
    }

    pub fn size_hint(&self) -> Option<u64> {
        self.0.as_ref().unwrap().size_hint()
    }

    pub fn finish(mut self) -> Result<Transfer> {
        wait(self.0.take().unwrap().finish())
    }

    pub fn abort(mut self) -> Result<Option<Reply>> {
        wait(self.0.take().unwrap().abort())
    }
}

impl Drop for Download<'_> {
    fn drop(&mut self) {
        if let Some(download) = self.0.take() {
            let _ = wait(download.abort());
        }
    }
}

impl Read for Download<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        wait(self.inner().read(buffer))
    }
}

/// As `ftp_blocking::Upload`
#[derive(Debug)]
pub(crate) struct Upload<'a>(Option<ftp_tokio::Upload<&'a mut ftp_tokio::Client>>);

impl<'a> Upload<'a> {
    fn inner(&mut self) -> &mut ftp_tokio::Upload<&'a mut ftp_tokio::Client> {
        self.0.as_mut().unwrap()
    }

    pub fn finish(mut self) -> Result<Transfer> {
        wait(self.0.take().unwrap().finish())
    }

    pub fn abort(mut self) -> Result<Option<Reply>> {
        wait(self.0.take().unwrap().abort())
    }
}

impl Drop for Upload<'_> {
    fn drop(&mut self) {
        if let Some(upload) = self.0.take() {
            let _ = wait(upload.abort());
        }
    }
}

impl Write for Upload<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        wait(self.inner().write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        wait(self.inner().flush())
    }
}

/// As `ftp_blocking::Entries`
#[derive(Debug)]
pub(crate) struct Entries<'a>(Option<ftp_tokio::Entries<&'a mut ftp_tokio::Client>>);

impl Entries<'_> {
    pub fn unknown_lines(&self) -> u64 {
        self.0.as_ref().unwrap().unknown_lines()
    }
}

impl Iterator for Entries<'_> {
    type Item = Result<OwnedEntry>;

    fn next(&mut self) -> Option<Self::Item> {
        wait(self.0.as_mut().unwrap().next())
    }
}

impl Drop for Entries<'_> {
    fn drop(&mut self) {
        if let Some(entries) = self.0.take() {
            let _ = wait(entries.abort());
        }
    }
}

/// As `ftp_blocking::Listing`
#[derive(Debug)]
pub(crate) struct Listing<'a>(Option<ftp_tokio::Listing<&'a mut ftp_tokio::Client>>);

impl<'a> Listing<'a> {
    fn inner(&mut self) -> &mut ftp_tokio::Listing<&'a mut ftp_tokio::Client> {
        self.0.as_mut().unwrap()
    }

    pub fn next_line(&mut self) -> Result<Option<&[u8]>> {
        wait(self.inner().next_line())
    }

    pub fn entries(mut self) -> Entries<'a> {
        Entries(Some(self.0.take().unwrap().entries()))
    }

    pub fn collect_lines(mut self) -> Result<Vec<Vec<u8>>> {
        wait(self.0.take().unwrap().collect_lines())
    }

    pub fn finish(mut self) -> Result<Transfer> {
        wait(self.0.take().unwrap().finish())
    }

    pub fn abort(mut self) -> Result<Option<Reply>> {
        wait(self.0.take().unwrap().abort())
    }
}

impl Read for Listing<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        wait(self.inner().read(buffer))
    }
}

impl Drop for Listing<'_> {
    fn drop(&mut self) {
        if let Some(listing) = self.0.take() {
            let _ = wait(listing.abort());
        }
    }
}

pub(crate) fn copy_between_servers(
    source: &mut Client,
    source_path: impl AsRef<[u8]>,
    target: &mut Client,
    target_path: impl AsRef<[u8]>,
    type_: TransferType,
) -> Result<(), CopyError> {
    let (source, target) = (&mut source.0, &mut target.0);
    wait(ftp_tokio::copy_between_servers(source, source_path, target, target_path, type_))
}
