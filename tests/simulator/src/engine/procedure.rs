//! Procedures, which make several requests and use a local file, on a simulated session
//!
//! Any error is accepted. But a success must be true: both files are the same, no byte of the local file was lost or
//! invented, and the procedure ends.

use std::io;

use ftp_session::procedure::{Access, LocalAnswer, LocalOrder, ProcedureStep, ResumeOptions};
use ftp_session::{Error, Mismatch, Procedure};

use super::play::EngineEnd;
use super::shell::{Shell, Waited};
use super::tls::Tls;
use crate::session::FILE;
use crate::{Broken, Case, ControlFault, Fault, MoveEnd, Side, Task, Which, WireFault};

/// The local file, which may not exist
#[derive(Debug)]
struct Local(Option<Vec<u8>>);

impl Local {
    fn carry_out(&mut self, order: LocalOrder<'_>) -> io::Result<LocalAnswer> {
        let missing = || io::Error::from(io::ErrorKind::NotFound);
        Ok(match order {
            LocalOrder::Open(access) => {
                let length = self.0.as_ref().map(|file| file.len() as u64);
                match (access, length) {
                    (Access::Read, None) => return Err(missing()),
                    (Access::Read | Access::Append, length) => LocalAnswer::Opened(length),
                    (Access::Create, Some(_)) => return Err(io::ErrorKind::AlreadyExists.into()),
                    (Access::Create | Access::Replace, _) => {
                        self.0 = Some(Vec::new());
                        LocalAnswer::Opened(Some(0))
                    }
                }
            }
            LocalOrder::Read { at, into } => {
                let file = self.0.as_ref().ok_or_else(missing)?;
                let rest = file.get(at as usize..).unwrap_or_default();
                let count = rest.len().min(into.len());
                into[..count].copy_from_slice(&rest[..count]);
                LocalAnswer::Read(count)
            }
            LocalOrder::Write { at, from, length } => {
                let file = self.0.as_mut().ok_or_else(missing)?;
                assert_eq!(at, file.len() as u64, "not at the end of the file");
                file.extend_from_slice(&from[..length]);
                LocalAnswer::Done
            }
            LocalOrder::SetLength(length) => {
                self.0.as_mut().ok_or_else(missing)?.truncate(length as usize);
                LocalAnswer::Done
            }
            LocalOrder::Hash(_) => LocalAnswer::Hash(None),
        })
    }
}

/// The server's name for the file
fn remote(task: Task) -> &'static str {
    match task {
        Task::UploadFile => "new",
        Task::ResumeUpload => "part",
        Task::ResumeOther => "p",
        _ => "f",
    }
}

/// The initial content of the local file
fn local(task: Task) -> Option<&'static [u8]> {
    match task {
        Task::ResumeDownload => Some(&FILE[..20]),
        Task::ResumeWrong => Some(b"0123456789abcdefXXXXX"),
        Task::UploadFile | Task::ResumeUpload | Task::ResumeOther | Task::VerifyFile => Some(FILE),
        _ => None,
    }
}

/// Plays a session with a procedure to its end
pub(super) fn play(case: Case, tls: Tls, broken: Broken, traced: bool) -> EngineEnd {
    let mut shell = Shell::new(case, tls, broken, traced);
    shell.host.server.files.insert("part".into(), FILE[..15].to_vec());
    let login = shell.session.request().login("u", "p");
    let mut file = Local(local(case.task).map(<[u8]>::to_vec));
    let options = ResumeOptions::new().overlap(8).block_size(7);
    let name = remote(case.task);
    let outcome = match case.task {
        Task::DownloadFile => run(&mut shell, &mut file, Procedure::download_file(name)),
        Task::UploadFile => run(&mut shell, &mut file, Procedure::upload_file(name)),
        Task::VerifyFile => run(&mut shell, &mut file, Procedure::verify_file(name)),
        Task::ResumeUpload | Task::ResumeOther => {
            run(&mut shell, &mut file, Procedure::resume_upload(name, options))
        }
        _ => run(&mut shell, &mut file, Procedure::resume_download(name, options)),
    };
    let _ = login;
    let bounded = outcome.is_ok();
    let wrong = match &outcome {
        Ok(result) => check(case, &shell, result, file.0.as_deref()),
        Err(Waited::Spins) => Some("turns without waiting".to_owned()),
        Err(_) => None,
    };
    shell.note(|| format!("{outcome:?}: {wrong:?}"));
    let end = shell.end(bounded);
    let digest = shell.net.borrow().digest;
    EngineEnd { end, wrong, digest }
}

