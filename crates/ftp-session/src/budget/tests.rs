mod model;

use ftp_proto::{Code, Reply, Time};

use super::*;

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);

fn at(seconds: u64) -> Time {
    Time::after_origin(Duration::from_secs(seconds))
}

fn full() -> Reply {
    Reply::new(Code::SERVICE_CLOSING, b"There are too many connections from your internet address.")
}

fn full_at(limit: usize) -> Reply {
    let text = format!("Too many connections ({limit}) from this IP");
    Reply::new(Code::SERVICE_CLOSING, text.as_bytes())
}

fn open(budget: &mut Budget, now: Time) {
    assert_eq!(budget.admission(now), Admission::Now, "{budget:?}");
    budget.begin(now);
    budget.opened(now);
}

fn open_all(budget: &mut Budget, count: usize, now: Time) {
    (0..count).for_each(|_| open(budget, now));
}

fn refuse(budget: &mut Budget, reply: &Reply, now: Time) {
    assert_eq!(budget.admission(now), Admission::Now, "{budget:?}");
    budget.begin(now);
    budget.refused(reply, now);
}

#[test]
fn a_refusal_sets_the_ceiling_for_ten_minutes() {
    let mut budget = Budget::new(100);
    open_all(&mut budget, 8, at(0));
    refuse(&mut budget, &full(), at(1));
    assert_eq!(budget.limit(at(1)), 8);
    assert_eq!(budget.admission(at(2)), Admission::Later(Some(at(601))));
    // A session that ends makes room for another.
    budget.ended(SessionEnd::Orderly, at(3));
    let forgotten_at = at(3) + PROCESS_EXIT;
    assert_eq!(budget.admission(at(3)), Admission::Later(Some(forgotten_at)));
    open(&mut budget, forgotten_at);
    assert_eq!(budget.admission(at(600)), Admission::Later(Some(at(601))));
    // After ten minutes one more is tried, and only one.
    assert_eq!(budget.admission(at(601)), Admission::Now);
    budget.begin(at(601));
    assert!(matches!(budget.admission(at(601)), Admission::Later(Some(_))));
    budget.refused(&full(), at(602));
    assert_eq!(budget.limit(at(602)), 8);
    assert_eq!(budget.admission(at(603)), Admission::Later(Some(at(1202))));
}

#[test]
fn a_limit_that_was_raised_is_found() {
    let mut budget = Budget::new(100);
    open_all(&mut budget, 2, at(0));
    refuse(&mut budget, &full(), at(1));
    open_all(&mut budget, 5, at(602));
    assert_eq!(budget.count(), 7);
}

#[test]
fn a_stated_number_holds_longer() {
    let mut budget = Budget::new(100);
    open_all(&mut budget, 8, at(0));
    refuse(&mut budget, &full_at(8), at(1));
    assert_eq!(budget.admission(at(7200)), Admission::Later(None));
    budget.ended(SessionEnd::Orderly, at(7200));
    open(&mut budget, at(7201));
    assert_eq!(budget.limit(at(7200)), 8);
}

#[test]
fn a_stated_number_may_be_out_of_reach() {
    // Other clients hold four of the eight.
    let mut budget = Budget::new(100);
    open_all(&mut budget, 4, at(0));
    refuse(&mut budget, &full_at(8), at(1));
    assert_eq!(budget.limit(at(1)), 4);
    // The other clients have left.
    open_all(&mut budget, 4, at(700));
    assert_eq!(budget.admission(at(700)), Admission::Later(None));
    assert_eq!(budget.admission(at(7000)), Admission::Later(None));
}

#[test]
fn a_stated_number_below_the_open_sessions_is_ignored() {
    let mut budget = Budget::new(100);
    open_all(&mut budget, 4, at(0));
    refuse(&mut budget, &full_at(2), at(1));
    assert_eq!(budget.limit(at(1)), 4);
    assert_eq!(budget.limit(at(700)), 100);
}

