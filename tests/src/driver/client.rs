//! A client whose calls wait, over any [`Driver`]: the methods of `ftp_blocking::Client`, so that the same tests run
//! with both

use std::collections::VecDeque;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, ToSocketAddrs};
use std::path::Path;
use std::time::Duration;

use ftp_proto::listing::{ListingParser, OwnedEntry, StatListing, parse_stat};
use ftp_proto::{
    Config, CopyEnd, DataMode, Features, Get, List, Op, Output, Protection, Put, ReadDir, Reply,
    Timestamp, Trace, Transfer, TransferType,
};
use ftp_session::ftp_tls::rustls::pki_types::ServerName;
use ftp_session::ftp_tls::{Inventory, TlsConfig};
use ftp_session::procedure::{
    Found, Next, Procedure, Proof, RemoveOptions, ResumeOptions, Walk, WalkError, WalkOptions,
    WalkStep,
};
use ftp_session::proxy::Proxy;
use ftp_session::system::listing_parser;
use ftp_session::{
    CopyError, Entries as Reading, Error, Event, IntoServerAddress, LocalFile, Moved, Removal,
    ServerCopy, SourceAddress, TimeCommand, TlsInfo,
};

use super::Driver;

type Result<T> = std::result::Result<T, Error>;
type TraceFn = Box<dyn FnMut(&Trace) + Send>;

/// As `ftp_blocking::Options`
pub struct Options {
    options: ftp_session::Options,
    trace: Option<TraceFn>,
}

impl Options {
    /// The defaults
    #[must_use]
    pub fn new(config: Config) -> Self {
        Self { options: ftp_session::Options::new(config), trace: None }
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
pub struct Client<D> {
    driver: D,
    events: VecDeque<Event>,
    welcome: Option<Reply>,
    size_hint: Option<u64>,
    trace: Option<TraceFn>,
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
        impl<D: Driver> Client<D> {$(
                        pub fn $name(&mut self, $($argument: $type),*) -> Result<$output> {
                self.run(|ftp| ftp.$name($($argument),*))
            }
        )*}
    )*};
}

ftp_proto::requests!(methods);

