//! How much work a waiting task causes

use std::io;
use std::ops::Range;

use ftp_proto::{Config, TlsPolicy};

use super::*;

fn site(user: u64) -> Site {
    Site::new("host", Config::new(TlsPolicy::Plaintext)).unwrap().login(user.to_string(), "secret")
}

/// A host whose only session is being opened, for the first user
fn occupied(users: u64, now: Instant) -> (Host, Vec<Site>) {
    let settings = PoolBuilder::new().sessions_per_host(1);
    let mut host = Host::new(&settings, Origin::new(now.into_std()));
    let sites: Vec<Site> = (0..users).map(site).collect();
    host.line.enter(0, sites[0].clone(), Arc::default());
    host.serve(now);
    assert!(matches!(host.line.take(0), Some(Turn::Open(_))));
    (host, sites)
}

fn enter(host: &mut Host, sites: &[Site], numbers: Range<u64>, now: Instant) {
    for number in numbers {
        let site = &sites[number as usize % sites.len()];
        host.line.enter(number, site.clone(), Arc::default());
        host.serve(now);
    }
}

/// Thousands of tasks may wait, so the cost of one must not depend on their number
#[test]
fn a_waiting_task_costs_the_same_however_many_wait() {
    const WAITING: u64 = 2000;
    let now = Instant::now();
    // All wait for the login that is tried, or half of them, or each for one of its own.
    for users in [1, 2, WAITING] {
        for is_open in [false, true] {
            let (mut host, sites) = occupied(users, now);
            if is_open {
                host.attempted(&sites[0], Attempt::Opened, now);
            }
            enter(&mut host, &sites, 1..WAITING + 1, now);
            // From both ends: those that give up are not always the last ones.
            for step in 0..WAITING {
                let number = if step % 2 == 0 { 1 + step / 2 } else { WAITING - step / 2 };
                host.leave(number, now);
                host.serve(now);
            }
            assert_eq!(host.status(now).waiting, 0);
            let looks = host.line.looks.get() as u64;
            assert!(looks < 10 * WAITING, "{looks} for {users} users, open: {is_open}");
        }
    }
}

/// A refused login ends the wait of every task that wants it, and of no other
#[test]
fn a_refused_login_calls_those_that_wait_for_it() {
    let now = Instant::now();
    let (mut host, sites) = occupied(3, now);
    enter(&mut host, &sites, 1..301, now);
    host.line.looks.set(0);
    let error = Error::Local(io::ErrorKind::PermissionDenied.into());
    host.attempted(&sites[0], Attempt::Rejected(error, Duration::from_secs(600)), now);
    host.serve(now);
    for number in 1..301 {
        let is_rejected = matches!(host.line.take(number), Some(Turn::Rejected(_)));
        assert_eq!(is_rejected, number % 3 == 0, "{number}");
    }
    assert!(host.refusal(&sites[0], now).is_some() && host.refusal(&sites[1], now).is_none());
    assert!(host.line.looks.get() < 10 * 300);
}

/// A task that returns to its place in line is the first of its site again
#[test]
fn the_line_knows_the_first_task_of_each_site() {
    let (mut line, sites) = (Line::default(), [site(0), site(1)]);
    let enter = |line: &mut Line, number: u64| {
        line.enter(number, sites[number as usize % 2].clone(), Arc::default());
    };
    let firsts = |line: &Line| line.firsts().map(|(number, _)| number).collect::<Vec<_>>();
    for number in [4, 5, 2, 7, 3] {
        enter(&mut line, number);
    }
    assert_eq!(firsts(&line), [2, 3]);
    assert_eq!(sites.each_ref().map(|site| line.first_for(site)), [Some(2), Some(3)]);
    line.call(2, Turn::Open);
    line.leave(7);
    assert_eq!(firsts(&line), [3, 4]);
    line.take(2);
    enter(&mut line, 2);
    assert_eq!(firsts(&line), [2, 3]);
    for number in [2, 3, 4, 5] {
        line.leave(number);
    }
    assert!(firsts(&line).is_empty() && line.is_empty());
}
