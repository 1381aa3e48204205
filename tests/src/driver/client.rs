//! A blocking client over any [`Driver`]: the methods of `ftp_blocking::Client` that the suite uses

use std::collections::VecDeque;
use std::fmt;
use std::io::{Read, Write};
use std::net::{SocketAddr, ToSocketAddrs};
use std::ops::Deref;
use std::path::Path;

use ftp_proto::listing::{ListingParser, StatListing, parse_stat};
use ftp_proto::{
    Config, CopySide, DataMode, Get, List, Op, Output, Put, ReadDir, Reply, Timestamp, Trace,
    Transfer, TransferType,
};
use ftp_session::ftp_tls::TlsStats;
use ftp_session::procedure::{
    Procedure, ProcedureStep, RemoveOptions, ResumeOptions, Verification, Walk, WalkEntry,
    WalkError, WalkOptions, WalkStep,
};
use ftp_session::{
    CopyError, Error, Event, IntoServerAddress, LocalFile, Removal, ServerCopy, SourceAddress,
    TimeCommand, TlsInfo,
};

use super::Driver;
use super::running::{Entries, Running};

type Result<T> = std::result::Result<T, Error>;
type TraceFn = Box<dyn FnMut(&Trace) + Send>;

/// The options of a session, and the receiver of its trace
pub struct Options {
    session: ftp_session::Options,
    trace: Option<TraceFn>,
}

/// Defines the setters of the session's options
macro_rules! settings {
    ($($name:ident: $type:ty),*) => {$(
        #[must_use]
        pub fn $name(mut self, value: $type) -> Self {
            self.session = self.session.$name(value);
            self
        }
    )*};
}

impl Options {
    pub fn new(config: Config) -> Self {
        Self { session: config.into(), trace: None }
    }

    settings! {
        connect_timeout: std::time::Duration,
        timeout: std::time::Duration,
        source_address: impl Into<SourceAddress>,
        tls: impl Into<ftp_session::ftp_tls::TlsConfig>,
        tls_server_name: ftp_session::ftp_tls::rustls::pki_types::ServerName<'static>,
        proxy: ftp_session::proxy::Proxy
    }

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

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.session.fmt(f)
    }
}

/// A session with its driver; the machine's state can be queried directly
pub struct Client<D> {
    pub(super) driver: D,
    events: VecDeque<Event>,
    welcome: Option<Reply>,
    pub(super) size_hint: Option<u64>,
    trace: Option<TraceFn>,
}

impl<D: Driver> Deref for Client<D> {
    type Target = ftp_proto::Client;

    fn deref(&self) -> &ftp_proto::Client {
        self.driver.session().client()
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
    )*) => {
        impl<D: Driver> Client<D> {$($(
            pub fn $name(&mut self, $($argument: $type),*) -> Result<$output> {
                self.run(|ftp| ftp.$name($($argument),*))
            }
        )*)*}
    };
}

ftp_proto::requests!(methods);

/// Creation and end of the session
impl<D: Driver> Client<D> {
    pub fn connect(address: impl IntoServerAddress, options: impl Into<Options>) -> Result<Self> {
        let mut client = Self::dial(address, options.into())?;
        client.rest()?;
        Ok(client)
    }

    pub fn connect_and_login(
        address: impl IntoServerAddress,
        options: impl Into<Options>,
        user: impl AsRef<[u8]>,
        password: impl AsRef<[u8]>,
    ) -> Result<Self> {
        let mut client = Self::dial(address, options.into())?;
        client.login(user, password)?;
        Ok(client)
    }

    fn dial(address: impl IntoServerAddress, options: Options) -> Result<Self> {
        let Options { session, trace } = options;
        let server = address.into_server_address()?;
        let host = server.host();
        let mut session = session.server(server.clone())?;
        session.config_mut().trace |= trace.is_some();
        // With a proxy, the proxy's address is needed.
        let hop = session.first_hop().unwrap_or((host, 21));
        let addresses = hop.to_socket_addrs().map_err(|error| session.unresolved(error))?;
        let addresses: Vec<_> = addresses.collect();
        let mut driver = D::open(&addresses, session)?;
        driver.session_mut().start();
        let events = VecDeque::new();
        Ok(Self { driver, events, welcome: None, size_hint: None, trace })
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
}

/// The session's state
impl<D: Driver> Client<D> {
    pub fn welcome(&self) -> Option<&Reply> {
        self.welcome.as_ref()
    }