impl<D: Driver> Client<D> {
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
        let Options { mut options, trace } = options.into();
        let server = address.into_server_address()?;
        let host = server.host();
        options = options.server(server.clone())?;
        options.config_mut().trace |= trace.is_some();
        // With a proxy it is that which has to be known.
        let hop = options.first_hop().unwrap_or((host, 21));
        let addresses = hop.to_socket_addrs().map_err(|error| options.unresolved(error))?;
        let addresses: Vec<_> = addresses.collect();
        let mut driver = D::open(&addresses, options)?;
        driver.session_mut().start();
        let events = VecDeque::new();
        Ok(Self { driver, events, welcome: None, size_hint: None, trace })
    }

    /// The driver
    pub const fn driver_mut(&mut self) -> &mut D {
        &mut self.driver
    }

    pub fn secure(&mut self) -> Result<()> {
        self.driver.session_mut().prepare_tls()?;
        self.run(|ftp| ftp.secure())
    }

    pub fn secure_control(&mut self) -> Result<Option<Reply>> {
        self.driver.session_mut().prepare_tls()?;
        self.run(|ftp| ftp.secure_control())
    }

    pub fn quit(&mut self) -> Result<Option<Reply>> {
        let result = self.run(|ftp| ftp.quit());
        self.driver.session_mut().request().close();
        self.wait();
        result
    }

    pub fn close(self) {}

    pub fn welcome(&self) -> Option<&Reply> {
        self.welcome.as_ref()
    }

    pub fn last_reply(&self) -> Option<&Reply> {
        self.driver.session().client().last_reply()
    }

    pub fn features(&self) -> Option<&Features> {
        self.driver.session().client().features()
    }

    pub fn peer_addr(&self) -> SocketAddr {
        self.driver.session().ends().unwrap().peer
    }

    pub fn local_addr(&self) -> SocketAddr {
        self.driver.session().ends().unwrap().local
    }

    pub fn is_connected(&self) -> bool {
        !self.driver.session().client().is_dead()
    }

    pub fn is_secure(&self) -> bool {
        self.driver.session().client().is_secure()
    }

    pub fn protection(&self) -> Protection {
        self.driver.session().client().protection()
    }

    pub fn tls(&self) -> Option<TlsInfo<'_>> {
        self.driver.session().tls()
    }

    pub fn tls_inventory(&self) -> Option<Inventory> {
        self.driver.session().tls_inventory()
    }

    pub fn config(&self) -> &Config {
        self.driver.session().client().config()
    }

    pub fn config_mut(&mut self) -> &mut Config {
        self.driver.session_mut().request().config_mut()
    }

    pub fn set_data_mode(&mut self, mode: DataMode) {
        self.config_mut().data_mode = mode;
    }

    pub fn get(&mut self, get: impl Into<Get>) -> Result<Download<'_, D>> {
        let op = self.begin(|ftp| ftp.get(get));
        Ok(Download { guard: Guard::start(self, op)? })
    }

    pub fn put(&mut self, put: impl Into<Put>) -> Result<Upload<'_, D>> {
        let op = self.begin(|ftp| ftp.put(put));
        Ok(Upload { guard: Guard::start(self, op)? })
    }

    pub fn list(&mut self, list: impl Into<List>) -> Result<Listing<'_, D>> {
        let op = self.begin(|ftp| ftp.list(list));
        let download = Download { guard: Guard::start(self, op)? };
        Ok(Listing { reader: BufReader::new(download), line: Vec::new() })
    }

    pub fn read_dir(&mut self, directory: impl Into<ReadDir>) -> Result<Entries<'_, D>> {
        let op = self.begin(|ftp| ftp.read_dir(directory));
        let guard = Guard::start(self, op)?;
        Ok(Entries {
            guard,
            entries: Reading::with_parser(listing_parser()),
            state: EntriesState::Arriving,
        })
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
        self.events.clear();
        loop {
            let now = self.driver.now();
            match procedure.turn(self.driver.session_mut(), now) {
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

    /// Makes a request
    fn begin<T>(&mut self, request: impl FnOnce(&mut ftp_proto::Client) -> Op<T>) -> Op<T> {
        self.events.clear();
        self.size_hint = None;
        request(self.driver.session_mut().request())
    }

    fn wait(&mut self) {
        D::wait(&mut [&mut self.driver]);
        self.collect();
    }

    fn collect(&mut self) {
        while let Some(event) = self.driver.session_mut().poll_event() {
            match event {
                Event::Greeting(reply) => self.welcome = Some(reply),
                Event::Trace(line) => {
                    if let Some(trace) = &mut self.trace {
                        trace(&line);
                    }
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

    fn run<T: Output>(
        &mut self,
        request: impl FnOnce(&mut ftp_proto::Client) -> Op<T>,
    ) -> Result<T> {
        let op = self.begin(request);
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
            if let Some(error) = self.driver.session().ended() {
                return Err(error);
            }
            if self.driver.session().is_idle() {
                return Ok(());
            }
            self.wait();
        }
    }
}

struct Guard<'a, D: Driver> {
    client: &'a mut Client<D>,
    op: Op<Transfer>,
    end: Option<Result<Transfer>>,
}

impl<'a, D: Driver> Guard<'a, D> {
    fn start(client: &'a mut Client<D>, op: Op<Transfer>) -> Result<Self> {
        let mut guard = Self { client, op, end: None };
        loop {
            guard.poll_end();
            match guard.end.take() {
                Some(Err(error)) => return Err(error),
                Some(end) => guard.end = Some(end),
                None => {}
            }
            if guard.end.is_some() || guard.client.driver.session().data_direction().is_some() {
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
            self.client.driver.session_mut().abort(self.op.id());
            self.end = Some(Err(Error::Ftp(ftp_proto::Error::Aborted)));
            let _ = self.client.rest();
        }
        let session = self.client.driver.session();
        match session.ended() {
            Some(error) => Err(error),
            None => Ok(session.client().abort_reply().filter(|_| runs).cloned()),
        }
    }
}

impl<D: Driver> Drop for Guard<'_, D> {
    fn drop(&mut self) {
        let _ = self.abort();
    }
}

/// As `ftp_blocking::Download`
pub struct Download<'a, D: Driver> {
    guard: Guard<'a, D>,
}

impl<D: Driver> Download<'_, D> {
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

impl<D: Driver> Read for Download<'_, D> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        loop {
            if let Some(end) = self.guard.ended() {
                return Ok(end.map(|()| 0)?);
            }
            match self.guard.client.driver.read_data(buffer) {
                Moved::Bytes(count) => return Ok(count),
                Moved::NotReady | Moved::Ended => self.guard.wait(),
            }
        }
    }
}

