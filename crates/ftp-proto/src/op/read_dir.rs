//! Reads the entries of a directory, or asks for its path, with several operations, which the client runs one by one
//!
//! ```text
//! (FEAT ─▶) MLSD dir ── entries ──▶ done
//!             ├── not known: LIST, remembered
//!             └── refused: does the directory exist? If so, MLSD in it
//!
//! LIST and NLST, names that a server may take for a pattern, and the question whether the directory exists:
//!   (PWD ─▶) CWD dir ── refused ──▶ the directory does not exist
//!              └─▶ (LIST, or PWD ─▶) done, in the directory
//! ```
//!
//! The session stays there until a request depends on the working directory (directory.rs). The next directory is
//! entered by a name that means the same from anywhere, if it has one.
//!
//! The EPSV of that LIST goes out together with CWD (batch.rs).
//!
//! LIST and NLST never get the name of another directory as their argument, because a server may also take it for an
//! option, a pattern or a file. vsftpd lists a directory that the user may not read as an entry of the current
//! one, and one that is missing as empty; Pure-FTPd expands `[` and `*`, and finds nothing in `two words`.
//!
//! A directory that the user may not read looks empty in the LIST of some servers. So if LIST shows nothing, the
//! client asks for the user's rights with MLST, on servers whose MLST has them:
//!
//! ```text
//! LIST ── no entries ──▶ MLST ──▶ done, or an error
//! ```

mod verdict;

use alloc::boxed::Box;

use crate::claim::{Outcome, Transfer};
use crate::control::command::{Argument, ArgumentError, Verb};
use crate::control::features::Features;
use crate::control::reply::Reply;
use crate::directory::{Directory, Home, lost};
use crate::error::Error;
use crate::op::features::FeaturesOp;
use crate::op::machine::{Context, Ended};
use crate::op::request::List;
use crate::op::running::Running;
use crate::op::simple::{Parameter, Simple, Want};
use crate::op::transfer::TransferOp;
use crate::server::Kind;
use crate::session::{Mlsd, Session};
use verdict::{
    Listed, denies, examined, inspect, is_missing, may_have_been_missing, refused_inside,
    reports_empty,
};

/// A request to read a directory: [`Client::read_dir`](crate::Client::read_dir)
///
/// A path alone means the best command that the server has: MLSD if FEAT lists it, else LIST.
#[derive(Clone, Debug)]
pub struct ReadDir {
    path: Result<Option<Argument>, ArgumentError>,
    by: By,
}

/// The command to use
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum By {
    /// MLSD or LIST, after asking FEAT
    Best,
    /// LIST
    Long,
    /// `LIST -a`
    All,
    /// NLST, or the best other command if the server does not know NLST
    Names,
    /// PWD, which reports the directory's path instead of its entries
    Path,
}

impl ReadDir {
    /// Reads the directory at `path` with the best command; an empty path is the working directory
    #[must_use]
    pub fn new(path: impl AsRef<[u8]>) -> Self {
        Self::by(path, By::Best)
    }

    /// Reads by LIST, even if the server has MLSD: LIST returns owners, links and targets
    #[must_use]
    pub fn long(path: impl AsRef<[u8]>) -> Self {
        Self::by(path, By::Long)
    }

    /// Reads by `LIST -a`, because many servers omit names that begin with a dot from other listings
    ///
    /// Servers without options take `-a` for a name, and refuse it or list nothing.
    #[must_use]
    pub fn all(path: impl AsRef<[u8]>) -> Self {
        Self::by(path, By::All)
    }

    /// Reads only names, by NLST, or as [`Self::new`] if the server does not know NLST
    #[must_use]
    pub fn names(path: impl AsRef<[u8]>) -> Self {
        Self::by(path, By::Names)
    }

    /// Returns the directory's path; `None` if it is the working directory, or can't be sent
    #[must_use]
    pub fn path(&self) -> Option<&[u8]> {
        self.path.as_ref().ok()?.as_ref().map(Argument::as_bytes)
    }

    fn by(path: impl AsRef<[u8]>, by: By) -> Self {
        let path = path.as_ref();
        let path = if path.is_empty() { Ok(None) } else { Argument::path(path).map(Some) };
        Self { path, by }
    }
}

impl<P: AsRef<[u8]>> From<P> for ReadDir {
    fn from(path: P) -> Self {
        Self::new(path)
    }
}

/// The next step of reading a directory
#[derive(Debug)]
pub(crate) enum Next {
    Run(Running),
    Done(Result<Outcome, Error>),
}

