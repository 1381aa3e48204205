//! The mio driver behind the blocking driver's interface, so that both run under the same tests
//!
//! A client is a session with a poll of its own; each call goes round the loop until it has what it
//! wants. Nothing here knows FTP.

use std::collections::VecDeque;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, ToSocketAddrs};
use std::path::Path;
use std::time::{Duration, Instant};

pub use ftp_blocking::{
    Config, ConnectionError, CopyEnd, CopyError, DataMode, Descent, Error, Features, Get, List,
    OwnedEntry, PassiveHost, PassiveOrder, Protection, Put, ReadDir, Removal, Reply, TimeCommand,
    Timestamp, TlsPolicy, Trace, TraceDirection, Transfer, TransferType, Truncation, ftp_proto,
    ftp_tls,
};
use ftp_mio::ftp_proto::listing::{ListingParser, StatListing, parse_stat};
use ftp_mio::mio::{Events, Poll, Token};
use ftp_mio::procedure::{
    Found, Next, Procedure, Proof, RemoveOptions, ResumeOptions, Walk, WalkError, WalkOptions,
    WalkStep,
};
use ftp_mio::proxy::Proxy;
use ftp_mio::{
    Event, IntoServerAddress, LocalFile, Moved, Op, Output, ServerCopy, Session, SourceAddress,
    TlsInfo,
};
use ftp_tls::rustls::pki_types::ServerName;
use ftp_tls::{Inventory, TlsConfig, server_name};

type Result<T> = std::result::Result<T, Error>;
type TraceFn = Box<dyn FnMut(&Trace) + Send>;

/// As `ftp_blocking::Options`
pub struct Options {
    options: ftp_mio::Options,
    policy: TlsPolicy,
    named: bool,
    config: Config,
    trace: Option<TraceFn>,
}

impl Options {
    /// The defaults
    #[must_use]
    pub fn new(config: Config) -> Self {
        let (options, policy) = (ftp_mio::Options::new(config.clone()), config.tls);
        Self { options, policy, named: false, config, trace: None }
    }

    /// How long each address has
    #[must_use]
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.options = self.options.connect_timeout(timeout);
        self
    }

    /// How long the server may be silent
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.options = self.options.timeout(timeout);
        self
    }

    /// Where to connect from
    #[must_use]
    pub fn source_address(mut self, address: impl Into<SourceAddress>) -> Self {
        self.options = self.options.source_address(address);
        self
    }

    /// How TLS is done
    #[must_use]
    pub fn tls(mut self, tls: impl Into<TlsConfig>) -> Self {
        self.options = self.options.tls(tls);
        self
    }

    /// Whom the certificate must be for
    #[must_use]
    pub fn tls_server_name(mut self, name: ServerName<'static>) -> Self {
        self.options = self.options.tls_server_name(name);
        self.named = true;
        self
    }

    /// Through a proxy
    #[must_use]
    pub fn proxy(mut self, proxy: Proxy) -> Self {
        self.options = self.options.proxy(proxy);
        self
    }

    /// Every line of the control connection
    #[must_use]
    pub fn trace(mut self, trace: impl FnMut(&Trace) + Send + 'static) -> Self {
        self.trace = Some(Box::new(trace));
        self
    }
}

impl From<Config> for Options {
    fn from(config: Config) -> Self {
        Self::new(config)
    }
}

/// As `ftp_blocking::Client`
pub struct Client {
    ftp: Session,
    poll: Poll,
    ready: Events,
    events: VecDeque<Event>,
    closed: Option<ConnectionError>,
    welcome: Option<Reply>,
    size_hint: Option<u64>,
    trace: Option<TraceFn>,
    /// How often the poll has returned
    pub wakeups: u64,
}

