//! A Ballista cluster on the real servers: the same rows as DataFusion reads from the local files
//!
//! `tests/engines/run` starts the servers. Without them, the tests do nothing and print that. Both servers accept at most
//! eight sessions, under TLS.

mod observe;
mod processes;

use std::fs;
use std::net::IpAddr;
use std::path::Path;
use std::sync::Mutex;
use std::thread;
use std::time::{Duration, Instant};

use datafusion::prelude::SessionContext;
use ftp_cluster::answers;
use ftp_tests::command_log::CommandLog;
use ftp_tests::servers::{self, Counted};

use observe::{Sampler, pages, peak_memory, sessions};
use processes::{Cluster, EXECUTORS, MEMORY};

const CSV: usize = 200;
const PARQUET: usize = 40;
const ROWS: usize = 2000;

/// One cluster at a time: it uses all sessions that the server accepts
static TURN: Mutex<()> = Mutex::new(());

fn run<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .worker_threads(2)
        .thread_stack_size(32 << 20)
        .build()
        .unwrap();
    runtime.block_on(future)
}

/// Creates 200 CSV files of measurements, and 40 Parquet files with a quality for each measurement
fn tree(local: &Path) {
    for folder in ["csv", "parquet"] {
        fs::create_dir_all(local.join(folder)).unwrap();
    }
    for file in 0..CSV {
        let mut text = String::from("id,station,celsius\n");
        for row in 0..ROWS {
            let id = file * ROWS + row;
            text += &format!("{id},station {},{:.1}\n", id % 7, (id * 37 % 400) as f64 / 10.0);
        }
        fs::write(local.join(format!("csv/{file:03}.csv")), text).unwrap();
    }
    let each = CSV * ROWS / PARQUET;
    let copies: Vec<_> = (0..PARQUET)
        .map(|file| {
            let (from, to) = (file * each, (file + 1) * each);
            let path = local.join(format!("parquet/{file:02}.parquet"));
            format!(
                "COPY (SELECT value AS id, value % 13 AS quality, random() AS noise FROM range({from}, {to})) TO '{}'",
                path.display()
            )
        })
        .collect();
    run(answers(&SessionContext::new(), &copies)).unwrap();
}

/// Returns statements that create the tables, and then these statements, with the tree at `ROOT`
fn statements(root: &str, statements: &[&str]) -> Vec<String> {
    let tables = [
        "CREATE EXTERNAL TABLE measured STORED AS CSV LOCATION 'ROOT/csv/' OPTIONS ('format.has_header' 'true')",
        "CREATE EXTERNAL TABLE quality STORED AS PARQUET LOCATION 'ROOT/parquet/'",
    ];
    tables.iter().chain(statements).map(|text| text.replace("ROOT", root)).collect()
}

/// Whether a query plan is changed while it runs, with what its first stages have found
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Planner {
    Adaptive,
    Static,
}

impl Planner {
    fn setting(self) -> String {
        format!("SET ballista.planner.adaptive.enabled = {}", self == Self::Adaptive)
    }

    /// Returns a query's lines in the order to compare: Ballista 55.0's adaptive planner returns the rows of a join in a
    /// wrong order, whatever ORDER BY says, and from local files too.
    fn comparable<'a>(self, query: &str, rows: &'a str) -> Vec<&'a str> {
        let mut lines: Vec<&str> = rows.lines().collect();
        if self == Self::Adaptive && query.contains(" JOIN ") {
            lines.sort_unstable();
        }
        lines
    }
}

/// Sums of floating-point numbers depend on the order, which differs from run to run; these results are all exact.
const QUERIES: [(&str, &str); 4] = [
    ("count", "SELECT count(*), sum(id) FROM measured"),
    (
        "group-by",
        "SELECT station, count(*), sum(id), min(celsius), max(celsius) FROM measured GROUP BY station ORDER BY station",
    ),
    (
        "join, grouped",
        "SELECT q.quality, count(*), sum(m.id) FROM measured m JOIN quality q ON m.id = q.id WHERE m.celsius < 30 \
         GROUP BY q.quality ORDER BY q.quality",
    ),
    (
        "join, all rows",
        "SELECT m.id, m.station, m.celsius, q.quality FROM measured m JOIN quality q ON m.id = q.id \
         WHERE m.celsius > 39 ORDER BY m.id",
    ),
];

const SUMMARY: &str = "SELECT m.station, q.quality, count(*) AS n, max(m.celsius) AS highest FROM measured m \
    JOIN quality q ON m.id = q.id GROUP BY m.station, q.quality";

