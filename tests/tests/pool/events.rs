//! What the pool and its sessions report by the feature `tracing`

use std::cell::RefCell;
use std::fmt::{self, Write as _};
use std::rc::Rc;
use std::sync::Once;

use ftp_test::Limit;
use ftp_tokio::{Pool, Site};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

use crate::server::{ends, start, start_with};
use crate::{eventually, fetch};

thread_local! {
    /// Where the events of this thread are kept, if a test wants them
    static KEPT: RefCell<Option<Events>> = const { RefCell::new(None) };
}

/// Makes this file's subscriber that of the process, before anything is reported
///
/// `tracing` remembers for each event whether any subscriber wants it. What a thread without a subscriber remembers while
/// another thread sets its own is wrong until a subscriber is set again, so all threads have the same one from the beginning.
pub(crate) fn subscribe() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| tracing::subscriber::set_global_default(ToThread).unwrap());
}

/// Keeps each event on the thread that reports it
struct ToThread;

/// The events of a thread, each as a line: the target, then the fields
#[derive(Clone, Default)]
struct Events(Rc<RefCell<Vec<String>>>);

struct Fields(String);

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        write!(self.0, " {}={value:?}", field.name()).unwrap();
    }
}

impl Subscriber for ToThread {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        KEPT.with_borrow(|kept| {
            if let Some(Events(lines)) = kept {
                let mut fields = Fields(event.metadata().target().to_owned());
                event.record(&mut fields);
                lines.borrow_mut().push(fields.0);
            }
        });
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

impl Events {
    /// Begins to keep the events of this thread
    fn of_this_thread() -> Self {
        let events = Self::default();
        KEPT.set(Some(events.clone()));
        events
    }

    /// The events of the pool, after each of which the host is left out
    fn of_pool(&self, site: &Site) -> Vec<String> {
        let host = format!(" host={:?} port={}", site.host(), site.port());
        let events = self.0.borrow();
        let own = events.iter().filter_map(|event| event.strip_prefix("ftp::pool"));
        own.map(|event| {
            let (before, after) = event.split_once(&host).expect("the host");
            format!("{before}{after}").trim().to_owned()
        })
        .collect()
    }
}

/// The user is named in the commands alone, and the password nowhere
fn site(server: &ftp_test::Server) -> Site {
    let config = ftp_tokio::Config::new(ftp_tokio::TlsPolicy::Plaintext);
    Site::new(server.address(), config).unwrap().login("somebody", "hunter2")
}

#[tokio::test]
async fn each_session_is_reported_from_its_opening_to_its_end() {
    let events = Events::of_this_thread();
    let server = start_with(|command| match command.verb {
        // Its usual password is another.
        "PASS" => Some(ftp_test::Action::reply("230 welcome")),
        _ => ends("SIZE", 0, Some("421 Timeout."))(command),
    });
    let (pool, site) = (Pool::new(), site(&server));
    for _ in 0..2 {
        fetch(&mut pool.lease(&site).await.unwrap(), "f").await.unwrap();
    }
    let mut lease = pool.lease(&site).await.unwrap();
    lease.size("f").await.unwrap_err();
    drop(lease);
    let mut lease = pool.lease(&site).await.unwrap();
    lease.site("UMASK 000").await.unwrap();
    drop(lease);
    eventually("both are closed", || pool.status(&site).sessions == 0).await;
    drop(pool.lease(&site).await.unwrap());
    pool.close();
    eventually("so is the last", || pool.status(&site).sessions == 0).await;
    let expected = [
        "message=opened",
        "message=reused",
        "message=reused",
        "message=closed reason=ended by the server",
        "message=opened",
        "message=closed reason=changed by its user",
        "message=opened",
        "message=closed reason=the pool is closed",
    ];
    assert_eq!(events.of_pool(&site), expected);
    let all = events.0.borrow();
    let of_sessions: Vec<_> = all.iter().filter(|event| event.starts_with("ftp ")).collect();
    for line in ["USER somebody", "PASS ", "RETR f", "226 done", "421 Timeout."] {
        assert!(of_sessions.iter().any(|event| event.contains(line)), "{line}: {of_sessions:#?}");
    }
    assert!(!all.iter().any(|event| event.contains("hunter2")), "{all:#?}");
    let named = |event: &&String| event.contains("somebody") && event.starts_with("ftp::pool");
    assert_eq!(all.iter().find(named), None);
}

#[tokio::test]
async fn a_refusal_is_reported() {
    let events = Events::of_this_thread();
    let server = start();
    server.limit_sessions(Limit::new(1));
    let (pool, site) = (Pool::new(), crate::site(&server));
    let held = pool.lease(&site).await.unwrap();
    let waiting = tokio::time::timeout(std::time::Duration::from_millis(300), pool.lease(&site));
    waiting.await.unwrap_err();
    drop(held);
    let events = events.of_pool(&site);
    let refusals = events.iter().filter(|event| event.starts_with("message=refused error="));
    let refusals: Vec<_> = refusals.collect();
    assert!(refusals.len() == 1 && refusals[0].contains("421"), "{events:#?}");
}