/// Writes the requests of the list as methods that wait
macro_rules! methods {
    ($(
        $(#[$group:meta])*
        impl {$(
            $(#[$meta:meta])*
            fn $name:ident($($argument:ident: $type:ty),*) -> $output:ty { $($operation:tt)* }
        )*}
    )*) => {$(
        #[expect(clippy::missing_errors_doc, reason = "as in ftp_blocking")]
        impl Client {$(
            /// As in `ftp_blocking`
            pub fn $name(&mut self, $($argument: $type),*) -> Result<$output> {
                self.begin();
                let op = self.ftp.$name($($argument),*);
                self.run(op)
            }
        )*}
    )*};
}

ftp_proto::requests!(methods);

#[expect(clippy::missing_errors_doc, clippy::missing_panics_doc, reason = "as in ftp_blocking")]
impl Client {
    pub fn connect(address: impl IntoServerAddress, options: impl Into<Options>) -> Result<Self> {
        let mut client = Self::dial(address, options)?;
        client.rest()?;
        Ok(client)
    }

    pub fn connect_and_login(
        address: impl IntoServerAddress,
        options: impl Into<Options>,
        user: impl AsRef<[u8]>,
        password: impl AsRef<[u8]>,
    ) -> Result<Self> {
        let mut client = Self::dial(address, options)?;
        client.login(user, password)?;
        Ok(client)
    }

    fn dial(address: impl IntoServerAddress, options: impl Into<Options>) -> Result<Self> {
        let mut options = options.into();
        let server = address.into_server_address()?;
        let host = server.host();
        let failed = |error| Error::Connect { target: host.to_owned(), error };
        options.options = options.options.server(server.clone())?;
        // With a proxy it is that which has to be known.
        let hop = options.options.first_hop().unwrap_or((host, 21));
        let addresses = hop.to_socket_addrs().map_err(|error| options.options.unresolved(error))?;
        let addresses: Vec<_> = addresses.collect();
        if !options.named {
            options.options = options.options.tls_server_name(server_name(host)?);
        }
        let poll = Poll::new().map_err(failed)?;
        let token = Token(7);
        let ftp = Session::new(token, &addresses, options.options)?;
        let mut client = Self {
            ftp,
            poll,
            ready: Events::with_capacity(8),
            events: VecDeque::new(),
            closed: None,
            welcome: None,
            size_hint: None,
            trace: options.trace,
            wakeups: 0,
        };
        // What is fixed when the session is made is the same in both.
        client.ftp.config_mut().trace = options.config.trace || client.trace.is_some();
        debug_assert_eq!(client.ftp.config().tls, options.policy);
        client.ftp.start();
        Ok(client)
    }

    pub fn secure(&mut self) -> Result<()> {
        self.begin();
        let op = self.ftp.secure()?;
        self.run(op)
    }

    pub fn secure_control(&mut self) -> Result<Option<Reply>> {
        self.begin();
        let op = self.ftp.secure_control()?;
        self.run(op)
    }

    pub fn quit(&mut self) -> Result<Option<Reply>> {
        self.begin();
        let op = self.ftp.quit();
        let result = self.run(op);
        self.ftp.close();
        self.ftp.turn(self.poll.registry(), Instant::now());
        result
    }

    pub fn close(self) {}

    pub fn welcome(&self) -> Option<&Reply> {
        self.welcome.as_ref()
    }

    pub fn last_reply(&self) -> Option<&Reply> {
        self.ftp.last_reply()
    }

    pub fn features(&self) -> Option<&Features> {
        self.ftp.features()
    }

    pub fn peer_addr(&self) -> SocketAddr {
        self.ftp.peer_addr().unwrap()
    }

    pub fn local_addr(&self) -> SocketAddr {
        self.ftp.local_addr().unwrap()
    }

    pub fn is_connected(&self) -> bool {
        self.ftp.ended().is_none()
    }

    pub fn is_secure(&self) -> bool {
        self.ftp.is_secure()
    }

    pub fn protection(&self) -> Protection {
        self.ftp.protection()
    }

    pub fn tls(&self) -> Option<TlsInfo<'_>> {
        self.ftp.tls()
    }

    pub fn tls_inventory(&self) -> Option<Inventory> {
        self.ftp.tls_inventory()
    }

    pub fn config(&self) -> &Config {
        self.ftp.config()
    }

    pub fn config_mut(&mut self) -> &mut Config {
        self.ftp.config_mut()
    }

    pub fn set_data_mode(&mut self, mode: DataMode) {
        self.config_mut().data_mode = mode;
    }

    pub fn get(&mut self, get: impl Into<Get>) -> Result<Download<'_>> {
        self.begin();
        let op = self.ftp.get(get);
        Ok(Download { guard: Guard::start(self, op)? })
    }

    pub fn put(&mut self, put: impl Into<Put>) -> Result<Upload<'_>> {
        self.begin();
        let op = self.ftp.put(put);
        Ok(Upload { guard: Guard::start(self, op)? })
    }

    pub fn list(&mut self, list: impl Into<List>) -> Result<Listing<'_>> {
        self.begin();
        let op = self.ftp.list(list);
        let download = Download { guard: Guard::start(self, op)? };
        Ok(Listing { reader: BufReader::new(download), line: Vec::new() })
    }

    pub fn read_dir(&mut self, directory: impl Into<ReadDir>) -> Result<Entries<'_>> {
        self.begin();
        let op = self.ftp.read_dir(directory);
        let guard = Guard::start(self, op)?;
        Ok(Entries { guard, entries: ftp_mio::Entries::new(), state: EntriesState::Arriving })
    }

    pub fn stat_dir(&mut self, path: impl AsRef<[u8]>) -> Result<StatListing> {
        Ok(parse_stat(&self.stat(path)?, ListingParser::new())?)
    }

    pub fn create_dir_all(&mut self, path: impl AsRef<[u8]>) -> Result<usize> {
        self.perform(Procedure::create_dir_all(path), "")
    }

    pub fn remove_dir_all(&mut self, path: impl AsRef<[u8]>) -> Result<Removal> {
        self.perform(Procedure::remove_dir_all(path, RemoveOptions::new()), "")
    }

    pub fn set_modified(&mut self, path: impl AsRef<[u8]>, to: Timestamp) -> Result<TimeCommand> {
        self.perform(Procedure::set_modified(path, to), "")
    }

    pub fn resume_download(
        &mut self,
        remote: impl AsRef<[u8]>,
        local: impl AsRef<Path>,
    ) -> Result<Transfer> {
        self.perform(Procedure::resume_download(remote, ResumeOptions::new()), local)
    }

    pub fn resume_upload(
        &mut self,
        local: impl AsRef<Path>,
        remote: impl AsRef<[u8]>,
    ) -> Result<Transfer> {
        self.perform(Procedure::resume_upload(remote, ResumeOptions::new()), local)
    }

    pub fn verify_file(
        &mut self,
        remote: impl AsRef<[u8]>,
        local: impl AsRef<Path>,
    ) -> Result<Proof> {
        self.perform(Procedure::verify_file(remote), local)
    }

    /// All of it at once
    pub fn walk(
        &mut self,
        path: impl AsRef<[u8]>,
        options: WalkOptions,
    ) -> std::vec::IntoIter<std::result::Result<Found, WalkError>> {
        let (mut walk, mut all) = (Walk::new(path, options), Vec::new());
        loop {
            match walk.step() {
                WalkStep::Found(found) => all.push(Ok(found)),
                WalkStep::Failed(error) => all.push(Err(error)),
                WalkStep::Over => return all.into_iter(),
                WalkStep::Read(directory) => {
                    let listing = Procedure::read_dir(directory, ListingParser::new());
                    walk.listed(self.perform(listing, ""));
                }
            }
        }
    }

    fn perform<T>(&mut self, mut procedure: Procedure<T>, local: impl AsRef<Path>) -> Result<T> {
        let mut local = LocalFile::new(local.as_ref());
        self.begin();
        loop {
            match self.ftp.perform(&mut procedure, Instant::now()) {
                Next::Done(result) => return result,
                Next::Local(order) => {
                    let answer = local.carry_out(order);
                    procedure.answer(answer);
                }
                Next::Request | Next::Wait => {
                    self.wait();
                    while let Some(mut event) = self.events.pop_front() {
                        procedure.handle(&mut event);
                    }
                }
            }
        }
    }

    fn begin(&mut self) {
        self.events.clear();
        self.size_hint = None;
    }

    /// Goes round the loop once
    fn wait(&mut self) {
        self.poll.poll(&mut self.ready, self.ftp.timeout(Instant::now())).unwrap();
        self.wakeups += 1;
        for event in &self.ready {
            assert!(self.ftp.handle_event(event));
        }
        self.ftp.turn(self.poll.registry(), Instant::now());
        self.collect();
    }

    fn collect(&mut self) {
        while let Some(event) = self.ftp.poll_event() {
            match event {
                Event::Greeting(reply) => self.welcome = Some(reply),
                Event::Trace(line) => {
                    if let Some(trace) = &mut self.trace {
                        trace(&line);
                    }
                }
                Event::Closed(error) => {
                    self.closed = self.ftp.ended().cloned();
                    self.events.push_back(Event::Closed(error));
                }
                Event::TransferStarted { op, size_hint } => {
                    self.size_hint = size_hint;
                    self.events.push_back(Event::TransferStarted { op, size_hint });
                }
                event => self.events.push_back(event),
            }
        }
    }

    fn take<T: Output>(&mut self, op: Op<T>) -> Option<Result<T>> {
        while let Some(event) = self.events.pop_front() {
            if let Event::Completed(mut done) = event {
                if let Some(result) = done.take(op) {
                    return Some(result);
                }
            }
        }
        None
    }

    fn run<T: Output>(&mut self, op: Op<T>) -> Result<T> {
        loop {
            self.collect();
            if let Some(result) = self.take(op) {
                return result;
            }
            self.wait();
        }
    }

    /// Until nothing is owed and nothing open
    fn rest(&mut self) -> Result<()> {
        loop {
            self.collect();
            if let Some(error) = self.ftp.ended() {
                let known = ftp_proto::Error::from(error.clone());
                let closed = self.events.iter().position(|e| matches!(e, Event::Closed(_)));
                return match closed.and_then(|index| self.events.remove(index)) {
                    Some(Event::Closed(error)) => Err(error),
                    _ => Err(known.into()),
                };
            }
            if self.ftp.is_idle() {
                return Ok(());
            }
            self.wait();
        }
    }
}

