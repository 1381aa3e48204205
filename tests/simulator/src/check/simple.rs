//! The possible results of a request without a data connection, and of refusals of every other request

use super::super::{Ask, Deed, Fault, Task};
use super::{Class, Facts};

impl Facts<'_> {
    /// Whether a command can be part of this request
    pub(super) fn takes_part(&self, deed: &Deed) -> bool {
        let (verbs, _) = self.asked();
        let main = verbs.contains(&&*deed.verb);
        if self.before_login() {
            return true;
        }
        let sizes = main || deed.verb == "TYPE";
        match self.op.ask {
            Ask::Login => true,
            Ask::Size => sizes,
            Ask::Task if self.case.task == Task::Size => sizes,
            Ask::Task if !self.downloads() && !self.uploads() => {
                let also = match self.case.task {
                    Task::Rename => "RNFR",
                    Task::Canonicalize => "CWD",
                    _ => "",
                };
                main || deed.verb == also
            }
            Ask::Task => !matches!(&*deed.verb, "NOOP" | "DELE" | "SIZE"),
            Ask::Before | Ask::Get | Ask::Put => {
                main || matches!(&*deed.verb, "TYPE" | "EPSV" | "PASV" | "EPRT" | "PORT" | "REST")
            }
            Ask::Noop | Ask::Delete => main,
        }
    }

    /// Whether the login failed, so that commands sent together with it are refused
    pub(super) fn before_login(&self) -> bool {
        self.end.ops[0].results[0].is_err()
    }

    pub(super) fn refusals(&self, may: &mut Vec<Class>) {
        let own = |deed: &Deed| self.takes_part(deed);
        for (deed, said) in self.heard().filter(|(deed, said)| said.code >= 400 && own(deed)) {
            may.push(match &*deed.verb {
                "" => Class::NotServed,
                "AUTH" | "PROT" if self.case.way.is_tls() => Class::TlsRefused,
                _ => Class::Refused(said.code),
            });
            if deed.verb == "CWD" && said.code >= 500 {
                may.push(Class::NoDirectory);
            }
            if said.text.contains("without TLS") {
                may.push(Class::Demand);
            }
        }
        for (deed, said) in self.heard().filter(|(_, said)| !said.honest && said.code < 400) {
            may.extend([Class::Unexpected, Class::Invalid]);
            if said.code == 332 {
                may.push(Class::Demand);
            }
            if deed.verb.is_empty() && said.code / 100 == 2 {
                may.push(Class::Done);
            }
            if matches!(&*deed.verb, "RETR" | "LIST" | "NLST" | "MLSD" | "STOR" | "APPE" | "STOU") {
                may.push(Class::Protocol);
            }
            if said.code / 100 == 3 || deed.verb.is_empty() || deed.verb == "AUTH" {
                may.extend([Class::Protocol, Class::TlsRefused]);
            }
        }
        // 699 and the like are not replies (RFC 959 section 4.2).
        if self.heard().any(|(_, said)| said.code >= 600) {
            may.push(Class::Protocol);
            if (self.downloads() || self.uploads()) && self.is_whole() {
                may.push(Class::Unconfirmed);
            }
        }
    }

    pub(super) fn endings(&self, may: &mut Vec<Class>) {
        may.extend(self.cause().map(|(class, _)| class));
        if self.silence() {
            // In a batch the next answer is taken for the missing one.
            may.extend([Class::TimedOut, Class::Protocol, Class::Unexpected, Class::Invalid]);
        }
        if let Fault::Closing(..) = self.case.fault {
            // Half a line may be a reply; after a 234 the rest is not read.
            may.extend([Class::Protocol, Class::Invalid]);
            if self.end.gone.is_some() {
                may.push(Class::Lost);
            }
        }
    }

    pub(super) fn simple(&self) -> Vec<Class> {
        let mut may = Vec::new();
        let told = self.heard().any(|(_, said)| !said.honest && matches!(said.code / 100, 2 | 3));
        let effect = match (self.op.ask, self.case.task) {
            (Ask::Delete, _) => false,
            (Ask::Task, Task::Delete) => !self.end.files.contains_key("g"),
            (Ask::Task, Task::Rename) => self.end.files.contains_key("h"),
            (Ask::Task, Task::Canonicalize) => {
                self.heard().any(|(deed, said)| deed.verb == "CWD" && said.code / 100 == 2)
            }
            _ => true,
        };
        // 230 may answer USER; then PASS is not sent.
        let user = self.op.ask == Ask::Login
            && self.heard().any(|(deed, said)| deed.verb == "USER" && said.code / 100 == 2);
        match self.finals().next() {
            Some(said) if said.code / 100 == 2 => {
                if effect || told {
                    may.push(Class::Done);
                }
                if said.honest && effect {
                    // An earlier command of the request may have been refused, which ends some requests.
                    let several = self.is_task()
                        && matches!(self.case.task, Task::Rename | Task::Canonicalize);
                    if !several && !told && !self.heard().any(|(_, said)| said.code >= 400) {
                        self.late(&mut may);
                        return may;
                    }
                }
            }
            Some(_) => {}
            None if user => may.push(Class::Done),
            None => {}
        }
        // A server without FEAT has no features (RFC 2389 section 3).
        let unknown = self.finals().any(|said| matches!(said.code, 500 | 502));
        if unknown && self.is_task() && self.case.task == Task::Features {
            may.push(Class::Done);
        }
        self.refusals(&mut may);
        self.endings(&mut may);
        may
    }

    /// Adds the classes for a session that may have ended in the batch to which the request belonged
    pub(super) fn late(&self, may: &mut Vec<Class>) {
        if self.op.ask == Ask::Login || matches!(self.case.fault, Fault::Closing(..)) {
            self.endings(may);
        }
    }
}