/// Returns the result, or why the clock stopped
fn run<T>(
    shell: &mut Shell,
    file: &mut Local,
    mut procedure: Procedure<T>,
) -> Result<Result<(), Error>, Waited> {
    loop {
        shell.turn();
        while let Some(mut event) = shell.session.poll_event() {
            shell.note(|| format!("event {event:?}"));
            procedure.handle(&mut event);
        }
        loop {
            let now = shell.now();
            match procedure.turn(&mut shell.session, now) {
                ProcedureStep::Request => break,
                ProcedureStep::Local(order) => {
                    let answer = file.carry_out(order);
                    procedure.answer(answer);
                }
                ProcedureStep::Wait => {
                    if let waited @ (Waited::Stuck | Waited::Spins) = shell.wait() {
                        return Err(waited);
                    }
                    break;
                }
                ProcedureStep::Done(result) => {
                    shell.note_extent();
                    return Ok(result.map(drop));
                }
            }
        }
    }
}

/// Returns what is wrong with the result
fn check(
    case: Case,
    shell: &Shell,
    result: &Result<(), Error>,
    local_file: Option<&[u8]>,
) -> Option<String> {
    let remote_file = shell.host.server.files.get(remote(case.task)).map(Vec::as_slice);
    let before = local(case.task);
    let same = local_file.is_some() && local_file == remote_file;
    if case.task.uploads() || case.task == Task::VerifyFile {
        if local_file != before {
            return Some("the local file was changed".to_owned());
        }
    } else {
        let kept = local_file.unwrap_or_default();
        // The local file may contain its old content or the server's, and nothing else.
        if !FILE.starts_with(kept) && Some(kept) != before {
            return Some(format!("bytes were invented: {}", kept.escape_ascii()));
        }
        if kept.len() < before.map_or(0, <[u8]>::len) {
            return Some("bytes were lost".to_owned());
        }
    }
    match result {
        Ok(()) if case.task == Task::ResumeWrong || case.task == Task::ResumeOther => {
            Some("done, though the files are not of one origin".to_owned())
        }
        Ok(()) if same || unknowable(case, shell) => None,
        Ok(()) => Some("done, and the files differ".to_owned()),
        Err(Error::Mismatch(Mismatch::Size { local, remote })) if local == remote => {
            Some("a mismatch of equal sizes".to_owned())
        }
        // A misread number may lead to this error, and nothing is changed.
        Err(Error::Mismatch(_))
            if matches!(case.fault, Fault::Control(ControlFault::Garbage, _)) =>
        {
            None
        }
        Err(Error::Mismatch(_)) if same => Some("a mismatch of equal files".to_owned()),
        Err(error) if error.to_string().is_empty() => Some("an error without words".to_owned()),
        Err(_) => None,
    }
}

/// Whether a truncated download can't be recognized: in clear text, without a size, if the server reports that it has
/// sent everything (RFC 959 section 3.4.1: the end of the connection is the end of the file)
fn unknowable(case: Case, shell: &Shell) -> bool {
    let cut = matches!(case.fault, Fault::Wire(WireFault::Cut, Which::Data, Side::Server, _));
    let net = shell.net.borrow();
    let in_order =
        net.moves.values().any(|moved| matches!(moved.end, Some((MoveEnd::Finished, _))));
    let told = shell.host.server.deeds.iter().any(|deed| {
        deed.announced.is_some()
            || deed.verb == "SIZE" && deed.said.iter().any(|said| said.code == 213)
    });
    cut && in_order && !told && !case.way.is_tls()
}