struct Guard<'a> {
    client: &'a mut Client,
    op: Op<Transfer>,
    end: Option<Result<Transfer>>,
}

impl<'a> Guard<'a> {
    fn start(client: &'a mut Client, op: Op<Transfer>) -> Result<Self> {
        let mut guard = Self { client, op, end: None };
        loop {
            guard.poll_end();
            match guard.end.take() {
                Some(Err(error)) => return Err(error),
                Some(end) => guard.end = Some(end),
                None => {}
            }
            if guard.end.is_some() || guard.client.ftp.data_direction().is_some() {
                return Ok(guard);
            }
            guard.client.wait();
        }
    }

    fn poll_end(&mut self) {
        self.client.collect();
        if let (Some(result), None) = (self.client.take(self.op), &self.end) {
            self.end = Some(result);
        }
    }

    fn wait(&mut self) {
        self.client.wait();
        self.poll_end();
    }

    fn finish(&mut self) -> Result<Transfer> {
        while self.end.is_none() {
            self.wait();
        }
        self.end.take().unwrap_or(Err(Error::Ftp(ftp_proto::Error::Aborted)))
    }

    /// How it ended, for who asks again
    fn ended(&mut self) -> Option<Result<()>> {
        match self.end.take()? {
            Ok(transfer) => {
                self.end = Some(Ok(transfer));
                Some(Ok(()))
            }
            Err(error) => {
                self.end = Some(Err(error.again()));
                Some(Err(error))
            }
        }
    }