#[test]
fn sessions_beyond_those_proven_are_tried_one_by_one() {
    let mut budget = Budget::new(100);
    budget.begin(at(0));
    assert_eq!(budget.admission(at(1)), Admission::Later(Some(at(10))));
    budget.opened(at(1));
    open_all(&mut budget, 3, at(1));
    (0..3).for_each(|_| budget.ended(SessionEnd::Orderly, at(2)));
    // Up to four sessions are proven.
    for _ in 0..4 {
        assert_eq!(budget.admission(at(3)), Admission::Now);
        budget.begin(at(3));
    }
    assert_eq!(budget.admission(at(3)), Admission::Later(Some(at(13))));
    // A session that hangs delays the others for ten seconds.
    (0..3).for_each(|_| budget.opened(at(4)));
    assert!(matches!(budget.admission(at(12)), Admission::Later(Some(_))));
    assert_eq!(budget.admission(at(13)), Admission::Now);
}

#[test]
fn a_lower_limit_is_probed_one_by_one_too() {
    let mut budget = Budget::new(100);
    open_all(&mut budget, 8, at(0));
    (0..4).for_each(|_| budget.ended(SessionEnd::Orderly, at(1)));
    refuse(&mut budget, &full(), at(2));
    assert_eq!(budget.limit(at(2)), 4);
    // Eight were accepted before, but the server has lowered that since.
    assert_eq!(budget.admission(at(602)), Admission::Now);
    budget.begin(at(602));
    assert!(matches!(budget.admission(at(602)), Admission::Later(Some(_))));
}

#[test]
fn all_attempts_in_progress_may_be_refused() {
    let mut budget = Budget::new(100).at_once(usize::MAX);
    for _ in 0..12 {
        assert_eq!(budget.admission(at(0)), Admission::Now);
        budget.begin(at(0));
    }
    (0..3).for_each(|_| budget.opened(at(1)));
    (0..9).for_each(|_| budget.refused(&full(), at(1)));
    assert_eq!((budget.limit(at(1)), budget.count()), (3, 3));
}

#[test]
fn the_users_maximum_comes_first() {
    let mut budget = Budget::new(2);
    open_all(&mut budget, 2, at(0));
    assert_eq!(budget.admission(at(0)), Admission::Later(None));
    // The maximum is at least one.
    let mut budget = Budget::new(0);
    open(&mut budget, at(0));
    budget.set_maximum(2);
    open(&mut budget, at(0));
}

#[test]
fn a_server_that_refuses_the_only_session_is_left_alone() {
    let mut budget = Budget::new(100);
    let (mut now, mut waits) = (at(0), Vec::new());
    for _ in 0..6 {
        refuse(&mut budget, &full(), now);
        let Admission::Later(Some(then)) = budget.admission(now) else { panic!("{budget:?}") };
        waits.push((then - now).as_secs());
        now = then;
    }
    assert_eq!(waits, [5, 10, 20, 40, 60, 60]);
    open(&mut budget, now);
    budget.ended(SessionEnd::Orderly, now);
    now += SECOND;
    // At the next refusal the wait starts at five seconds again.
    refuse(&mut budget, &full(), now);
    assert_eq!(budget.admission(now), Admission::Later(Some(now + 5 * SECOND)));
}

#[test]
fn the_caller_sets_and_ends_the_wait_after_a_refusal() {
    let mut budget = Budget::new(100).back_off(SECOND, 3 * SECOND);
    let (mut now, mut waits) = (at(0), Vec::new());
    for _ in 0..4 {
        refuse(&mut budget, &full(), now);
        let Admission::Later(Some(then)) = budget.admission(now) else { panic!("{budget:?}") };
        waits.push((then - now).as_secs());
        now = then;
    }
    assert_eq!(waits, [1, 2, 3, 3]);
    refuse(&mut budget, &full(), now);
    budget.end_back_off();
    refuse(&mut budget, &full(), now);
    assert_eq!(budget.admission(now), Admission::Later(Some(now + SECOND)));
    // Without a wait, only the caller limits the attempts.
    let mut budget = Budget::new(100).back_off(Duration::ZERO, 3 * SECOND);
    refuse(&mut budget, &full(), now);
    open(&mut budget, now);
}

/// Others may have had all sessions, or the server was just starting: it may accept more than one by now
#[test]
fn a_refusal_of_the_only_session_is_no_limit() {
    let mut budget = Budget::new(8);
    refuse(&mut budget, &full(), at(0));
    let now = at(5);
    assert_eq!(budget.admission(now), Admission::Now);
    budget.begin(now);
    // The others are tried one by one.
    assert!(matches!(budget.admission(now), Admission::Later(Some(_))));
    budget.opened(now);
    assert_eq!(budget.limit(now), 8);
    open_all(&mut budget, 3, now);
    refuse(&mut budget, &full(), now);
    assert_eq!(budget.limit(now), 4);
    // A lower ceiling that was known before still holds.
    let mut budget = Budget::new(8);
    open_all(&mut budget, 2, at(0));
    refuse(&mut budget, &full(), at(0));
    (0..2).for_each(|_| budget.ended(SessionEnd::Orderly, at(1)));
    refuse(&mut budget, &full(), at(2));
    assert_eq!(budget.limit(at(8)), 2);
}

