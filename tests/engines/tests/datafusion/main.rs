//! DataFusion on the real servers: the same rows as from the local files
//!
//! `tests/run --with cargo test --manifest-path tests/engines/Cargo.toml` starts the servers. Without them, the tests
//! that need one do nothing and print that.

mod relay;

use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use datafusion::arrow::util::pretty::pretty_format_batches;
use datafusion::execution::object_store::ObjectStoreRegistry;
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion::prelude::{SessionConfig, SessionContext};
use ftp_engines::{FtpRegistry, register};
use ftp_object_store::ftp_tokio::ftp_tls::{TlsConfig, Trust};
use ftp_object_store::ftp_tokio::proxy::{Proxy, ProxyServer};
use ftp_object_store::ftp_tokio::{Config, Options, TlsPolicy};
use ftp_object_store::{FtpStore, FtpStoreBuilder};
use relay::Relay;
use url::Url;

/// A line of `tests/.run/state/servers.tsv`, with a new directory on that server
#[derive(Clone, Debug)]
struct TestFolder {
    name: String,
    port: u16,
    user: String,
    password: String,
    /// The directory, from the server's root
    path: String,
    /// The same directory on this host
    local: PathBuf,
    ca: PathBuf,
}

fn places() -> Vec<TestFolder> {
    static NUMBER: AtomicUsize = AtomicUsize::new(0);
    let Some(file) = std::env::var_os("FTP_SERVERS").map(PathBuf::from) else {
        println!("LEFT OUT: there are no servers, tests/run starts them");
        return Vec::new();
    };
    let ca = file.with_file_name("tls").join("ca.pem");
    let parse = |line: &str| {
        let fields: Vec<&str> = line.split('\t').collect();
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let folder = format!("engines-{}-{number}", std::process::id());
        let local = PathBuf::from(fields[7]).join(&folder);
        fs::create_dir(&local).unwrap();
        let open = std::os::unix::fs::PermissionsExt::from_mode(0o777);
        fs::set_permissions(&local, open).unwrap();
        TestFolder {
            name: fields[0].to_owned(),
            port: fields[2].parse().unwrap(),
            user: fields[4].to_owned(),
            password: fields[5].to_owned(),
            path: format!("{}/{folder}", fields[6].trim_matches('/')).trim_matches('/').to_owned(),
            local,
            ca: ca.clone(),
        }
    };
    fs::read_to_string(&file).unwrap().lines().map(parse).collect()
}

impl TestFolder {
    fn options(&self) -> Options {
        let tls = TlsConfig::builder(Trust::OwnCa).add_ca_file(&self.ca).build().unwrap();
        Options::new(Config::new(TlsPolicy::Explicit)).tls(tls)
    }

    fn builder(&self) -> FtpStoreBuilder {
        FtpStore::builder().login(&self.user, &self.password).root("/").connection(self.options())
    }

    fn server(&self) -> String {
        format!("ftpes://127.0.0.1:{}", self.port)
    }

    fn url(&self, below: &str) -> String {
        format!("{}/{}/{below}", self.server(), self.path)
    }
}

async fn rows(context: &SessionContext, query: &str) -> String {
    let batches = context.sql(query).await.unwrap().collect().await.unwrap();
    pretty_format_batches(&batches).unwrap().to_string()
}

/// Creates a tree with files of each format, all with the same rows
async fn tree(local: &std::path::Path) {
    for folder in ["csv", "gzip", "json", "parquet"] {
        fs::create_dir(local.join(folder)).unwrap();
    }
    for file in 0..20 {
        let (mut csv, mut json) = (String::from("id,station,celsius\n"), String::new());
        for row in 0..500 {
            let (id, station, celsius) =
                (file * 500 + row, row % 7, (row * 37 % 400) as f64 / 10.0);
            csv += &format!("{id},station {station},{celsius}\n");
            json += &format!(
                "{{\"id\":{id},\"station\":\"station {station}\",\"celsius\":{celsius:.1}}}\n"
            );
        }
        fs::write(local.join(format!("csv/{file}.csv")), &csv).unwrap();
        fs::write(local.join(format!("json/{file}.json")), &json).unwrap();
        let gzip = fs::File::create(local.join(format!("gzip/{file}.csv.gz"))).unwrap();
        let mut gzip = flate2::write::GzEncoder::new(gzip, flate2::Compression::fast());
        gzip.write_all(csv.as_bytes()).unwrap();
        gzip.finish().unwrap();
    }
    let context = SessionContext::new();
    create_tables(&context, &local.display().to_string(), &["csv"]).await;
    for file in 0..4 {
        let path = local.join(format!("parquet/{file}.parquet"));
        let copy =
            format!("COPY (SELECT * FROM csv WHERE id % 4 = {file}) TO '{}'", path.display());
        rows(&context, &copy).await;
    }
}