    fn abort(&mut self) -> Result<Option<Reply>> {
        let runs = self.end.is_none();
        if runs {
            if let Some(op) = self.client.ftp.running_transfer() {
                self.client.ftp.abort(op);
            }
            self.end = Some(Err(Error::Ftp(ftp_proto::Error::Aborted)));
            let _ = self.client.rest();
        }
        match self.client.ftp.ended() {
            Some(error) => Err(ftp_proto::Error::from(error.clone()).into()),
            None => Ok(self.client.ftp.abort_reply().filter(|_| runs).cloned()),
        }
    }
}

impl Drop for Guard<'_> {
    fn drop(&mut self) {
        let _ = self.abort();
    }
}

/// As `ftp_blocking::Download`
pub struct Download<'a> {
    guard: Guard<'a>,
}

#[expect(clippy::missing_errors_doc, reason = "as in ftp_blocking")]
impl Download<'_> {
    pub fn size_hint(&self) -> Option<u64> {
        self.guard.client.size_hint
    }

    pub fn finish(mut self) -> Result<Transfer> {
        io::copy(&mut self, &mut io::sink())?;
        self.guard.finish()
    }

    pub fn abort(mut self) -> Result<Option<Reply>> {
        self.guard.abort()
    }

    pub fn copy_to(
        mut self,
        writer: &mut (impl Write + ?Sized),
        options: CopyOptions<'_>,
    ) -> Result<Transfer> {
        copy(&mut self, writer, options)?;
        self.guard.finish()
    }
}

impl Read for Download<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        loop {
            if let Some(end) = self.guard.ended() {
                return Ok(end.map(|()| 0)?);
            }
            match self.guard.client.ftp.read_data(buffer) {
                Moved::Bytes(count) => return Ok(count),
                Moved::NotReady | Moved::Ended => self.guard.wait(),
            }
        }
    }
}