#[test]
fn a_broken_session_is_counted_for_a_moment() {
    let mut budget = Budget::new(100);
    open_all(&mut budget, 8, at(0));
    refuse(&mut budget, &full(), at(1));
    budget.ended(SessionEnd::Broken, at(2));
    let forgotten_at = at(2) + LINGER;
    assert_eq!(budget.admission(at(2)), Admission::Later(Some(forgotten_at)));
    assert_eq!(budget.admission(forgotten_at), Admission::Now);
}

#[test]
fn sessions_that_are_cut_halve_once() {
    let mut budget = Budget::new(100);
    open_all(&mut budget, 8, at(0));
    (0..3).for_each(|_| budget.ended(SessionEnd::Cut, at(5)));
    assert_eq!((budget.limit(at(5)), budget.excess(at(5))), (4, 1));
    budget.ended(SessionEnd::Cut, at(20));
    assert_eq!(budget.limit(at(20)), 2);
    (0..10).for_each(|_| budget.ended(SessionEnd::Cut, at(20) + MINUTE));
    assert_eq!(budget.limit(at(80)), 2);
    // The limit never falls below one session.
    budget.ended(SessionEnd::Cut, at(200));
    assert_eq!(budget.limit(at(200)), 1);
    assert_eq!(budget.admission(at(200)), Admission::Later(Some(at(200) + PROCESS_EXIT)));
    open(&mut budget, at(201));
}

#[test]
fn data_connections_that_fail_in_numbers_halve() {
    let mut budget = Budget::new(100);
    open_all(&mut budget, 8, at(0));
    // Occasional failures don't count.
    (0..20).for_each(|minute| budget.data_failed(at(minute * 20)));
    assert_eq!(budget.limit(at(400)), 100);
    (0..8).for_each(|_| budget.data_failed(at(1000)));
    assert_eq!(budget.limit(at(1000)), 4);
}

#[test]
fn a_refused_password_does_not_change_the_budget() {
    let mut budget = Budget::new(100);
    open_all(&mut budget, 2, at(0));
    budget.begin(at(0));
    budget.failed(at(1));
    assert_eq!((budget.limit(at(1)), budget.count()), (100, 2));
    assert_eq!(budget.admission(at(2)), Admission::Now);
}

#[test]
fn a_budget_without_state_can_be_forgotten() {
    let mut budget = Budget::new(100);
    assert!(budget.can_be_forgotten(at(0)));
    open(&mut budget, at(0));
    assert!(!budget.can_be_forgotten(at(0)));
    refuse(&mut budget, &full(), at(0));
    budget.ended(SessionEnd::Orderly, at(1));
    assert!(!budget.can_be_forgotten(at(1)) && budget.can_be_forgotten(at(601)));
}

#[test]
fn a_budget_is_not_forgotten_while_the_server_may_count_its_last_session() {
    for (end, moment) in [(SessionEnd::Orderly, PROCESS_EXIT), (SessionEnd::Broken, LINGER)] {
        let mut budget = Budget::new(100);
        open(&mut budget, at(0));
        budget.ended(end, at(1));
        assert!(!budget.can_be_forgotten(at(1)), "{end:?}");
        assert!(budget.can_be_forgotten(at(1) + moment), "{end:?}");
    }
}

/// vsftpd without a free passive port has too many sessions; any other `500 OOPS` is about one of them
#[test]
fn a_process_that_exits_lowers_the_ceiling_only_if_ports_are_lacking() {
    let end = |text: &[u8]| {
        SessionEnd::of(&ConnectionError::Crashed(Reply::new(Code::UNRECOGNIZED, text)))
    };
    assert_eq!(end(b"OOPS: vsf_sysutil_bind"), SessionEnd::Cut);
    assert_eq!(end(b"OOPS: could not bind listening IPv4 socket"), SessionEnd::Cut);
    assert_eq!(end(b"OOPS: child died"), SessionEnd::Orderly);
}
