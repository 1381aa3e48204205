//! What commands may have changed for the next user of a session

use super::command::{Command, Verb};

/// Something that commands may change
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Effect {
    /// The working directory; a listing that enters another one has no effect, because the client returns by itself,
    /// unless the server refuses that
    Directory,
    /// Any other state of the session: who is logged in, options, modes. Unknown commands count as this, too
    Settings,
    /// Files and directories on the server
    Files,
    /// An RNFR was sent, and no RNTO after it: ProFTPD refuses every other command then
    Rename,
}

/// What the commands of a session may have changed, and how many replies have come, since
/// [`Client::clear_effects`](crate::Client::clear_effects)
///
/// This is for code that passes a session on, such as a pool. State that the [`Client`](crate::Client) tracks
/// itself, such as transfer types and restart markers, is not an effect.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Effects {
    effects: u8,
    replies: u32,
}

impl Effects {
    /// Whether a command that may change this has been sent or queued
    ///
    /// [`Effect::Rename`] ends with the RNTO.
    #[must_use]
    pub const fn has(self, effect: Effect) -> bool {
        self.effects & Self::bit(effect) != 0
    }

    /// Returns how many replies have come, including preliminary ones and a 421
    #[must_use]
    pub const fn replies(self) -> u32 {
        self.replies
    }

    const fn bit(effect: Effect) -> u8 {
        match effect {
            Effect::Directory => 1,
            Effect::Settings => 2,
            Effect::Files => 4,
            Effect::Rename => 8,
        }
    }

    pub(super) fn sent(&mut self, command: &Command<'_>) {
        if let Some(effect) = effect(command) {
            self.effects |= Self::bit(effect);
        }
        match command.verb() {
            Verb::RNFR => self.effects |= Self::bit(Effect::Rename),
            Verb::RNTO => self.renamed(),
            _ => {}
        }
    }

    /// Notes that the session can't return to the working directory
    pub(crate) fn directory_lost(&mut self) {
        self.effects |= Self::bit(Effect::Directory);
    }

    /// Notes that the server expects no RNTO
    pub(crate) fn renamed(&mut self) {
        self.effects &= !Self::bit(Effect::Rename);
    }

    pub(crate) fn replied(&mut self) {
        self.replies = self.replies.saturating_add(1);
    }
}

/// Returns what a command may change; an unknown command may change any setting
fn effect(command: &Command<'_>) -> Option<Effect> {
    const READING: &[Verb] = &[
        Verb::ABOR,
        Verb::ALLO,
        Verb::EPRT,
        Verb::EPSV,
        Verb::FEAT,
        Verb::HASH,
        Verb::HELP,
        Verb::LIST,
        Verb::MDTM,
        Verb::MLSD,
        Verb::MLST,
        Verb::NLST,
        Verb::NOOP,
        Verb::PASV,
        Verb::PORT,
        Verb::PWD,
        Verb::QUIT,
        Verb::REST,
        Verb::RETR,
        Verb::SIZE,
        Verb::STAT,
        Verb::SYST,
        Verb::TYPE,
        Verb::XCRC,
        Verb::XMD5,
        Verb::XSHA,
        Verb::XSHA1,
        Verb::XSHA256,
        Verb::XSHA512,
    ];
    const FILES: &[Verb] = &[
        Verb::APPE,
        Verb::DELE,
        Verb::MFMT,
        Verb::MKD,
        Verb::RMD,
        Verb::RNFR,
        Verb::RNTO,
        Verb::STOR,
        Verb::STOU,
    ];
    let verb = command.verb();
    if verb == Verb::EPSV && command.begins_with(b"ALL") {
        // After it, the server accepts no other command for data connections (RFC 2428 section 4).
        Some(Effect::Settings)
    } else if READING.contains(&verb) {
        None
    } else if FILES.contains(&verb) || of_files(command) {
        Some(Effect::Files)
    } else if verb == Verb::CWD || verb == Verb::CDUP {
        Some(Effect::Directory)
    } else if verb == Verb::OPTS && command.begins_with(b"HASH ") {
        // The client sends it before each HASH.
        None
    } else {
        Some(Effect::Settings)
    }
}

/// Whether a command is a sub-command of SITE that changes files
fn of_files(command: &Command<'_>) -> bool {
    const FILES: [&[u8]; 2] = [b"UTIME ", b"CHMOD "];
    command.verb() == Verb::SITE && FILES.iter().any(|name| command.begins_with(name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::command::Argument;

    #[test]
    fn commands_change_one_thing_or_nothing() {
        let effect = |verb: &str, argument: &str| {
            let argument = Argument::new(argument).unwrap();
            effect(&Command::new(Verb::new(verb).unwrap(), &argument))
        };
        for verb in ["RETR", "LIST", "SIZE", "NOOP", "TYPE", "PASV"] {
            assert_eq!(effect(verb, "x"), None, "{verb}");
        }
        for verb in ["STOR", "DELE", "RNTO", "MFMT"] {
            assert_eq!(effect(verb, "x"), Some(Effect::Files), "{verb}");
        }
        for verb in ["CWD", "CDUP"] {
            assert_eq!(effect(verb, "x"), Some(Effect::Directory), "{verb}");
        }
        for verb in ["USER", "PASS", "ACCT", "REIN", "PROT", "CCC", "OPTS", "MODE", "CLNT", "WHAT"]
        {
            assert_eq!(effect(verb, "x"), Some(Effect::Settings), "{verb}");
        }
        assert_eq!(effect("SITE", "UMASK 022"), Some(Effect::Settings));
        assert_eq!(effect("SITE", "utime f 2024"), Some(Effect::Files));
        assert_eq!(effect("OPTS", "HASH SHA-256"), None);
        assert_eq!(effect("EPSV", "1"), None);
        assert_eq!(effect("EPSV", "ALL"), Some(Effect::Settings));
        assert_eq!(effect("OPTS", "UTF8 ON"), Some(Effect::Settings));
    }

    #[test]
    fn effects_add_up() {
        let mut effects = Effects::default();
        effects.sent(&Command::bare(Verb::CDUP));
        effects.sent(&Command::bare(Verb::NOOP));
        effects.replied();
        assert!(effects.has(Effect::Directory) && !effects.has(Effect::Settings));
        assert_eq!(effects.replies(), 1);
    }
}
