//! A file's hash computed by the server, with the best command that FEAT lists
//!
//! ```text
//! (FEAT ──▶) (TYPE I ──▶) XSHA256, … ── 2yz with a hash ──▶ done
//!                         SIZE ──▶ OPTS HASH ── 2yz ──▶ HASH ── 2yz with a hash ──▶ done
//!            nothing offered ──────────────────────────────────────────▶ done: none
//! ```
//!
//! HASH depends on the current type (draft-bryan-ftp-hash section 3.1), so TYPE I is set to get the hash of
//! the unchanged bytes. Its answer contains a range of bytes; the size shows whether that is the whole file.

use crate::claim::Outcome;
use crate::control::command::{Argument, Command, Verb};
use crate::control::features::Features;
use crate::control::fields::{HashAlgorithm, parse_hash, parse_hash_of, parse_size};
use crate::control::reply::{Reply, ReplyKind};
use crate::error::Error;
use crate::op::features::{FeaturesOp, is_unknown};
use crate::op::machine::{Context, Input, Step, completion};
use crate::op::set_type::SetType;
use crate::terms::{Phase, TransferType};
use crate::timer::Timer;

const BINARY: SetType = SetType(TransferType::Image);

#[derive(Debug)]
pub(crate) struct Hash {
    path: Argument,
    state: State,
    /// The file's size, if the answer to HASH is to be compared with it and the server reports it
    size: Option<u64>,
}

#[derive(Clone, Copy, Debug)]
enum State {
    Features,
    Type(Method),
    /// SIZE has been sent
    Size(Method),
    /// OPTS HASH has been sent
    Options(Method),
    /// The hash is being computed
    Hash(Method),
}

/// The algorithm, and the command that computes it
#[derive(Clone, Copy, Debug)]
struct Method {
    algorithm: HashAlgorithm,
    verb: Verb,
}

/// Commands for one algorithm, which need no OPTS before them
const NAMED: [(Verb, HashAlgorithm); 6] = [
    (Verb::XSHA256, HashAlgorithm::Sha256),
    (Verb::XSHA512, HashAlgorithm::Sha512),
    (Verb::XSHA1, HashAlgorithm::Sha1),
    (Verb::XSHA, HashAlgorithm::Sha1),
    (Verb::XMD5, HashAlgorithm::Md5),
    (Verb::XCRC, HashAlgorithm::Crc32),
];

impl Method {
    /// Returns the strongest algorithm offered, with the command that needs the fewest round trips
    fn best(features: &Features) -> Option<Self> {
        HashAlgorithm::ALL.into_iter().find_map(|algorithm| {
            let named = NAMED
                .iter()
                .filter(|(_, named)| *named == algorithm)
                .map(|(verb, _)| *verb)
                .find(|verb| features.has(verb.as_str()));
            let verb = named.or_else(|| features.hashes(algorithm).then_some(Verb::HASH))?;
            Some(Self { algorithm, verb })
        })
    }
}

impl Hash {
    pub(crate) const fn new(path: Argument) -> Self {
        Self { path, state: State::Features, size: None }
    }

    pub(crate) fn step(&mut self, input: Input, cx: &mut Context<'_>) -> Result<Step, Error> {
        match (input, self.state) {
            (Input::Start, _) => {
                if cx.wire.session.features.is_some() {
                    return Ok(self.choose(cx));
                }
                return FeaturesOp.step(Input::Start, cx);
            }
            (Input::Reply(reply), State::Features) => {
                if let Step::Done(_) = FeaturesOp.step(Input::Reply(reply), cx)? {
                    return Ok(self.choose(cx));
                }
            }
            (Input::Written, State::Hash(_)) => self.await_hash(cx),
            (Input::Reply(reply), State::Hash(_)) if reply.kind() == ReplyKind::Preliminary => {
                // The total wait continues.
                cx.wire.timers.stop(Timer::Reply);
            }
            (Input::Reply(reply), _) if reply.kind() == ReplyKind::Preliminary => {}
            (Input::Reply(reply), State::Type(method)) => {
                BINARY.replied(reply, cx)?;
                self.ask(method, cx);
            }
            (Input::Reply(reply), State::Size(method)) => {
                // If it is refused, HASH may still be answered, or its refusal says why.
                self.size = completion(reply).ok().and_then(|reply| parse_size(reply.text()));
                self.set_algorithm(method, cx);
            }
            (Input::Reply(reply), State::Options(method)) => {
                completion(reply)?;
                self.compute(method, cx);
            }
            (Input::Reply(reply), State::Hash(method)) => return self.finish(reply, method),
            _ => {}
        }
        Ok(Step::Pending)
    }

    fn choose(&mut self, cx: &mut Context<'_>) -> Step {
        let Some(method) = cx.wire.session.features.as_ref().and_then(Method::best) else {
            return Step::Done(Outcome::Hash(None));
        };
        self.state = State::Type(method);
        if BINARY.start(cx) {
            self.ask(method, cx);
        }
        Step::Pending
    }

    fn ask(&mut self, method: Method, cx: &mut Context<'_>) {
        if method.verb != Verb::HASH {
            return self.compute(method, cx);
        }
        self.state = State::Size(method);
        cx.send(&Command::new(Verb::SIZE, &self.path));
    }

    fn set_algorithm(&mut self, method: Method, cx: &mut Context<'_>) {
        self.state = State::Options(method);
        let option = match method.algorithm {
            HashAlgorithm::Sha256 => "HASH SHA-256",
            HashAlgorithm::Sha512 => "HASH SHA-512",
            HashAlgorithm::Sha1 => "HASH SHA-1",
            HashAlgorithm::Md5 => "HASH MD5",
            HashAlgorithm::Crc32 => "HASH CRC32",
        };
        cx.send(&Command::literal(Verb::OPTS, option));
    }

    fn compute(&mut self, method: Method, cx: &mut Context<'_>) {
        self.state = State::Hash(method);
        cx.send(&Command::new(method.verb, &self.path));
        self.await_hash(cx);
    }

    /// Sets the longer deadline, as the server reads the whole file first
    fn await_hash(&self, cx: &mut Context<'_>) {
        if let Some(verb) = cx.wire.control.front() {
            let wait = cx.wire.config.hash_timeout;
            cx.wire.await_reply_for(cx.now, wait, Phase::Reply(verb));
        }
    }

    fn finish(&self, reply: Reply, method: Method) -> Result<Step, Error> {
        let reply = match completion(reply) {
            // The command is listed in FEAT but not enabled.
            Err(Error::Permanent(reply)) if is_unknown(&reply) => {
                return Ok(Step::Done(Outcome::Hash(None)));
            }
            result => result?,
        };
        let hash = match method.verb {
            Verb::HASH => {
                parse_hash_of(reply.text(), method.algorithm, self.path.as_bytes(), self.size)
            }
            _ => parse_hash(reply.text(), method.algorithm),
        };
        match hash {
            Some(hash) => Ok(Step::Done(Outcome::Hash(Some(hash)))),
            None => Err(Error::InvalidReply(reply)),
        }
    }
}