/// Runs everything on one server, with this scheduling policy
fn on(counted: &Counted, policy: &str) {
    let Counted { server, log } = counted;
    let name = format!("cluster-{}-{policy}", std::process::id());
    let local = server.home.join(&name);
    fs::create_dir_all(&local).unwrap();
    tree(&local);
    let open = std::os::unix::fs::PermissionsExt::from_mode(0o777);
    fs::set_permissions(&local, open).unwrap();
    let directory = match server.name.as_str() {
        // The login leads there.
        "proftpd" => name.clone(),
        _ => format!("{}/{name}", server.directory.trim_matches('/')),
    };
    let root = format!("ftpes://{}@127.0.0.1:{}/{directory}", server.user, server.port);
    let here = local.display().to_string();

    let (log, sampler) = (CommandLog::from_here(log), Sampler::start(server.port));
    let mut cluster = Cluster::start(server, policy);
    println!("{} {} under TLS, {policy}", server.name, server.version);
    let answer = |statement: &[&str]| {
        let local = run(answers(&SessionContext::new(), &statements(&here, statement))).unwrap();
        assert!(local.lines().count() > 4, "{local}");
        local
    };
    for planner in [Planner::Adaptive, Planner::Static] {
        for (query, text) in QUERIES {
            let (wanted, begun) = (answer(&[text]), Instant::now());
            let mut all = vec![planner.setting()];
            all.extend(statements(&root, &[text]));
            let rows = cluster.rows(cluster.client(&all));
            let comparable = |rows| planner.comparable(text, rows);
            assert_eq!(comparable(&rows), comparable(&wanted), "{query}");
            println!(
                "  {query}, {planner:?} planner: {} rows, as from the local files, {:.1?}",
                rows.lines().count() - 4,
                begun.elapsed()
            );
        }
    }

    let begun = Instant::now();
    let copy = format!("COPY ({SUMMARY}) TO 'ROOT/copied/' STORED AS PARQUET");
    cluster.rows(cluster.client(&statements(&root, &[&copy])));
    let table = "CREATE EXTERNAL TABLE copied STORED AS PARQUET LOCATION 'ROOT/copied/'";
    let read = [table, "SELECT station, quality, n, highest FROM copied ORDER BY station, quality"];
    let wanted = answer(&[&format!("{SUMMARY} ORDER BY m.station, q.quality")]);
    let written = answer(&read);
    assert_eq!(written, wanted);
    assert_eq!(cluster.rows(cluster.client(&statements(&root, &read))), wanted);
    println!("  COPY back: {} rows, {:.1?}", written.lines().count() - 4, begun.elapsed());

    let reads = EXECUTORS.map(|address| log.count(address, "RETR "));
    println!("  reads by executor: {EXECUTORS:?} {reads:?}");
    assert!(reads.iter().all(|reads| *reads > CSV / 4), "{reads:?}");
    assert!(EXECUTORS.iter().any(|address| log.count(address, "STOR ") > 0));
    let memory: Vec<_> =
        cluster.executors.iter().map(|process| peak_memory(process.0.id())).collect();
    println!("  most memory of each executor, MiB: {memory:?}");
    assert!(memory.iter().all(|peak| *peak < MEMORY), "{memory:?}");

    one_dies(&mut cluster, &root, &log, &answer(&[QUERIES[3].1]));
    let most = sampler.most();
    println!("  most sessions at a time: {}, refused: {}", most.len(), log.refusals());
    assert!((3..=8).contains(&most.len()), "{most:?}");
    assert_eq!(log.refusals(), 0);
    no_passwords(&cluster, &server.password);
    drop(cluster);
    let begun = Instant::now();
    while !sessions(server.port).is_empty() {
        assert!(begun.elapsed() < Duration::from_secs(60), "{:?}", sessions(server.port));
        thread::sleep(Duration::from_millis(50));
    }
    fs::remove_dir_all(local).unwrap();
}

/// Kills one executor in the middle of a query: the other one does its part again
fn one_dies(cluster: &mut Cluster, root: &str, log: &CommandLog, wanted: &str) {
    let before = log.count(EXECUTORS[1], "RETR ");
    let begun = Instant::now();
    // The default.
    let planner = Planner::Adaptive;
    let mut all = vec![planner.setting()];
    all.extend(statements(root, &[QUERIES[3].1]));
    let client = cluster.client(&all);
    let read = || log.count(EXECUTORS[1], "RETR ") - before;
    while read() < 20 {
        assert!(begun.elapsed() < Duration::from_secs(60), "{} reads", read());
        thread::sleep(Duration::from_millis(5));
    }
    cluster.executors[1].kill();
    let (killed, read) = (begun.elapsed(), read());
    let rows = cluster.rows(client);
    let comparable = |rows| planner.comparable(QUERIES[3].1, rows);
    assert_eq!(comparable(&rows), comparable(wanted));
    assert!(read < CSV, "it had read all: {read}");
    println!(
        "  kill -9 of an executor after {killed:.1?} and {read} reads: {} rows, the same, {:.1?}",
        rows.lines().count() - 4,
        begun.elapsed()
    );
    let address: IpAddr = EXECUTORS[1].parse().unwrap();
    let begun = Instant::now();
    let port = root.split(':').nth(2).unwrap().split('/').next().unwrap().parse().unwrap();
    while sessions(port).iter().any(|client| client.ip() == address) {
        assert!(begun.elapsed() < Duration::from_secs(60));
        thread::sleep(Duration::from_millis(50));
    }
}

/// The password is neither on the pages of the scheduler nor in the logs of the processes
fn no_passwords(cluster: &Cluster, password: &str) {
    let mut texts = pages(&cluster.address);
    texts.extend(cluster.logs().iter().map(|log| fs::read_to_string(log).unwrap()));
    // The plans are among them.
    assert!(texts.iter().any(|text| text.contains("ftpes://")), "{texts:#?}");
    let encoded = encoded(password);
    for text in &texts {
        assert!(!text.contains(password) && !text.contains(&encoded), "{text}");
    }
    println!("  no password in {} pages and logs", texts.len());
}

/// Percent-encoded
fn encoded(password: &str) -> String {
    let byte = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => char::from(byte).to_string(),
        other => format!("%{other:02X}"),
    };
    password.bytes().map(byte).collect()
}

fn everywhere(policy: &str) {
    let _turn = TURN.lock();
    let servers = servers::counted();
    if servers.is_empty() {
        println!("LEFT OUT: there are no servers, tests/run starts them");
    }
    for counted in servers {
        on(&counted, policy);
    }
}

#[test]
fn tasks_are_pushed() {
    everywhere("push");
}

#[test]
fn tasks_are_pulled() {
    everywhere("pull");
}