/// As `ftp_blocking::Entries`
pub struct Entries<'a> {
    guard: Guard<'a>,
    entries: ftp_mio::Entries,
    state: EntriesState,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum EntriesState {
    Arriving,
    /// The transfer is complete, and lines may be left
    Ended,
    Over,
}

impl Entries<'_> {
    pub fn unknown_lines(&self) -> u64 {
        self.entries.unknown_lines()
    }
}

impl Iterator for Entries<'_> {
    type Item = Result<OwnedEntry>;

    fn next(&mut self) -> Option<Self::Item> {
        while self.state == EntriesState::Arriving {
            if let Some(entry) = self.entries.next(&mut self.guard.client.ftp) {
                return Some(Ok(entry));
            }
            match self.guard.ended() {
                Some(Ok(())) => {
                    self.state = EntriesState::Ended;
                }
                Some(Err(error)) => {
                    self.state = EntriesState::Over;
                    return Some(Err(error));
                }
                None => self.guard.wait(),
            }
        }
        match self.state {
            EntriesState::Ended => self.entries.last().transpose(),
            EntriesState::Arriving | EntriesState::Over => None,
        }
    }
}

/// As `ftp_blocking::Upload`
pub struct Upload<'a> {
    guard: Guard<'a>,
}

#[expect(clippy::missing_errors_doc, reason = "as in ftp_blocking")]
impl Upload<'_> {
    pub fn finish(mut self) -> Result<Transfer> {
        self.guard.client.ftp.finish_upload();
        self.guard.finish()
    }

    pub fn abort(mut self) -> Result<Option<Reply>> {
        self.guard.abort()
    }

    pub fn copy_from(
        mut self,
        reader: &mut (impl Read + ?Sized),
        options: CopyOptions<'_>,
    ) -> Result<Transfer> {
        copy(reader, &mut self, options)?;
        self.finish()
    }
}

impl Write for Upload<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if bytes.is_empty() {
            return Ok(0);
        }
        loop {
            match self.guard.ended() {
                Some(Err(error)) => return Err(error.into()),
                Some(Ok(())) => {
                    return Err(Error::Local(io::ErrorKind::BrokenPipe.into()).into());
                }
                None => {}
            }
            match self.guard.client.ftp.write_data(bytes) {
                Moved::Bytes(count) => return Ok(count),
                Moved::NotReady | Moved::Ended => self.guard.wait(),
            }
        }
    }

    /// The session's turns send what is held back
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// As `ftp_blocking::Listing`
pub struct Listing<'a> {
    reader: BufReader<Download<'a>>,
    line: Vec<u8>,
}

const MAX_LINE: usize = 1024 * 1024;

#[expect(clippy::missing_errors_doc, reason = "as in ftp_blocking")]
impl Listing<'_> {
    pub fn next_line(&mut self) -> Result<Option<&[u8]>> {
        self.line.clear();
        let mut limited = (&mut self.reader).take(MAX_LINE as u64 + 2);
        if limited.read_until(b'\n', &mut self.line)? == 0 {
            return Ok(None);
        }
        let mut line = &self.line[..];
        if let Some(text) = line.strip_suffix(b"\n") {
            line = text.strip_suffix(b"\r").unwrap_or(text);
        }
        if line.len() > MAX_LINE {
            return Err(Error::LineTooLong { limit: MAX_LINE });
        }
        Ok(Some(line))
    }

    pub fn collect_lines(mut self) -> Result<Vec<Vec<u8>>> {
        let mut lines = Vec::new();
        while let Some(line) = self.next_line()? {
            lines.push(line.to_vec());
        }
        self.finish()?;
        Ok(lines)
    }

    pub fn finish(self) -> Result<Transfer> {
        self.reader.into_inner().finish()
    }

    pub fn abort(self) -> Result<Option<Reply>> {
        self.reader.into_inner().abort()
    }
}

impl Read for Listing<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.reader.read(buffer)
    }
}

/// As `ftp_blocking::CopyOptions`
pub struct CopyOptions<'a> {
    block_size: usize,
    progress: Option<&'a mut dyn FnMut(u64)>,
}

#[expect(clippy::new_without_default, reason = "as in ftp_blocking")]
impl<'a> CopyOptions<'a> {
    #[must_use]
    pub const fn new() -> Self {
        Self { block_size: 256 * 1024, progress: None }
    }