    pub fn peer_addr(&self) -> SocketAddr {
        self.driver.session().endpoints().unwrap().peer
    }

    pub fn local_addr(&self) -> SocketAddr {
        self.driver.session().endpoints().unwrap().local
    }

    pub fn is_connected(&self) -> bool {
        !self.is_dead()
    }

    pub fn tls(&self) -> Option<TlsInfo<'_>> {
        self.driver.session().tls()
    }

    pub fn tls_stats(&self) -> Option<TlsStats> {
        self.driver.session().tls_stats()
    }

    pub fn config_mut(&mut self) -> &mut Config {
        self.driver.session_mut().request().config_mut()
    }

    pub fn set_data_mode(&mut self, mode: DataMode) {
        self.config_mut().data_mode = mode;
    }
}

/// Transfers
impl<D: Driver> Client<D> {
    pub fn get(&mut self, get: impl Into<Get>) -> Result<Running<'_, D>> {
        Running::start(self, |ftp| ftp.get(get))
    }

    pub fn put(&mut self, put: impl Into<Put>) -> Result<Running<'_, D>> {
        Running::start(self, |ftp| ftp.put(put))
    }

    pub fn list(&mut self, list: impl Into<List>) -> Result<Running<'_, D>> {
        Running::start(self, |ftp| ftp.list(list))
    }

    pub fn read_dir(&mut self, directory: impl Into<ReadDir>) -> Result<Entries<'_, D>> {
        Ok(Entries::new(Running::start(self, |ftp| ftp.read_dir(directory))?))
    }

    pub fn download_to(
        &mut self,
        get: impl Into<Get>,
        writer: &mut (impl Write + ?Sized),
    ) -> Result<Transfer> {
        let mut download = self.get(get)?;
        std::io::copy(&mut download, writer)?;
        download.finish()
    }

    pub fn upload_from(
        &mut self,
        put: impl Into<Put>,
        reader: &mut (impl Read + ?Sized),
    ) -> Result<Transfer> {
        let mut upload = self.put(put)?;
        let mut block = vec![0; 256 * 1024];
        loop {
            match reader.read(&mut block)? {
                0 => return upload.finish(),
                count => upload.write_all(&block[..count])?,
            }
        }
    }

    pub fn upload_file(
        &mut self,
        put: impl Into<Put>,
        local: impl AsRef<Path>,
    ) -> Result<Transfer> {
        self.upload_from(put, &mut std::fs::File::open(local)?)
    }

    pub fn get_lines(
        &mut self,
        get: impl Into<Get>,
        mut line: impl FnMut(&[u8]),
    ) -> Result<Transfer> {
        let mut download = self.get(get.into().ascii())?;
        while let Some(text) = download.next_line()? {
            line(text);
        }
        download.finish()
    }

    pub fn put_lines<L: AsRef<[u8]>>(
        &mut self,
        put: impl Into<Put>,
        lines: impl IntoIterator<Item = L>,
    ) -> Result<Transfer> {
        let mut upload = self.put(put.into().ascii())?;
        for line in lines {
            upload.write_all(&[line.as_ref(), b"\n"].concat())?;
        }
        upload.finish()
    }

    pub fn names(&mut self, path: impl AsRef<[u8]>) -> Result<Vec<Vec<u8>>> {
        self.list(List::names(path))?.collect_lines()
    }
}

/// Operations that consist of several requests
impl<D: Driver> Client<D> {
    pub fn stat_dir(&mut self, path: impl AsRef<[u8]>) -> Result<StatListing> {
        Ok(parse_stat(&self.stat(path)?, ListingParser::new())?)
    }

    pub fn create_dir_all(&mut self, path: impl AsRef<[u8]>) -> Result<usize> {
        self.perform(Procedure::create_dir_all(path), "")
    }

    pub fn set_modified(&mut self, path: impl AsRef<[u8]>, to: Timestamp) -> Result<TimeCommand> {
        self.perform(Procedure::set_modified(path, to), "")
    }

    pub fn remove_dir_all(&mut self, path: impl AsRef<[u8]>) -> Result<Removal> {
        self.perform(Procedure::remove_dir_all(path, RemoveOptions::new()), "")
    }