#[derive(Debug)]
pub(crate) struct ReadDirOp {
    path: Option<Argument>,
    /// The user's path, if `path` has been made of it for a session that has left the working directory
    relative: Option<Argument>,
    by: By,
    interest: Interest,
    stage: Stage,
}

/// Whether anybody waits for the entries
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Interest {
    Wanted,
    /// The request was aborted: nothing else is begun
    Gone,
}

#[derive(Debug)]
enum Stage {
    /// Nothing has been sent
    Begin,
    Features,
    /// MLSD of the directory by its name, or, without a path, any listing of the working directory
    Listing(Verb),
    /// PWD has been sent, to know the directory to return to
    Locating(Purpose),
    Entering {
        home: Home,
        purpose: Purpose,
        /// The listing, if its EPSV was sent together with CWD
        begun: Option<Box<TransferOp>>,
    },
    /// The path that was built from the user's was refused: the session returns, to try the user's own
    Returning,
    /// A listing of the requested directory, which was entered
    ListingInside(Verb),
    /// MLST of the listed directory has been sent, because nothing was found in it; the session is in it
    Examining(Outcome),
    /// PWD has been sent in the requested directory, for its path
    Reporting,
    Over,
}

/// Why the directory is entered
#[derive(Debug)]
enum Purpose {
    /// This command lists the working directory only
    List(Verb),
    /// MLSD, or a listing of the working directory, was refused, so it must be proven that the directory exists
    Prove(Reply),
    /// PWD reports the working directory only
    Report,
}

impl ReadDirOp {
    pub(crate) fn new(request: ReadDir) -> Result<Self, Error> {
        let path = request.path?;
        let (interest, stage) = (Interest::Wanted, Stage::Begin);
        Ok(Self { path, relative: None, by: request.by, interest, stage })
    }

    /// Creates the request for the path that the server reports in a directory
    pub(crate) fn path_of(path: impl AsRef<[u8]>) -> Result<Self, Error> {
        Self::new(ReadDir::by(path, By::Path))
    }

    /// Aborts the request: nothing else is begun
    pub(crate) fn abandon(&mut self) {
        self.interest = Interest::Gone;
    }

    /// Whether the directory can only be found from the working directory, which the session has left
    pub(crate) fn needs(&self, working: &Directory) -> bool {
        self.path.as_ref().is_none_or(|path| working.name_from_elsewhere(path).is_none())
    }

    /// Chooses the first operation
    fn begin(&mut self, session: &Session) -> Next {
        if let (true, Some(path)) = (session.directory.is_left(), &self.path) {
            let name = session.directory.name_from_elsewhere(path);
            if name.as_ref().map(Argument::as_bytes) != Some(path.as_bytes()) {
                self.relative = core::mem::replace(&mut self.path, name);
            }
        }
        if self.by == By::Best && session.features.is_none() && session.mlsd == Mlsd::AsListed {
            self.stage = Stage::Features;
            return Next::Run(Running::Features(FeaturesOp));
        }
        match self.by {
            By::Best => self.list(best(session), session),
            By::Long | By::All => self.list(Verb::LIST, session),
            By::Names => self.list(Verb::NLST, session),
            By::Path if self.path.is_some() => self.locate(Purpose::Report, session),
            By::Path => self.report(Want::Path),
        }
    }

    /// Chooses the next operation after the end of one
    pub(crate) fn next(&mut self, ended: Ended, session: &mut Session) -> Next {
        let stage = core::mem::replace(&mut self.stage, Stage::Over);
        if ended.result.as_ref().is_err_and(Error::is_fatal) {
            return Next::Done(ended.result);
        }
        match stage {
            stage if self.interest == Interest::Gone => {
                if let Stage::Entering { home, .. } = stage {
                    session.directory = Directory::Left(home);
                }
                Next::Done(Err(Error::Aborted))
            }
            Stage::Returning => {
                if let Err(error) = ended.result {
                    return Next::Done(Err(lost(error)));
                }
                session.directory.returned(Ok(()));
                self.path = self.relative.take();
                self.begin(session)
            }
            Stage::Begin if ended.result.is_err() => Next::Done(ended.result),
            Stage::Begin => self.begin(session),
            // If FEAT is refused, MLSD is not tried either.
            Stage::Features => self.list(best(session), session),
            Stage::Listing(verb) => self.listed(verb, ended, session),
            Stage::Locating(purpose) => self.located(ended.result, purpose, session),
            Stage::Entering { home, purpose, begun } => {
                self.entered(ended.result, home, purpose, begun, session)
            }
            Stage::ListingInside(verb) => self.listed_inside(verb, ended, session),
            Stage::Examining(held) => Next::Done(match ended.result {
                Ok(Outcome::Reply(reply)) => examined(&reply, held),
                _ => Ok(held),
            }),
            Stage::Reporting | Stage::Over => Next::Done(ended.result),
        }
    }

