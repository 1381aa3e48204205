//! Servers that have a file of every name

use ftp_test::{Action, Command, Server};

/// A server without faults
pub(crate) fn start() -> Server {
    start_with(|_| None)
}

/// A server that does with a command what the rule says, if it says anything
pub(crate) fn start_with(
    rule: impl Fn(Command<'_>) -> Option<Action> + Send + Sync + 'static,
) -> Server {
    crate::events::subscribe();
    let server = Server::start();
    server.files().make_dir("elsewhere");
    server.on_command(move |command| rule(command).unwrap_or_else(|| usual(command)));
    server
}

/// Ends a session at a command of this verb once it has had some, with a reply or without
pub(crate) fn ends(
    verb: &'static str,
    after: usize,
    reply: Option<&'static str>,
) -> impl Fn(Command<'_>) -> Option<Action> {
    move |command| {
        let ends = command.verb == verb && command.in_session > after;
        ends.then(|| reply.map_or_else(Action::close, Action::reply))
    }
}

fn usual(Command { verb, argument, .. }: Command<'_>) -> Action {
    match verb {
        "PASS" if argument != "p" => Action::reply("530 Login incorrect."),
        "FEAT" => Action::reply("500 what"),
        "SIZE" => Action::reply(format!("213 {}", content(argument).len())),
        "RETR" => Action::serve().data(content(argument)),
        "DELE" | "SITE" => Action::reply("200 fine"),
        _ => Action::serve(),
    }
}

/// Returns the content of the file with this name
pub(crate) fn content(name: &str) -> Vec<u8> {
    let length = if name == "big" { 8_000_000 } else { 1000 + name.len() };
    let mut bytes = name.repeat(length / name.len() + 1).into_bytes();
    bytes.truncate(length);
    bytes
}
