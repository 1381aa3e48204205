//! Servers with files, and with faults that a test chooses

use ftp_test::{Action, Command, Files, Server};

/// A server without faults
pub(crate) fn start(files: &[(&str, &[u8])]) -> Server {
    start_with(files, |_, _| None)
}

/// A server that does with a command what the rule says, if it says anything
pub(crate) fn start_with(
    files: &[(&str, &[u8])],
    rule: impl Fn(Command<'_>, &Files) -> Option<Action> + Send + Sync + 'static,
) -> Server {
    let server = Server::with_files(files.iter().copied());
    let files = server.files().clone();
    server.on_command(move |command| match (command.verb, command.argument) {
        ("PASS", password) if password != "p" => Action::reply("530 Login incorrect."),
        _ => rule(command, &files).unwrap_or_else(Action::serve),
    });
    server
}

/// Has this done with the first commands of a verb
pub(crate) fn first(
    count: usize,
    verb: &'static str,
    action: Action,
) -> impl Fn(Command<'_>, &Files) -> Option<Action> {
    move |command, _| (command.verb == verb && command.in_all <= count).then(|| action.clone())
}

/// Has this done with all commands of a verb
pub(crate) fn all(
    verb: &'static str,
    action: Action,
) -> impl Fn(Command<'_>, &Files) -> Option<Action> {
    first(usize::MAX, verb, action)
}
