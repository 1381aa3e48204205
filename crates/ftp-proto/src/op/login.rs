//! Logging in: USER, PASS, ACCT (RFC 959 section 5.4), in the order that the server requires
//!
//! ```text
//!        ┌── 2yz ────────────────────────────────▶ done
//! USER ──┼── 331 ──▶ PASS ──┬── 2yz ─────────────▶ done
//!        │             ▲    └── 332 ──▶ ACCT ─ 2yz ▶ done
//!        └── 332 ──▶ ACCT ── 331
//! ```
//!
//! If there is an FTP proxy, its own commands come first ([`gateway`](super::gateway)).
//!
//! In a batch ([`batch`](super::batch)), PASS is sent together with USER, and the reply to USER decides what the
//! reply to PASS means:
//!
//! ```text
//! USER, PASS ──┬── 2yz ── any ────────────────▶ done
//!              ├── 331 ──┬── 2yz, 332, 5yz ───▶ as above
//!              │         ├── 331, 503 ────────▶ again, one by one
//!              │         └── nothing ─────────▶ PASS again, alone
//!              └── 332 ── any ────────────────▶ again, one by one
//! ```

use crate::claim::Outcome;
use crate::control::command::{Argument, Command, Secret, Verb};
use crate::control::reply::Reply;
use crate::control::reply::ReplyKind;
use crate::directory::Directory;
use crate::error::Error;
use crate::op::gateway::Entry;
use crate::op::machine::{Context, Input, Step};
use crate::server::Iac;
use crate::session::Batches;
use crate::session::ControlSecurity;
use crate::timer::Timer;

#[derive(Debug)]
pub(crate) struct Login {
    user: Argument,
    /// `None` after it was sent, so that a refused password is not sent again in a loop
    password: Option<Secret>,
    account: Option<Secret>,
    stage: Stage,
    /// The state of the FTP proxy's part, before USER
    entry: Option<Entry>,
}

/// The command that the next reply answers
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// The only command that waits for a reply
    OneByOne,
    /// USER, and PASS has been sent, too
    UserOfBatch,
    /// PASS, sent with the USER that asked for it
    PassOfBatch,
    /// PASS, sent although the server did not ask for it
    PassUnasked,
}

impl Login {
    pub(crate) const fn new(user: Argument, password: Secret, account: Option<Secret>) -> Self {
        Self { user, password: Some(password), account, stage: Stage::OneByOne, entry: None }
    }

    pub(crate) fn step(&mut self, input: Input, cx: &mut Context<'_>) -> Result<Step, Error> {
        if let Input::Reply(reply) = &input {
            learn_of_iac(reply, cx);
        }
        match input {
            Input::Start => {
                let greeting = cx.wire.session.admitted.take();
                // With a proxy, that greeting was the proxy's.
                if let (Some(greeting), None) = (greeting, &cx.wire.config.gateway) {
                    return Ok(Step::Done(Outcome::Reply(greeting)));
                }
                self.entry = Entry::begin(cx);
                if self.entry.is_none() {
                    self.begin(cx)?;
                }
            }
            Input::Reply(reply) if reply.kind() == ReplyKind::Preliminary => {}
            Input::Reply(reply) if self.entry.is_some() => {
                if let Some(entry) = self.entry.take() {
                    self.entry = entry.answered(reply, cx)?;
                }
                if self.entry.is_none() {
                    self.begin(cx)?;
                }
            }
            Input::SendAgain => self.send_user(cx)?,
            Input::Reply(reply) if self.was_unneeded(&reply) => self.once_more(cx)?,
            Input::Quiet if self.stage == Stage::PassUnasked => {
                cx.wire.control.set_uncertain();
                self.once_more(cx)?;
            }
            Input::Quiet => {
                if let (Stage::PassOfBatch, Some(password)) = (self.stage, self.password.take()) {
                    cx.wire.session.batches = Batches::Refused;
                    cx.wire.control.set_uncertain();
                    self.stage = Stage::OneByOne;
                    cx.send(&Command::secret(Verb::PASS, &password));
                }
            }
            Input::Reply(reply) => match reply.kind() {
                ReplyKind::Preliminary => {}
                ReplyKind::Completion => {
                    if self.stage == Stage::PassOfBatch {
                        cx.wire.session.batches = Batches::Work;
                    }
                    cx.wire.session.directory = Directory::Unknown;
                    return Ok(Step::Done(Outcome::Reply(reply)));
                }
                ReplyKind::Intermediate if self.stage == Stage::UserOfBatch => {
                    self.stage = match reply.code().get() {
                        332 => Stage::PassUnasked,
                        _ => Stage::PassOfBatch,
                    };
                    cx.await_batch();
                }
                ReplyKind::Intermediate => {
                    if self.stage == Stage::PassOfBatch {
                        self.password = None;
                        self.stage = Stage::OneByOne;
                        cx.wire.timers.stop(Timer::Quiet);
                    }
                    self.answer(reply, cx)?;
                }
                ReplyKind::Transient | ReplyKind::Permanent => return Err(refusal(reply, cx)),
            },
            _ => {}
        }
        Ok(Step::Pending)
    }