    pub fn download_file(
        &mut self,
        get: impl Into<Get>,
        local: impl AsRef<Path>,
    ) -> Result<Transfer> {
        self.perform(Procedure::download_file(get), local)
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
        self.resume_upload_with(local, remote, ResumeOptions::new())
    }

    pub fn resume_upload_with(
        &mut self,
        local: impl AsRef<Path>,
        remote: impl AsRef<[u8]>,
        options: ResumeOptions,
    ) -> Result<Transfer> {
        self.perform(Procedure::resume_upload(remote, options), local)
    }

    pub fn verify_file(
        &mut self,
        remote: impl AsRef<[u8]>,
        local: impl AsRef<Path>,
    ) -> Result<Verification> {
        self.perform(Procedure::verify_file(remote), local)
    }

    /// Walks a tree and returns all of it
    pub fn walk(
        &mut self,
        path: impl AsRef<[u8]>,
        options: WalkOptions,
    ) -> std::vec::IntoIter<std::result::Result<WalkEntry, WalkError>> {
        let (mut walk, mut all) = (Walk::new(path, options), Vec::new());
        loop {
            match walk.step() {
                WalkStep::Entry(found) => all.push(Ok(found)),
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
                ProcedureStep::Done(result) => return result,
                ProcedureStep::Local(order) => {
                    let answer = local.carry_out(order);
                    procedure.answer(answer);
                }
                ProcedureStep::Request | ProcedureStep::Wait => {
                    self.wait();
                    for mut event in std::mem::take(&mut self.events) {
                        procedure.handle(&mut event);
                    }
                }
            }
        }
    }
}

/// The event loop
impl<D: Driver> Client<D> {
    /// Makes a request
    pub(super) fn begin<T>(
        &mut self,
        request: impl FnOnce(&mut ftp_proto::Client) -> Op<T>,
    ) -> Op<T> {
        self.events.clear();
        self.size_hint = None;
        request(self.driver.session_mut().request())
    }

    pub(super) fn wait(&mut self) {
        D::wait(&mut [&mut self.driver]);
        self.collect();
    }

    fn collect(&mut self) {
        while let Some(event) = self.driver.session_mut().poll_event() {
            match event {
                Event::Greeting(reply) => self.welcome = Some(reply),
                Event::Trace(line) => self.trace.iter_mut().for_each(|trace| trace(&line)),
                event => {
                    if let Event::TransferStarted { size_hint, .. } = event {
                        self.size_hint = size_hint;
                    }
                    self.events.push_back(event);
                }
            }
        }
    }

    /// Returns the result of a request, if it has ended
    pub(super) fn take<T: Output>(&mut self, op: Op<T>) -> Option<Result<T>> {
        self.collect();
        self.events.iter_mut().find_map(|event| match event {
            Event::Completed(done) => done.take(op),
            _ => None,
        })
    }

    fn run<T: Output>(
        &mut self,
        request: impl FnOnce(&mut ftp_proto::Client) -> Op<T>,
    ) -> Result<T> {
        let op = self.begin(request);
        loop {
            if let Some(result) = self.take(op) {
                return result;
            }
            self.wait();
        }
    }

    /// Waits until no reply is expected and no data connection is open
    pub(super) fn rest(&mut self) -> Result<()> {
        loop {
            self.collect();
            if let Some(error) = self.driver.session().ended() {
                return Err(error);
            }
            if self.is_idle() {
                return Ok(());
            }
            self.wait();
        }
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
        for side in [CopySide::Source, CopySide::Target] {
            let client = if side == CopySide::Source { &mut *source } else { &mut *target };
            client.collect();
            for mut event in std::mem::take(&mut client.events) {
                let (from, to) = (source.driver.session_mut(), target.driver.session_mut());
                let ended = copy.handle(side, &mut event, from, to);
                result = result.or(ended);
            }
        }
        let rests = |client: &Client<D>| client.is_idle() || client.is_dead();
        if result.is_some() && rests(source) && rests(target) {
            return result.unwrap_or(Ok(()));
        }
        D::wait(&mut [&mut source.driver, &mut target.driver]);
    }
}

impl<D: Driver> fmt::Debug for Client<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.driver.session().fmt(f)
    }
}
