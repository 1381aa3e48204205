//! One command with one final reply: a table of what the reply must be
//!
//! ```text
//! (TYPE I ──▶) command ── right class, text makes sense ──▶ done
//!                      ── 500, where there is another way ──▶ the other command
//! ```

use alloc::boxed::Box;

use crate::claim::Outcome;
use crate::control::command::{Argument, Command, Secret, Verb};
use crate::control::fields;
use crate::control::reply::{Reply, ReplyKind};
use crate::directory::{Directory, Home};
use crate::error::Error;
use crate::listing::Format;
use crate::op::machine::{Context, Input, Step, completion};
use crate::op::set_type::SetType;
use crate::session::RestartMarker;
use crate::terms::TransferType;

/// The argument after the verb
#[derive(Debug)]
pub(crate) enum Parameter {
    None,
    Public(Argument),
    Secret(Secret),
}

/// What the reply must be
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Want {
    /// 2yz
    Completion,
    /// As `Completion`, to a CWD of the client's own, which keeps track of the working directory itself
    Entry,
    /// 2yz or 3yz: a raw command, whose meaning only the caller knows (ftplib's `sendcmd`)
    Any,
    /// A number of bytes, asked for in TYPE I: in TYPE A, servers count what they would send as text
    Size,
    /// A time (RFC 3659 section 3)
    Time,
    /// A path in quotes (RFC 959 appendix II)
    Path,
    /// As `Path`, in a directory that the client has entered by itself
    OtherPath,
    /// As `Path`, but servers that omit the path have still done what was asked
    MadePath,
}

#[derive(Debug)]
pub(crate) struct Simple {
    verb: Verb,
    parameter: Parameter,
    want: Want,
    state: State,
    /// The bytes that PWD must return after a CWD to the working directory, see [`Home`]
    proof: Option<Box<[u8]>>,
}

#[derive(Clone, Copy, Debug)]
enum State {
    /// TYPE is set first
    Type,
    /// The command has been sent
    Command,
    /// The command has been sent, and if it is answered 500, there is another command to try
    CommandOrElse(Verb, &'static str),
    /// PWD has been sent, for the proof
    Proof,
}

impl Simple {
    pub(crate) const fn new(verb: Verb, parameter: Parameter, want: Want) -> Self {
        Self { verb, parameter, want, state: State::Command, proof: None }
    }

    /// Creates CDUP, with `CWD ..` for servers that don't know it
    pub(crate) const fn parent() -> Self {
        Self {
            verb: Verb::CDUP,
            parameter: Parameter::None,
            want: Want::Completion,
            state: State::CommandOrElse(Verb::CWD, ".."),
            proof: None,
        }
    }

    /// Creates the CWD with which the client enters a directory for a listing
    pub(crate) const fn enter(path: Argument) -> Self {
        Self::new(Verb::CWD, Parameter::Public(path), Want::Entry)
    }

    /// Creates the CWD with which the client returns to the working directory, and PWD if its path is uncertain
    pub(crate) fn back_to(home: Home) -> Self {
        Self { proof: home.proof, ..Self::enter(home.path) }
    }

    /// Whether only the caller knows what the command means
    pub(crate) fn is_raw(&self) -> bool {
        self.want == Want::Any
    }

    /// Whether the command depends on who is logged in: unknown raw commands do, in case they change files
    pub(crate) fn needs_login(&self) -> bool {
        match self.verb {
            // Without a path it is about the server (RFC 959 section 4.1.3).
            Verb::STAT => self.argument().is_some(),
            Verb::USER
            | Verb::PASS
            | Verb::ACCT
            | Verb::REIN
            | Verb::HOST
            | Verb::AUTH
            | Verb::PBSZ
            | Verb::PROT
            | Verb::FEAT
            | Verb::OPTS
            | Verb::LANG
            | Verb::CLNT
            | Verb::SYST
            | Verb::HELP
            | Verb::NOOP => false,
            _ => true,
        }
    }

    pub(crate) const fn verb(&self) -> Verb {
        self.verb
    }

    /// Returns the argument, unless it is secret
    pub(crate) const fn argument(&self) -> Option<&Argument> {
        match &self.parameter {
            Parameter::Public(argument) => Some(argument),
            Parameter::None | Parameter::Secret(_) => None,
        }
    }