async fn create_tables(context: &SessionContext, root: &str, names: &[&str]) {
    for name in names {
        let format = match *name {
            "csv" => "STORED AS CSV LOCATION 'ROOT/csv/' OPTIONS ('format.has_header' 'true')",
            "gzip" => {
                "STORED AS CSV LOCATION 'ROOT/gzip/' \
                 OPTIONS ('format.has_header' 'true', 'format.compression' 'gzip')"
            }
            "json" => "STORED AS JSON LOCATION 'ROOT/json/'",
            _ => "STORED AS PARQUET LOCATION 'ROOT/parquet/'",
        };
        let format = format.replace("ROOT", root.trim_end_matches('/'));
        rows(context, &format!("CREATE EXTERNAL TABLE {name} {format}")).await;
    }
}

const TABLES: [&str; 4] = ["csv", "gzip", "json", "parquet"];

/// Sums of floating-point numbers depend on the order, which differs from run to run; these results are all exact.
const QUERIES: [&str; 4] = [
    "SELECT count(*), sum(id) FROM TABLE",
    "SELECT station, count(*), sum(id), min(celsius), max(celsius) FROM TABLE GROUP BY station ORDER BY station",
    "SELECT * FROM TABLE WHERE celsius > 39 ORDER BY id",
    "SELECT a.station, count(*) FROM csv a JOIN TABLE b ON a.id = b.id WHERE b.celsius < 5 \
     GROUP BY a.station ORDER BY a.station",
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_rows_as_from_local_files() {
    for place in places() {
        tree(&place.local).await;
        let (here, there) = (SessionContext::new(), SessionContext::new());
        let store = register(&there, &place.server(), place.builder()).unwrap();
        create_tables(&here, &place.local.display().to_string(), &TABLES).await;
        create_tables(&there, &place.url(""), &TABLES).await;
        for table in TABLES {
            for query in QUERIES {
                let query = query.replace("TABLE", table);
                let (local, remote) = (rows(&here, &query).await, rows(&there, &query).await);
                assert!(local.lines().count() > 4, "{local}");
                assert_eq!(local, remote, "{}: {query}", place.name);
            }
        }
        let status = store.pool().status(store.site());
        println!("{}: {status:?}", place.name);
        // Neither plans nor errors contain the password.
        let mut said = rows(&there, "EXPLAIN VERBOSE SELECT * FROM csv").await;
        let missing = format!(
            "CREATE EXTERNAL TABLE m STORED AS PARQUET LOCATION '{}'",
            place.url("m.parquet")
        );
        said += &there.sql(&missing).await.unwrap_err().to_string();
        assert!(!said.contains(&place.password), "{said}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn results_are_written_back() {
    for place in places() {
        tree(&place.local).await;
        let context = SessionContext::new();
        register(&context, &place.server(), place.builder()).unwrap();
        create_tables(&context, &place.url(""), &["csv"]).await;
        let query =
            "SELECT station, count(*) AS n, max(celsius) AS highest FROM csv GROUP BY station";
        let here = SessionContext::new();
        for ending in ["parquet", "csv"] {
            // The directory is created.
            let target = place.url(&format!("results/one.{ending}"));
            rows(&context, &format!("COPY ({query}) TO '{target}'")).await;
            let file = place.local.join(format!("results/one.{ending}"));
            let table = format!("SELECT * FROM '{}' ORDER BY station", file.display());
            let here = here.clone().enable_url_table();
            let (wanted, written) = (
                rows(&context, &format!("{query} ORDER BY station")).await,
                rows(&here, &table).await,
            );
            assert_eq!(wanted, written, "{}: {ending}", place.name);
        }
        let left: Vec<_> = fs::read_dir(place.local.join("results")).unwrap().collect();
        assert_eq!(left.len(), 2, "{left:?}");
    }
}

/// Parquet is read by ranges: a count reads at most two hundredths of a large file, and a column not all of it
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_count_reads_little_of_a_large_file() {
    const ROWS: u64 = 3_200_000;
    let places = places();
    let Some(first) = places.first() else { return };
    let file = first.local.join("large.parquet");
    let here = SessionContext::new();
    // Numbers that can't be compressed.
    let columns: Vec<_> = (0..8).map(|column| format!("random() AS r{column}")).collect();
    let numbers = format!("SELECT value AS id, {} FROM range(0, {ROWS})", columns.join(", "));
    rows(&here, &format!("COPY ({numbers}) TO '{}'", file.display())).await;
    let size = fs::metadata(&file).unwrap().len();
    assert!(size > 200_000_000, "{size}");
    for place in &places {
        if place.local != first.local {
            fs::copy(&file, place.local.join("large.parquet")).unwrap();
        }
        let relay = Relay::start();
        let proxy =
            Proxy::Socks5 { server: ProxyServer::new("127.0.0.1", relay.port), login: None };
        let there = SessionContext::new();
        let builder = place.builder().connection(place.options().proxy(proxy));
        register(&there, &place.server(), builder).unwrap();
        let create = format!(
            "CREATE EXTERNAL TABLE large STORED AS PARQUET LOCATION '{}'",
            place.url("large.parquet")
        );
        rows(&there, &create).await;
        let count = rows(&there, "SELECT count(*) FROM large").await;
        assert!(count.contains(&ROWS.to_string()), "{count}");
        let moved = relay.bytes();
        println!("{}: a count moves {moved} of {size} bytes", place.name);
        assert!(moved * 50 <= size, "{}: {moved} of {size} bytes", place.name);
        let sum = rows(&there, "SELECT sum(id) FROM large").await;
        assert!(sum.contains(&(ROWS * (ROWS - 1) / 2).to_string()), "{sum}");
        let more = relay.bytes() - moved;
        println!("{}: a sum of one column moves {more} more", place.name);
        assert!(more < size / 2, "{}: {more} of {size} bytes", place.name);
    }
    for place in &places {
        fs::remove_file(place.local.join("large.parquet")).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_registry_makes_a_store_for_each_server_and_user() {
    for place in places() {
        tree(&place.local).await;
        let options = place.options();
        let registry =
            FtpRegistry::new().login("127.0.0.1", &place.user, &place.password).configure(
                move |builder| builder.connection(options.clone()).root("/").max_sessions(2),
            );
        let registry = Arc::new(registry);
        assert!(!format!("{registry:?}").contains(&place.password));
        let runtime = RuntimeEnvBuilder::new().with_object_store_registry(registry.clone());
        let runtime = runtime.build_arc().unwrap();
        let context = SessionContext::new_with_config_rt(SessionConfig::new(), runtime);
        let url = place.url("").replace("://", &format!("://{}@", place.user));
        create_tables(&context, &url, &TABLES).await;
        let count = rows(&context, "SELECT count(*) FROM gzip").await;
        assert!(count.contains("10000"), "{count}");

        let get = |url: &str| registry.get_store(&Url::parse(url).unwrap());
        assert!(Arc::ptr_eq(&get(&url).unwrap(), &get(&url).unwrap()));
        // An unknown user, and a password in the URL.
        let error = get("ftpes://nobody@127.0.0.1/").unwrap_err().to_string();
        assert!(error.contains("no login of \"nobody\""), "{error}");
        let error = get("ftpes://user:hunter2@127.0.0.1/").unwrap_err().to_string();
        assert!(error.contains("has a password in it") && !error.contains("hunter2"), "{error}");
    }
}

#[tokio::test]
async fn passwords_from_elsewhere_are_those_of_a_host_and_a_user() {
    let registry =
        FtpRegistry::new().login("ftp.example.org", "given", "p").passwords(|host, user| {
            (host == "ftp.example.org" && user == "a b").then(|| b"secret".to_vec())
        });
    let get = |url: &str| registry.get_store(&Url::parse(url).unwrap());
    for good in ["ftp://a%20b@FTP.example.org/", "ftp://given@ftp.example.org/"] {
        get(good).unwrap();
    }
    for other in ["ftp://a%20b@ftp.example.com/", "ftp://nobody@ftp.example.org/"] {
        let error = get(other).unwrap_err().to_string();
        assert!(error.contains("there is no login of"), "{error}");
    }
    assert!(!format!("{registry:?}").contains("secret"));
}