    fn list(&mut self, verb: Verb, session: &Session) -> Next {
        if self.path.as_ref().is_some_and(|path| verb != Verb::MLSD || is_hard(path)) {
            return self.locate(Purpose::List(verb), session);
        }
        let list = listing(self.by, verb, self.path.clone()).map(Running::Transfer);
        self.run(Stage::Listing(verb), list)
    }

    /// Finds out the directory to return to, before another one is entered
    fn locate(&mut self, purpose: Purpose, session: &Session) -> Next {
        if let Some(home) = session.directory.home() {
            return self.enter(home.clone(), purpose);
        }
        let pwd = Simple::new(Verb::PWD, Parameter::None, Want::Path);
        self.run(Stage::Locating(purpose), Ok(Running::Simple(pwd)))
    }

    fn located(
        &mut self,
        result: Result<Outcome, Error>,
        purpose: Purpose,
        session: &Session,
    ) -> Next {
        match result {
            Ok(Outcome::Path(path)) => match (session.directory.home(), Argument::new(path)) {
                (Some(home), _) => self.enter(home.clone(), purpose),
                (None, Err(error)) => Next::Done(Err(error.into())),
                (None, Ok(path)) => self.enter(Home { path, proof: None }, purpose),
            },
            // Without PWD, only the refusal is known.
            _ => match purpose {
                Purpose::Prove(reply) => Next::Done(Err(Error::from_reply(reply))),
                Purpose::List(_) | Purpose::Report => Next::Done(result),
            },
        }
    }

    /// Asks for the path of the directory that the session is in
    fn report(&mut self, want: Want) -> Next {
        let pwd = Simple::new(Verb::PWD, Parameter::None, want);
        self.run(Stage::Reporting, Ok(Running::Simple(pwd)))
    }

    /// Enters the directory; without a path, it enters the working directory, to see that it exists
    fn enter(&mut self, home: Home, purpose: Purpose) -> Next {
        let cwd = match &self.path {
            Some(path) => Simple::enter(path.clone()),
            None => Simple::back_to(home.clone()),
        };
        self.run(Stage::Entering { home, purpose, begun: None }, Ok(Running::Simple(cwd)))
    }

    /// Sends EPSV in one batch with CWD, if a listing follows that begins with it
    pub(crate) fn begin_listing(&mut self, cx: &mut Context<'_>) {
        if let Stage::Entering { purpose: Purpose::List(verb), begun: begun @ None, .. } =
            &mut self.stage
        {
            let Ok(mut listing) = listing(self.by, *verb, None) else { return };
            if listing.begin_ahead(cx) {
                *begun = Some(listing);
            }
        }
    }

    fn entered(
        &mut self,
        result: Result<Outcome, Error>,
        home: Home,
        purpose: Purpose,
        begun: Option<Box<TransferOp>>,
        session: &mut Session,
    ) -> Next {
        if let Err(error) = result {
            if self.path.is_none() && home.proof.is_some() {
                // Perhaps PWD has just shown that CWD led to another directory.
                session.directory = Directory::Left(home);
                return Next::Done(Err(lost(error)));
            }
            if let Some(again) = self.again_from_home(session) {
                return again;
            }
            return Next::Done(Err(match error {
                Error::Permanent(reply) if is_missing(&reply) => Error::NoDirectory(reply),
                error => error,
            }));
        }
        session.directory = match self.path {
            Some(_) => Directory::Left(home),
            None => Directory::Known(home),
        };
        match purpose {
            Purpose::List(verb) => {
                let list = begun.map_or_else(|| listing(self.by, verb, None), Ok);
                self.run(Stage::ListingInside(verb), list.map(Running::Transfer))
            }
            // It may have been made since the refusal.
            Purpose::Prove(reply) if self.path.is_some() && may_have_been_missing(&reply) => {
                let list = listing(self.by, Verb::MLSD, None).map(Running::Transfer);
                self.run(Stage::ListingInside(Verb::MLSD), list)
            }
            Purpose::Prove(reply) => Next::Done(refused_inside(reply)),
            Purpose::Report => self.report(Want::OtherPath),
        }
    }