    pub(crate) fn step(&mut self, input: Input, cx: &mut Context<'_>) -> Result<Step, Error> {
        const BINARY: SetType = SetType(TransferType::Image);
        match (input, self.state) {
            (Input::Start, _) if self.want == Want::Size && !BINARY.start(cx) => {
                self.state = State::Type;
            }
            (Input::Start, _) => self.send(cx),
            (Input::Reply(reply), _) if reply.kind() == ReplyKind::Preliminary => {}
            (Input::Reply(reply), State::Type) => {
                BINARY.replied(reply, cx)?;
                self.state = State::Command;
                self.send(cx);
            }
            (Input::Reply(reply), State::CommandOrElse(verb, argument))
                if reply.code().get() == 500 =>
            {
                self.state = State::Command;
                cx.send(&Command::literal(verb, argument));
            }
            (Input::Reply(reply), State::Proof) => return self.proven(reply).map(Step::Done),
            (Input::Reply(reply), _)
                if self.proof.is_some() && reply.kind() == ReplyKind::Completion =>
            {
                self.state = State::Proof;
                cx.send(&Command::bare(Verb::PWD));
            }
            (Input::Reply(reply), _) => return self.finish(reply, cx).map(Step::Done),
            _ => {}
        }
        Ok(Step::Pending)
    }

    fn send(&self, cx: &mut Context<'_>) {
        // The command has its effect even if nobody waits for the reply.
        if self.want == Want::Any {
            self.forget_what_it_changes(cx);
        }
        let effects = cx.wire.control.effects;
        cx.send(&match &self.parameter {
            Parameter::None => Command::bare(self.verb),
            Parameter::Public(argument) => Command::new(self.verb, argument),
            Parameter::Secret(secret) => Command::secret(self.verb, secret),
        });
        if self.want == Want::Entry {
            // Requests still refer to the directory that the user has chosen.
            cx.wire.control.effects = effects;
        }
    }

    /// Takes the answer to PWD after the return to the working directory
    fn proven(&self, reply: Reply) -> Result<Outcome, Error> {
        let reply = completion(reply)?;
        let said = fields::path_and_proof(reply.text()).and_then(|(_, said)| said);
        match said == self.proof.as_deref() {
            true => Ok(Outcome::Reply(reply)),
            false => Err(Error::UnexpectedReply(reply)),
        }
    }

    fn finish(&self, reply: Reply, cx: &mut Context<'_>) -> Result<Outcome, Error> {
        if self.want == Want::Any {
            self.forget_what_it_changes(cx);
            cx.wire.session.directory.may_have_changed();
            return match reply.kind() {
                ReplyKind::Completion | ReplyKind::Intermediate => Ok(Outcome::Reply(reply)),
                _ => Err(Error::from_reply(reply)),
            };
        }
        let reply = completion(reply)?;
        if matches!(self.verb, Verb::CWD | Verb::CDUP | Verb::SITE) && self.want != Want::Entry {
            cx.wire.session.directory = Directory::Unknown;
        }
        if self.verb == Verb::SYST {
            cx.wire.session.system = Format::of_system(&reply);
        }
        let text = reply.text();
        let outcome = match self.want {
            Want::Completion | Want::Entry | Want::Any => None,
            Want::Size => Some(fields::parse_size(text).map(Outcome::Number)),
            Want::Time => Some(fields::parse_time(text).map(Outcome::Time)),
            Want::Path | Want::OtherPath => {
                Some(fields::path_and_proof(text).map(|(sent, proof)| {
                    let path = cx.wire.session.iac.name(sent);
                    if self.want == Want::Path {
                        let home = |path| Home { path, proof: proof.map(Box::from) };
                        let home = Argument::new(&path).ok().map(home);
                        cx.wire.session.directory =
                            home.map_or(Directory::Unknown, Directory::Known);
                    }
                    Outcome::Path(path)
                }))
            }
            Want::MadePath if reply.code().get() == 257 => {
                let path = fields::parse_257(text).map(|sent| cx.wire.session.iac.name(sent));
                Some(Some(Outcome::MaybePath(path)))
            }
            Want::MadePath => Some(Some(Outcome::MaybePath(None))),
        };
        match outcome {
            None => Ok(Outcome::Reply(reply)),
            Some(Some(outcome)) => Ok(outcome),
            Some(None) => Err(Error::InvalidReply(reply)),
        }
    }

    /// Forgets the facts about the session that a raw command may change
    fn forget_what_it_changes(&self, cx: &mut Context<'_>) {
        let session = &mut cx.wire.session;
        match self.verb {
            Verb::TYPE => session.type_ = None,
            Verb::REST => session.marker = RestartMarker::Uncertain,
            Verb::USER | Verb::PASS | Verb::ACCT | Verb::REIN | Verb::HOST => {
                session.forget_login();
            }
            Verb::OPTS | Verb::LANG => session.features = None,
            _ => {}
        }
    }
}
