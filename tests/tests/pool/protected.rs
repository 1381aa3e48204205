//! The laws under TLS, and with tasks that move from thread to thread

use std::time::Duration;

use ftp_test::Server;
use ftp_tests::tls::{Tls, trusting};
use ftp_tokio::ftp_tls::TlsVersion;
use ftp_tokio::{Config, Options, Site, TlsPolicy};

use crate::laws::World;
use crate::server::start;

fn secure_site(server: &Server) -> Site {
    let mut config = Config::new(TlsPolicy::Explicit);
    config.settle_quiet = Duration::from_millis(100);
    let tls = trusting(TlsVersion::Tls13).build().unwrap();
    Site::new(server.address(), Options::new(config).tls(tls)).unwrap()
}

fn many_threads() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(3).enable_all().build().unwrap()
}

#[test]
fn laws_hold_on_many_threads() {
    for seed in 10..12 {
        let world = World::new(start(), 3, 5, crate::site);
        many_threads().block_on(world.run(seed, 10, 12));
    }
}

#[test]
fn laws_hold_under_tls() {
    let server = start();
    server.set_tls(Tls::new());
    many_threads().block_on(World::new(server, 3, 4, secure_site).run(20, 6, 12));
}
