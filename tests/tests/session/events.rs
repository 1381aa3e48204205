//! Events that nobody takes

use std::convert::Infallible;

use ftp_session::{Config, Pipe, Pipes, Session, Slot, Time, TlsPolicy};

/// A server can send as many preliminary replies, and with them lines of the trace, as it likes
#[test]
fn a_caller_that_waits_for_one_result_keeps_no_other_events() {
    let mut config = Config::new(TlsPolicy::Plaintext);
    config.trace = true;
    let now = Time::ZERO;
    let mut session: Session<Pipe, Infallible> =
        Session::dialed_by_shell("localhost", 21, config, now).unwrap();
    let mut pipes = Pipes::new();
    session.start();
    let op = session.request().site("SLOW");
    let mut flood = 1000;
    let result = loop {
        session.turn(&mut pipes, now);
        if let Some(result) = session.completed(op) {
            break result;
        }
        let kept = std::iter::from_fn(|| session.poll_event()).count();
        assert_eq!(kept, 0);
        if let Some(id) = session.dial_request().map(|request| request.id) {
            session.dialed(id, Ok((pipes.add(Slot::Control, ()), None)), now);
        }
        pipes.for_each(&mut session, |(), pipe| {
            let sent = pipe.unsent().len();
            pipe.sent(sent);
            let replies: &[u8] = match flood {
                1000 => b"220 ready\r\n",
                0 => b"200 done\r\n",
                _ => b"150 still working on it\r\n150 and on\r\n",
            };
            flood -= 1;
            assert_eq!(pipe.receive(replies), replies.len());
        });
        session.ready_all();
    };
    assert_eq!(result.unwrap().code().get(), 200);
}