/// As `ftp_blocking::Entries`
pub struct Entries<'a, D: Driver> {
    guard: Guard<'a, D>,
    entries: Reading,
    state: EntriesState,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum EntriesState {
    Arriving,
    /// The transfer is complete, and lines may be left
    Ended,
    Over,
}

impl<D: Driver> Entries<'_, D> {
    pub fn unknown_lines(&self) -> u64 {
        self.entries.unknown_lines()
    }
}

impl<D: Driver> Iterator for Entries<'_, D> {
    type Item = Result<OwnedEntry>;

    fn next(&mut self) -> Option<Self::Item> {
        while self.state == EntriesState::Arriving {
            if let Some(entry) = self.guard.client.driver.next_entry(&mut self.entries) {
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
pub struct Upload<'a, D: Driver> {
    guard: Guard<'a, D>,
}

impl<D: Driver> Upload<'_, D> {
    pub fn finish(mut self) -> Result<Transfer> {
        let driver = &mut self.guard.client.driver;
        let now = driver.now();
        driver.session_mut().finish_upload(now);
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

impl<D: Driver> Write for Upload<'_, D> {
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
            match self.guard.client.driver.write_data(bytes) {
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
pub struct Listing<'a, D: Driver> {
    reader: BufReader<Download<'a, D>>,
    line: Vec<u8>,
}

const MAX_LINE: usize = 1024 * 1024;

impl<D: Driver> Listing<'_, D> {
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

impl<D: Driver> Read for Listing<'_, D> {
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

impl<D: Driver> Client<D> {
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
pub fn copy_between_servers<D: Driver>(
    source: &mut Client<D>,
    source_path: impl AsRef<[u8]>,
    target: &mut Client<D>,
    target_path: impl AsRef<[u8]>,
    type_: TransferType,
) -> std::result::Result<(), CopyError> {
    source.events.clear();
    target.events.clear();
    let from = source.driver.session_mut();
    let mut copy = ServerCopy::start(from, source_path, target_path, type_).unwrap();
    let mut result = None;
    loop {
        for end in [CopyEnd::Source, CopyEnd::Target] {
            let client = if end == CopyEnd::Source { &mut *source } else { &mut *target };
            client.collect();
            for mut event in std::mem::take(&mut client.events) {
                let (from, to) = (source.driver.session_mut(), target.driver.session_mut());
                let ended = copy.handle(end, &mut event, from, to);
                result = result.or(ended);
            }
        }
        let at_rest = |client: &Client<D>| {
            let session = client.driver.session();
            session.is_idle() || session.client().is_dead()
        };
        if result.is_some() && at_rest(source) && at_rest(target) {
            break;
        }
        D::wait(&mut [&mut source.driver, &mut target.driver]);
    }
    result.unwrap_or(Ok(()))
}

macro_rules! opaque {
    ($($name:ident<$($life:lifetime)?>)*) => {$(
        impl<D: Driver> std::fmt::Debug for $name<$($life,)? D> {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(stringify!($name))
            }
        }
    )*};
}

opaque! { Client<> Download<'_> Entries<'_> Upload<'_> Listing<'_> }

impl std::fmt::Debug for Options {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.options.fmt(f)
    }
}

impl std::fmt::Debug for CopyOptions<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CopyOptions").field("block_size", &self.block_size).finish_non_exhaustive()
    }
}