    /// Returns to the working directory if the path that was refused has been made of the user's: the refusal may be about
    /// the part before it
    fn again_from_home(&mut self, session: &Session) -> Option<Next> {
        self.relative.as_ref()?;
        let home = session.directory.home()?.clone();
        Some(self.run(Stage::Returning, Ok(Running::Simple(Simple::back_to(home)))))
    }

    fn listed(&mut self, verb: Verb, ended: Ended, session: &mut Session) -> Next {
        match inspect(verb, ended) {
            Listed::Unknown => {
                let verb = Self::other(verb, session);
                self.list(verb, session)
            }
            Listed::Refused(reply) => match self.again_from_home(session) {
                Some(again) => again,
                None => self.refused(reply, session),
            },
            Listed::Final(result) => self.found(verb, result, session),
        }
    }

    /// Takes the refusal of a listing of the directory by its name, or of the working directory
    fn refused(&mut self, reply: Reply, session: &Session) -> Next {
        match reply {
            reply if denies(&reply) => Next::Done(Err(Error::from_reply(reply))),
            // The working directory may have been removed since it was entered.
            reply if self.path.is_none() && !reports_empty(&reply) => {
                Next::Done(Err(Error::from_reply(reply)))
            }
            reply => self.locate(Purpose::Prove(reply), session),
        }
    }

    /// Takes the result of a listing
    fn found(&mut self, verb: Verb, result: Result<Outcome, Error>, session: &Session) -> Next {
        match result {
            Ok(held @ Outcome::Transfer(Transfer { bytes: 0, .. }))
                if verb != Verb::MLSD && tells_rights(session) =>
            {
                let mlst = Simple::new(Verb::MLST, Parameter::None, Want::Completion);
                self.run(Stage::Examining(held), Ok(Running::Simple(mlst)))
            }
            result => Next::Done(result),
        }
    }

    fn listed_inside(&mut self, verb: Verb, ended: Ended, session: &mut Session) -> Next {
        match inspect(verb, ended) {
            Listed::Unknown => {
                let verb = Self::other(verb, session);
                let list = listing(self.by, verb, None).map(Running::Transfer);
                self.run(Stage::ListingInside(verb), list)
            }
            Listed::Refused(reply) => Next::Done(refused_inside(reply)),
            Listed::Final(result) => self.found(verb, result, session),
        }
    }

    /// Returns the command to use instead of one that the server does not know
    fn other(verb: Verb, session: &mut Session) -> Verb {
        if verb == Verb::MLSD {
            session.mlsd = Mlsd::Unknown;
        }
        best(session)
    }

    fn run(&mut self, stage: Stage, running: Result<Running, Error>) -> Next {
        self.stage = stage;
        match running {
            Ok(running) => Next::Run(running),
            Err(error) => Next::Done(Err(error)),
        }
    }
}

fn listing(by: By, verb: Verb, path: Option<Argument>) -> Result<Box<TransferOp>, Error> {
    let path = match by {
        By::All => Some(Argument::new("-a")?),
        _ => path,
    };
    TransferOp::list(List { verb, path: Ok(path) }).map(Box::new)
}

fn best(session: &Session) -> Verb {
    let known = |features: &Features| features.has("MLST") || features.has("MLSD");
    match session.mlsd {
        Mlsd::AsListed if session.features.as_ref().is_some_and(known) => Verb::MLSD,
        Mlsd::AsListed | Mlsd::Unknown => Verb::LIST,
    }
}

/// Whether the name contains something that servers take for options or for a pattern, also in MLSD
fn is_hard(path: &Argument) -> bool {
    let path = path.as_bytes();
    let edge = |byte: Option<&u8>| matches!(byte, Some(b' ' | b'\t'));
    path.first() == Some(&b'-')
        || edge(path.first())
        || edge(path.last())
        || path.windows(2).any(|two| two == b" -")
        || path.iter().any(|byte| b"*?[]{}\\".contains(byte))
}

/// Whether MLST is expected to tell what the user may do with a directory
fn tells_rights(session: &Session) -> bool {
    match &session.features {
        Some(features) => features.mlst().is_some_and(|facts| {
            let mut names = facts.split(|byte| matches!(byte, b';' | b'*'));
            names.any(|name| name.eq_ignore_ascii_case(b"perm"))
        }),
        None => session.kind == Kind::Proftpd,
    }
}
