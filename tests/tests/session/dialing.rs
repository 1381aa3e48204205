//! Connections that the shell makes, or does not

use std::convert::Infallible;
use std::io;
use std::time::Duration;

use ftp_session::{Config, Error, Pipe, Pipes, Session, Slot, Time, TlsPolicy};

type Dialed = Session<Pipe, Infallible>;

fn session() -> Dialed {
    let config = Config::new(TlsPolicy::Plaintext);
    let mut session = Dialed::dialed_by_shell("localhost", 21, config, Time::ZERO).unwrap();
    session.start();
    session
}

#[test]
fn a_control_connection_that_is_never_made_ends_the_session() {
    let (mut session, mut pipes) = (session(), Pipes::<()>::new());
    let login = session.request().login("u", "p");
    session.turn(&mut pipes, Time::ZERO);
    let deadline = session.deadline().expect("an end of the attempt");
    assert_eq!(session.dial_request().unwrap().deadline, Some(deadline));
    let just_before = Time::ZERO + (deadline - Time::ZERO - Duration::from_millis(1));
    session.turn(&mut pipes, just_before);
    assert!(session.completed(login).is_none() && session.dial_request().is_some());
    session.turn(&mut pipes, deadline);
    let error = session.completed(login).expect("an end").unwrap_err();
    assert!(
        matches!(&error, Error::Connect { error, .. } if error.kind() == io::ErrorKind::TimedOut),
        "{error:?}"
    );
    assert!(session.ended().is_some() && session.dial_request().is_none());
    assert_eq!(session.timeout(deadline), None);
}

/// A connection that is ready counts although its deadline has passed: the shell may have been late, not the server
#[test]
fn a_late_connection_counts_if_no_turn_came_before_it() {
    let (mut session, mut pipes) = (session(), Pipes::new());
    session.turn(&mut pipes, Time::ZERO);
    let late = session.deadline().unwrap() + Duration::from_secs(1);
    let id = session.dial_request().unwrap().id;
    session.dialed(id, Ok((pipes.add(Slot::Control, ()), None)), late);
    session.turn(&mut pipes, late);
    assert!(session.ended().is_none());
}