    fn begin(&mut self, cx: &mut Context<'_>) -> Result<(), Error> {
        cx.wire.session.forget_login();
        self.send_user(cx)?;
        self.stage = Stage::OneByOne;
        if let Some(password) = self.password.as_ref().filter(|_| cx.may_pipeline(Verb::PASS)) {
            cx.send(&Command::secret(Verb::PASS, password));
            self.stage = Stage::UserOfBatch;
        }
        Ok(())
    }

    fn send_user(&self, cx: &mut Context<'_>) -> Result<(), Error> {
        let named = cx.wire.config.gateway.as_ref().map(|gateway| gateway.user(&self.user));
        let named = named.transpose()?;
        cx.send(&Command::new(Verb::USER, named.as_ref().unwrap_or(&self.user)));
        Ok(())
    }

    /// Whether it sends its commands one by one, and to the server itself, not to a proxy
    pub(crate) const fn is_one_by_one(&self) -> bool {
        matches!(self.stage, Stage::OneByOne) && self.entry.is_none()
    }

    fn once_more(&mut self, cx: &mut Context<'_>) -> Result<(), Error> {
        cx.wire.session.batches = Batches::Refused;
        cx.wire.timers.stop(Timer::Quiet);
        self.stage = Stage::OneByOne;
        self.send_user(cx)
    }

    /// Whether the reply shows that the server did not accept PASS in a batch with USER
    fn was_unneeded(&self, reply: &Reply) -> bool {
        match self.stage {
            Stage::OneByOne | Stage::UserOfBatch => false,
            Stage::PassOfBatch => matches!(reply.code().get(), 331 | 503),
            Stage::PassUnasked => true,
        }
    }

    fn answer(&mut self, reply: Reply, cx: &mut Context<'_>) -> Result<(), Error> {
        let wants_account = reply.code().get() == 332;
        let (verb, secret) = if wants_account {
            match self.account.take() {
                Some(account) => (Verb::ACCT, account),
                None => return Err(Error::AccountRequired(reply)),
            }
        } else if let Some(password) = self.password.take() {
            (Verb::PASS, password)
        } else if let Some(account) = self.account.take() {
            // ftplib sends the account on any 3yz to PASS.
            (Verb::ACCT, account)
        } else {
            return Err(Error::UnexpectedReply(reply));
        };
        cx.send(&Command::secret(verb, &secret));
        Ok(())
    }
}

/// Learns from the answer to USER how the server treats Telnet's IAC; through a proxy, the answer may be the proxy's
fn learn_of_iac(reply: &Reply, cx: &mut Context<'_>) {
    if reply.code().get() == 331 && cx.wire.config.gateway.is_none() {
        cx.wire.learn_iac(Iac::of_prompt(reply));
    }
}

