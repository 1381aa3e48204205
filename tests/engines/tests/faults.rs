//! DataFusion on a server with faults: the right rows or an error, and both after a bounded time

use std::time::{Duration, Instant};

use datafusion::arrow::util::pretty::pretty_format_batches;
use datafusion::prelude::SessionContext;
use ftp_engines::register;
use ftp_object_store::FtpStore;
use ftp_test::{Action, Command, Limit, Server};

const FILES: usize = 12;
const ROWS: usize = 40_000;

/// More than the store reads before it returns a stream
fn csv(file: usize) -> Vec<u8> {
    let mut text = String::from("id,name\n");
    for row in 0..ROWS {
        text += &format!("{},row {row}\n", file * ROWS + row);
    }
    text.into_bytes()
}

fn server() -> Server {
    Server::with_files((0..FILES).map(|file| (format!("{file:02}.csv"), csv(file))))
}

/// A server that does this with the first downloads
fn with_downloads(count: usize, action: Action) -> Server {
    let server = server();
    server.on_command(move |Command { verb, in_all, .. }| match verb {
        "RETR" if in_all <= count => action.clone(),
        _ => Action::serve(),
    });
    server
}

fn with_limit(limit: Limit) -> Server {
    let server = server();
    server.limit_sessions(limit);
    server
}

/// Count and sum of all files, or an error
async fn query(server: &Server, wait: Duration) -> Result<String, String> {
    let context = SessionContext::new();
    let url = format!("ftp://{}", server.address());
    let store = FtpStore::builder().login("u", "p").wait_timeout(wait);
    register(&context, &url, store).unwrap();
    let create = format!(
        "CREATE EXTERNAL TABLE t (id BIGINT, name TEXT) STORED AS CSV LOCATION '{url}/' \
         OPTIONS ('format.has_header' 'true')"
    );
    let text = |error: datafusion::error::DataFusionError| error.to_string();
    context.sql(&create).await.map_err(text)?.collect().await.map_err(text)?;
    let rows = context.sql("SELECT count(*), sum(id) FROM t").await.map_err(text)?;
    Ok(pretty_format_batches(&rows.collect().await.map_err(text)?).unwrap().to_string())
}

#[track_caller]
fn assert_right(rows: &str) {
    let count = FILES * ROWS;
    let (count, sum) = (count.to_string(), (count * (count - 1) / 2).to_string());
    assert!(rows.contains(&count) && rows.contains(&sum), "{rows}");
}

const WAIT: Duration = Duration::from_secs(30);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_without_faults() {
    assert_right(&query(&server(), WAIT).await.unwrap());
}

/// Half of a CSV file is a CSV file, too
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sessions_that_break_in_the_middle_of_a_query() {
    for after in [0, 300_000, usize::MAX] {
        // The client has read everything by the time that the control connection closes.
        let breaks = Action::serve().break_at(after).pause(Duration::from_millis(200)).then_close();
        // Once: the read is resumed.
        assert_right(&query(&with_downloads(1, breaks.clone()), WAIT).await.unwrap());
        // Each time.
        let begun = Instant::now();
        let error = query(&with_downloads(usize::MAX, breaks), WAIT).await.unwrap_err();
        assert!(error.contains("can't read /"), "{error}");
        assert!(begun.elapsed() < Duration::from_secs(60), "{:?}", begun.elapsed());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reads_that_the_server_breaks_off() {
    for reply in ["426 broken off", "451 disk error"] {
        for after in [300_000, usize::MAX] {
            let server = with_downloads(1, Action::serve().break_at(after).final_reply(reply));
            let error = query(&server, WAIT).await.unwrap_err();
            assert!(error.contains(reply), "{error}");
            assert!(error.contains(".csv on ftp://u@127.0.0.1"), "{error}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_with_a_limit_is_waited_for() {
    for limit in [Limit::new(2), Limit::new(2).at_login()] {
        let server = with_limit(limit);
        assert_right(&query(&server, WAIT).await.unwrap());
        let sessions = server.sessions();
        assert!(sessions.most <= 2 && sessions.logins <= 2, "{sessions:?}");
    }
    for limit in [Limit::new(0), Limit::new(0).at_login()] {
        let begun = Instant::now();
        let error = query(&with_limit(limit), Duration::from_secs(2)).await.unwrap_err();
        assert!(error.contains("too many connections"), "{error}");
        assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
    }
}
