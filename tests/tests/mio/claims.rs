//! What identifies requests and sessions: numbers, keys, tokens

use std::net::{SocketAddr, TcpListener};
use std::time::Instant;

use ftp_mio::manager::Manager;
use ftp_mio::mio::{Events, Poll, Token};
use ftp_mio::{Config, Error, Event, Session};
use ftp_tests::scripted::Server;

use crate::config;

/// Nothing listens there, and no test connects
fn nowhere() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 1))
}

fn numbered(number: u32) -> Config {
    let mut config = config();
    config.client_number = number;
    config
}

/// Both requests are the first of their session.
#[test]
fn a_claim_on_another_session_gets_nothing() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let address = listener.local_addr().unwrap();
    let mut manager = Manager::new(Token(0));
    let first = manager.connect(&[address], config()).unwrap();
    let second = manager.connect(&[address], config()).unwrap();
    let foreign = manager.session(second).unwrap().noop();
    let mut session = manager.session(first).unwrap();
    let own = session.noop();
    session.abort(foreign.id());
    assert!(session.poll_event().is_none());
    session.abort(own.id());
    let Some(Event::Completed(mut done)) = session.poll_event() else { panic!("no completion") };
    assert!(done.take(foreign).is_none());
    assert!(done.take(own).unwrap().is_err());
}

/// The token, the poll and the manager say nothing about which session a claim is on
#[test]
fn sessions_never_have_the_same_requests() {
    let address = nowhere();
    let (mut one, mut other) = (Manager::new(Token(0)), Manager::new(Token(0)));
    let mut ids = Vec::new();
    for manager in [&mut one, &mut other] {
        let key = manager.connect(&[address], config()).unwrap();
        ids.push(manager.session(key).unwrap().noop().id());
        // The next session has the tokens of this one.
        manager.remove(key);
        let key = manager.connect(&[address], config()).unwrap();
        ids.push(manager.session(key).unwrap().noop().id());
    }
    let mut first = Session::new(Token(0), &[address], config()).unwrap();
    // Settings that are copied from a session have the number that it took.
    let copied = first.config().clone();
    ids.push(first.noop().id());
    for config in [config(), copied, numbered(1), numbered(2)] {
        ids.push(Session::new(Token(0), &[address], config).unwrap().noop().id());
    }
    for (at, id) in ids.iter().enumerate() {
        assert!(!ids[..at].contains(id), "{ids:?}");
    }
}

/// The application still holds a claim on the session that was lost
#[test]
fn a_session_that_connects_again_does_not_answer_old_claims() {
    let server = Server::start(|s| {
        s.welcome();
        s.exchange("TYPE I", "200 binary");
        s.exchange("SIZE b", "213 222");
    });
    let mut poll = Poll::new().unwrap();
    let mut lost = Session::new(Token(0), &[server.address()], config()).unwrap();
    // As in the next session, the second request is the one for the size.
    lost.login("u", "p");
    let old = lost.size("a");
    drop(lost);
    let mut session =
        Session::connect(poll.registry(), Token(0), &[server.address()], config()).unwrap();
    session.login("u", "p");
    let new = session.size("b");
    let mut events = Events::with_capacity(8);
    let mut done = loop {
        poll.poll(&mut events, session.timeout(Instant::now())).unwrap();
        for event in &events {
            session.handle_event(event);
        }
        session.turn(poll.registry(), Instant::now());
        let completed = std::iter::from_fn(|| session.poll_event()).find_map(|event| match event {
            Event::Completed(done) if done.op() == new.id() => Some(done),
            _ => None,
        });
        if let Some(done) = completed {
            break done;
        }
    };
    assert!(done.take(old).is_none());
    assert_eq!(done.take(new).unwrap().unwrap(), 222);
    drop(session);
    server.join();
}

#[test]
fn the_key_of_another_manager_is_invalid() {
    let (mut one, mut other) = (Manager::new(Token(0)), Manager::new(Token(0)));
    let key = one.connect(&[nowhere()], config()).unwrap();
    let foreign = other.connect(&[nowhere()], config()).unwrap();
    assert_ne!(key, foreign);
    assert!(one.session(foreign).is_none() && !one.remove(foreign) && !one.is_waiting(foreign));
    assert!(one.session(key).is_some());
}

/// Tokens never begin again at 0: those are the application's
#[test]
fn sessions_without_tokens_are_refused() {
    let last = usize::MAX - (Session::TOKENS - 1);
    Session::new(Token(last), &[nowhere()], config()).unwrap();
    let refused = |result| matches!(result, Err(Error::InvalidRequest { .. }));
    assert!(refused(Session::new(Token(last + 1), &[nowhere()], config()).map(drop)));
    for (first, room) in [(usize::MAX - 5, 1), (usize::MAX, 0), (last - Session::TOKENS, 2)] {
        let mut manager = Manager::new(Token(first));
        for _ in 0..room {
            manager.connect(&[nowhere()], config()).unwrap();
        }
        assert!(refused(manager.connect(&[nowhere()], config()).map(drop)));
        // The manager goes on with those that it has.
        assert_eq!(manager.len(), room);
        assert!(manager.deadline().is_none());
    }
}