/// Returns the error of a refusal, which in clear text may mean that TLS is required
fn refusal(reply: Reply, cx: &Context<'_>) -> Error {
    let clear = cx.wire.session.control == ControlSecurity::Clear;
    let code = reply.code().get();
    if clear && matches!(code, 503 | 522 | 530 | 533 | 534 | 550) && mentions_tls(reply.text()) {
        return Error::TlsRequired(reply);
    }
    Error::from_reply(reply)
}

/// Whether a refusal is about encryption
///
/// Only whole words count: `Authentication failed` and `Not authorized` contain AUTH but mean something else.
/// Servers that require Kerberos say `Must perform authentication before identifying USER`.
fn mentions_tls(text: &[u8]) -> bool {
    const WORDS: [&str; 9] = [
        "TLS",
        "SSL",
        "FTPS",
        "FTPES",
        "SECURE",
        "INSECURE",
        "UNENCRYPTED",
        "CLEARTEXT",
        "PLAINTEXT",
    ];
    // These match encrypt, encrypted, encryption and TLSv1.2.
    const BEGINNINGS: [&str; 3] = ["ENCRYPT", "TLSV", "SSLV"];
    text.split(|byte| !byte.is_ascii_alphanumeric()).any(|word| {
        let begins = |beginning: &str| {
            let part = word.get(..beginning.len());
            part.is_some_and(|part| part.eq_ignore_ascii_case(beginning.as_bytes()))
        };
        WORDS.iter().any(|known| word.eq_ignore_ascii_case(known.as_bytes()))
            || BEGINNINGS.iter().any(|beginning| begins(beginning))
            // This is the command; `Auth` in mixed case is short for authentication.
            || word == b"AUTH"
    })
}

/// Returns ftplib's defaults for a login without a name or password: `anonymous`, password `anonymous@`
///
/// The password `-` becomes `-anonymous@`, which suppresses banners on old servers.
pub(crate) fn anonymous_defaults<'a>(user: &'a [u8], password: &'a [u8]) -> (&'a [u8], &'a [u8]) {
    let user: &[u8] = if user.is_empty() { b"anonymous" } else { user };
    let password: &[u8] = match (user, password) {
        (b"anonymous", b"") => b"anonymous@",
        (b"anonymous", b"-") => b"-anonymous@",
        _ => password,
    };
    (user, password)
}

#[cfg(test)]
mod tests {
    use super::mentions_tls;

    #[test]
    fn refusals_that_ask_for_tls() {
        for text in [
            "Non-anonymous sessions must use encryption.",
            "Anonymous sessions must use encryption.",
            "SSL/TLS required on the control channel",
            "SSL/TLS required on the control channel.",
            "Policy requires SSL.",
            "Use AUTH first.",
            "SSL required",
            "TLS required.",
            "This server does not allow plain FTP. You have to use FTP over TLS.",
            "SSL is required to connect to this account.  Please enable SSL, TLS, ftps://, or ftpes://.",
            "Only SECURE/ENCRYPTED logins permitted",
            "Have to use explicit SSL/TLS before logging on.",
            "A secure control channel required",
            "Not authorized without TLS",
            "Authentication failed: TLSv1.2 or later required",
            "Sorry, cleartext sessions and weak ciphers are not accepted on this server.",
        ] {
            assert!(mentions_tls(text.as_bytes()), "{text}");
        }
    }

    #[test]
    fn refusals_that_are_about_the_login() {
        for text in [
            "Please login with USER and PASS",
            "Please login with USER and PASS.",
            "Login incorrect.",
            "Login incorrect",
            "Login authentication failed",
            "Authentication failed",
            "Authentication failed.",
            "Authentication failed, sorry",
            "Auth failed",
            "User not authorized.",
            "Not logged in",
            "User cannot log in, home directory inaccessible.",
            "Permission denied.",
            "Must perform authentication before identifying USER.",
            "Security policy violation",
            "This FTP server is anonymous only.",
            "Author of the file is unknown",
            "",
        ] {
            assert!(!mentions_tls(text.as_bytes()), "{text}");
        }
    }
}