    #[must_use]
    pub const fn block_size(mut self, bytes: usize) -> Self {
        self.block_size = bytes;
        self
    }

    #[must_use]
    pub fn progress(mut self, progress: &'a mut dyn FnMut(u64)) -> Self {
        self.progress = Some(progress);
        self
    }
}

fn copy(
    from: &mut (impl Read + ?Sized),
    to: &mut (impl Write + ?Sized),
    mut options: CopyOptions<'_>,
) -> io::Result<()> {
    let mut block = vec![0; options.block_size];
    let mut total = 0;
    loop {
        let count = from.read(&mut block)?;
        if count == 0 {
            return Ok(());
        }
        to.write_all(&block[..count])?;
        total += count as u64;
        if let Some(progress) = &mut options.progress {
            progress(total);
        }
    }
}

#[expect(clippy::missing_errors_doc, reason = "as in ftp_blocking")]
impl Client {
    pub fn download_to(
        &mut self,
        get: impl Into<Get>,
        writer: &mut (impl Write + ?Sized),
    ) -> Result<Transfer> {
        self.get(get)?.copy_to(writer, CopyOptions::new())
    }

    pub fn upload_from(
        &mut self,
        put: impl Into<Put>,
        reader: &mut (impl Read + ?Sized),
    ) -> Result<Transfer> {
        self.put(put)?.copy_from(reader, CopyOptions::new())
    }

    pub fn get_lines(
        &mut self,
        get: impl Into<Get>,
        mut line: impl FnMut(&[u8]),
    ) -> Result<Transfer> {
        let download = self.get(get.into().ascii())?;
        let mut lines = Listing { reader: BufReader::new(download), line: Vec::new() };
        while let Some(text) = lines.next_line()? {
            line(text);
        }
        lines.finish()
    }

    pub fn put_lines<L: AsRef<[u8]>>(
        &mut self,
        put: impl Into<Put>,
        lines: impl IntoIterator<Item = L>,
    ) -> Result<Transfer> {
        let mut upload = self.put(put.into().ascii())?;
        for line in lines {
            upload.write_all(line.as_ref())?;
            upload.write_all(b"\n")?;
        }
        upload.finish()
    }

    pub fn names(&mut self, path: impl AsRef<[u8]>) -> Result<Vec<Vec<u8>>> {
        self.list(List::names(path))?.collect_lines()
    }
}

/// As `ftp_blocking::copy_between_servers`
///
/// # Errors
///
/// Which server failed, and how.
pub fn copy_between_servers(
    source: &mut Client,
    source_path: impl AsRef<[u8]>,
    target: &mut Client,
    target_path: impl AsRef<[u8]>,
    type_: TransferType,
) -> std::result::Result<(), CopyError> {
    source.begin();
    target.begin();
    let mut copy = ServerCopy::start(&mut source.ftp, source_path, target_path, type_).unwrap();
    let mut result = None;
    loop {
        for end in [CopyEnd::Source, CopyEnd::Target] {
            let client = if end == CopyEnd::Source { &mut *source } else { &mut *target };
            client.collect();
            while let Some(mut event) = match end {
                CopyEnd::Source => source.events.pop_front(),
                CopyEnd::Target => target.events.pop_front(),
            } {
                let ended = copy.handle(end, &mut event, &mut source.ftp, &mut target.ftp);
                result = result.or(ended);
            }
        }
        let at_rest = |client: &Client| client.ftp.is_idle() || client.ftp.ended().is_some();
        if result.is_some() && at_rest(source) && at_rest(target) {
            break;
        }
        // Each has a poll of its own here, so they are looked at in turn.
        for client in [&mut *source, &mut *target] {
            let now = Instant::now();
            let timeout = client.ftp.timeout(now).unwrap_or(Duration::from_millis(5));
            let timeout = timeout.min(Duration::from_millis(5));
            client.poll.poll(&mut client.ready, Some(timeout)).unwrap();
            for event in &client.ready {
                client.ftp.handle_event(event);
            }
            client.ftp.turn(client.poll.registry(), Instant::now());
        }
    }
    result.unwrap_or(Ok(()))
}

macro_rules! opaque {
    ($($name:ident $(<$life:lifetime>)?)*) => {$(
        impl std::fmt::Debug for $name $(<$life>)? {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(stringify!($name))
            }
        }
    )*};
}

opaque! { Options Client Download<'_> Entries<'_> Upload<'_> Listing<'_> CopyOptions<'_> }
