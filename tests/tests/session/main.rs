//! `ftp-session` without system calls: over pipes, with a server in the same memory, in virtual time

#![expect(clippy::unwrap_used, reason = "helpers of tests: a panic is the report")]

mod dialing;
mod events;
mod opened;
mod proxies;
mod relay;
mod world;

use std::net::SocketAddr;
use std::time::Duration;

use ftp_proto::{DataMode, Time};
use ftp_session::ftp_tls::TlsVersion;
use ftp_session::{
    Config, Direction, Error, Event, Host, Interest, Moved, Options, Session, Slot, TlsPolicy,
    ftp_proto,
};
use ftp_tests::tls::trusting;

use world::{Wire, World};

const SERVER: [u8; 4] = [192, 0, 2, 9];

fn peer() -> SocketAddr {
    SocketAddr::from((SERVER, 21))
}

fn clear(now: Time) -> Session<Wire, ()> {
    Session::new(&[peer()], Config::new(TlsPolicy::Plaintext), now).unwrap()
}

fn secure(version: TlsVersion) -> impl FnOnce(Time) -> Session<Wire, ()> {
    move |now| {
        let options = Options::new(Config::new(TlsPolicy::Explicit))
            .tls(trusting(version).build().unwrap())
            .host("localhost");
        Session::new(&[peer()], options, now).unwrap()
    }
}

fn file() -> Vec<u8> {
    (0..100_000_u32).map(|i| (i / 7) as u8).collect()
}

/// Reads all available bytes
fn read(world: &mut World, bytes: &mut Vec<u8>) {
    let mut buffer = [0; 3000];
    while let Moved::Bytes(count) = world.session.read_data(&mut buffer, world.now) {
        bytes.extend_from_slice(&buffer[..count]);
    }
}

fn whole_session(mut world: World) -> World {
    world.server.files.insert("f".into(), file());
    let login = world.session.request().login("u", "p");
    world.run(login).unwrap();
    for _ in 0..3 {
        let get = world.session.request().get("f");
        let mut bytes = Vec::new();
        let transfer = world.run_with(get, |world| read(world, &mut bytes)).unwrap();
        assert!(transfer.bytes == 100_000 && bytes == file(), "{} bytes", bytes.len());

        let put = world.session.request().put("g");
        let (content, mut written) = (file(), 0);
        world
            .run_with(put, |world| {
                while world.session.data_direction() == Some(Direction::Upload) {
                    match world.session.write_data(&content[written..], world.now) {
                        Moved::Bytes(count) => written += count,
                        Moved::NotReady | Moved::Ended => break,
                    }
                    if written == content.len() {
                        world.session.finish_upload(world.now);
                    }
                }
            })
            .unwrap();
        assert!(world.server.files.remove("g") == Some(file()));
    }
    let quit = world.session.request().quit();
    assert!(world.run(quit).unwrap().is_some());
    while world.go() {}
    assert!(matches!(world.events.pop_back(), Some(Event::Closed(_))));
    assert_eq!(world.interests(), []);
    assert!(world.elapsed() < Duration::from_secs(5), "{:?}", world.elapsed());
    world
}

#[test]
fn a_whole_session_in_clear() {
    for portion in [1, 100, 1 << 20] {
        let world = whole_session(World::new(clear, portion));
        assert_eq!(world.net.no_delay, 3, "the uploads, and no download");
    }
}

#[test]
fn a_whole_session_over_tls() {
    for version in [TlsVersion::Tls12, TlsVersion::Tls13] {
        for portion in [300, 1 << 20] {
            let world = whole_session(World::new(secure(version), portion));
            assert_eq!(world.net.shut_down, 3, "an upload ends with close_notify and half-close");
            assert_eq!(world.net.no_delay, 6, "each handshake");
        }
    }
}

fn addresses(count: u8) -> Vec<SocketAddr> {
    (1..=count).map(|last| SocketAddr::from(([192, 0, 2, last], 21))).collect()
}

#[test]
fn silent_addresses_yield_to_others() {
    let addresses = addresses(5);
    let new = |now| Session::new(&addresses, Config::new(TlsPolicy::Plaintext), now).unwrap();
    let mut world = World::new(new, 1 << 20);
    world.net.silent = addresses[..4].to_vec();
    while world.session.endpoints().is_none() {
        assert!(world.go());
    }
    assert_eq!(world.session.endpoints().unwrap().peer, addresses[4]);
    assert!(world.elapsed() < Duration::from_secs(5), "{:?}", world.elapsed());
}

#[test]
fn each_silent_address_has_its_whole_time_before_the_session_ends() {
    let addresses = addresses(5);
    let timeout = Duration::from_secs(10);
    let options = Options::new(Config::new(TlsPolicy::Plaintext)).connect_timeout(timeout);
    let new = |now| Session::new(&addresses, options, now).unwrap();
    let mut world = World::new(new, 1 << 20);
    world.net.silent = addresses.clone();
    while world.go() {}
    let Some(Event::Closed(Error::Connect { error, .. })) = world.events.pop_back() else {
        panic!("{:?}", world.events)
    };
    assert_eq!(error.kind(), std::io::ErrorKind::TimedOut);
    assert!(addresses.iter().all(|address| error.to_string().contains(&address.to_string())));
    assert!((timeout..timeout * 4).contains(&world.elapsed()), "{:?}", world.elapsed());
}

#[test]
fn data_connections_resume_the_control_connections_session() {
    let mut world = World::new(secure(TlsVersion::Tls13), 1 << 20);
    world.server.files.insert("f".into(), file());
    let login = world.session.request().login("u", "p");
    world.run(login).unwrap();
    let get = world.session.request().get("f");
    world.run_with(get, |world| read(world, &mut Vec::new())).unwrap();
    assert!(world.session.tls().is_some());
    assert_eq!(world.session.tls_stats().unwrap().resumed, 1);
}

#[test]
fn a_silent_server_is_waited_for_as_long_as_the_settings_say() {
    let mut world = World::new(clear, 1 << 20);
    world.server.mute = Some("PASS");
    let login = world.session.request().login("u", "p");
    let error = world.run(login).unwrap_err();
    assert!(error.is_timeout() && error.is_fatal(), "{error:?}");
    let config = Config::new(TlsPolicy::Plaintext);
    let (least, most) = (config.batch_timeout, config.reply_timeout + config.batch_timeout);
    assert!((least..=most).contains(&world.elapsed()), "{:?}", world.elapsed());
}

/// Nothing depends on the reply to QUIT
#[test]
fn a_server_that_does_not_answer_quit_is_not_waited_for_as_long() {
    for (timeout, wait) in [(60, 10), (4, 4)] {
        let wait = Duration::from_secs(wait);
        let addresses = addresses(1);
        let options = Options::new(Config::new(TlsPolicy::Plaintext));
        let options = options.timeout(Duration::from_secs(timeout));
        let new = |now| Session::new(&addresses, options, now).unwrap();
        let mut world = World::new(new, 1 << 20);
        let login = world.session.request().login("u", "p");
        world.run(login).unwrap();
        world.server.mute = Some("QUIT");
        let begun = world.elapsed();
        let quit = world.session.request().quit();
        let error = world.run(quit).unwrap_err();
        assert!(error.is_timeout(), "{error}");
        let waited = world.elapsed() - begun;
        assert!((wait..wait * 2).contains(&waited), "{waited:?}");
    }
}

/// Logs in and begins a download, some of whose bytes have arrived
fn begin_download(world: &mut World) -> ftp_session::Op<ftp_proto::Transfer> {
    world.server.files.insert("f".into(), file());
    let login = world.session.request().login("u", "p");
    world.run(login).unwrap();
    let get = world.session.request().get("f");
    while !(world.session.data_direction().is_some() && world.session.can_read()) {
        assert!(world.go());
    }
    get
}

#[test]
fn a_server_that_falls_silent_within_a_download_is_waited_for_as_long_as_the_settings_say() {
    let mut world = World::new(clear, 1 << 20);
    world.server.stall = true;
    let get = begin_download(&mut world);
    let begun = world.elapsed();
    let mut bytes = Vec::new();
    let error = world.run_with(get, |world| read(world, &mut bytes)).unwrap_err();
    assert!(error.is_timeout(), "{error}");
    let waited = world.elapsed() - begun;
    assert!((Duration::from_secs(60)..Duration::from_secs(80)).contains(&waited), "{waited:?}");
}

#[test]
fn a_server_that_stops_reading_an_upload_is_waited_for_as_long_as_the_settings_say() {
    let mut world = World::new(clear, 1024);
    let login = world.session.request().login("u", "p");
    world.run(login).unwrap();
    world.deaf = true;
    let put = world.session.request().put("g");
    let (content, mut written) = (file(), 0);
    let begun = world.elapsed();
    let error = world
        .run_with(put, |world| {
            while let Moved::Bytes(count) = world.session.write_data(&content[written..], world.now)
            {
                written += count;
            }
        })
        .unwrap_err();
    assert!(error.is_timeout() && written > 0, "{error}");
    let waited = world.elapsed() - begun;
    assert!((Duration::from_secs(60)..Duration::from_secs(80)).contains(&waited), "{waited:?}");
}

/// The upload was ended by the user, so what is left of it does not wait for the user
#[test]
fn an_upload_that_was_ended_does_not_wait_for_the_user() {
    let mut world = World::new(secure(TlsVersion::Tls13), 1024);
    let login = world.session.request().login("u", "p");
    world.run(login).unwrap();
    let (put, noop) = (world.session.request().put("g"), world.session.request().noop());
    let (content, mut written) = (file(), 0);
    while written == 0 {
        assert!(world.go());
        if let Moved::Bytes(count) = world.session.write_data(&content, world.now) {
            written = count;
        }
    }
    world.deaf = true;
    world.session.finish_upload(world.now);
    let begun = world.elapsed();
    let error = world.run_with(put, |world| assert!(world.session.completed(noop).is_none()));
    assert!(error.as_ref().is_err_and(Error::is_timeout), "{error:?}");
    let waited = world.elapsed() - begun;
    assert!((Duration::from_secs(60)..Duration::from_secs(80)).contains(&waited), "{waited:?}");
}

#[test]
fn a_pause_of_the_user_between_reads_does_not_count_for_the_server() {
    let mut world = World::new(clear, 64);
    let get = begin_download(&mut world);
    let mut bytes = Vec::new();
    read(&mut world, &mut bytes);
    // The user has read all available bytes. More arrive while it does something else.
    assert!(bytes.len() < file().len());
    let begun = world.now;
    while world.now - begun < Duration::from_secs(600) {
        assert!(world.go());
    }
    world.run_with(get, |world| read(world, &mut bytes)).unwrap();
    assert!(bytes == file());
}

#[test]
fn a_pause_of_the_user_does_not_count_for_the_server() {
    let mut world = World::new(clear, 64);
    let get = begin_download(&mut world);
    // A shell that asks before each wait must not be woken by bytes that its user does not read.
    let data = |world: &World| {
        let mut all = world.interests().into_iter();
        all.find(|(slot, _)| !slot.is_control()).unwrap().1
    };
    assert_eq!(data(&world), Interest::NONE);
    let begun = world.now;
    while world.now - begun < Duration::from_secs(600) {
        assert!(world.go());
    }
    let mut bytes = Vec::new();
    read(&mut world, &mut bytes);
    assert_eq!(data(&world), Interest::READ);
    world.run_with(get, |world| read(world, &mut bytes)).unwrap();
    assert!(bytes == file());
}

#[test]
fn a_closed_data_connection_that_has_bytes_to_send_is_waited_for_to_write() {
    let mut world = World::new(secure(TlsVersion::Tls13), 64);
    world.server.files.insert("f".into(), file());
    let login = world.session.request().login("u", "p");
    world.run(login).unwrap();
    // Handshakes begin, each with a ticket, and get no further than the first bytes of their ClientHello.
    world.deaf = true;
    let stats = loop {
        let get = world.session.request().get("f");
        while world.server.commands.last().is_none_or(|line| !line.starts_with("RETR")) {
            assert!(world.go());
        }
        while world.step() {}
        world.session.abort(get.id());
        assert!(world.run(get).is_err());
        let stats = world.session.tls_stats().unwrap();
        if stats.tickets == 0 {
            break stats;
        }
    };
    assert!(stats.tickets_received > 0);
    // When the last ticket is used, the connection stays open for more tickets, which can't arrive before the
    // ClientHello has been sent. A shell that waited for readability, with bytes that are not read yet, would not wait
    // at all.
    let data: Vec<_> =
        world.interests().into_iter().filter(|(slot, _)| !slot.is_control()).collect();
    assert!(matches!(data[..], [(_, Interest::WRITE)]), "{data:?}");
}

#[test]
fn a_dialed_connection_exists_before_the_transfers_command_is_sent() {
    let dialed = |now| {
        Session::dialed_by_shell("ftp.example.org", 2121, Config::new(TlsPolicy::Plaintext), now)
    };
    let mut world = World::new(|now| dialed(now).unwrap(), 1 << 20);
    world.server.files.insert("f".into(), file());
    world.step();
    let request = world.session.dial_request().unwrap();
    assert_eq!((request.id.slot(), request.port), (Slot::Control, 2121));
    assert_eq!(request.host, Host::Name("ftp.example.org"));
    let id = request.id;
    let wire = world.net.wire(Slot::Control);
    world.session.dialed(id, Ok((wire, None)), world.now);
    let login = world.session.request().login("u", "p");
    world.run(login).unwrap();

    // The first attempt fails; at the end the path is proven, and the command waits for the connection all the same.
    for fails in [true, false, false] {
        let get = world.session.request().get("f");
        let (mut bytes, mut dialed) = (Vec::new(), 0);
        let result = world.run_with(get, |world| {
            read(world, &mut bytes);
            let Some(request) = world.session.dial_request() else { return };
            assert_eq!(request.host, Host::Name("ftp.example.org"));
            assert_eq!(request.port, world.server.port);
            let id = request.id;
            // The shell takes its time.
            for _ in 0..3 {
                assert!(!world.server.commands.last().unwrap().starts_with("RETR"));
                world.step();
            }
            dialed += 1;
            let result = if fails {
                Err(std::io::ErrorKind::ConnectionRefused.into())
            } else {
                Ok((world.net.wire(id.slot()), None))
            };
            world.session.dialed(id, result, world.now);
        });
        assert_eq!(dialed, 1);
        match result {
            Ok(_) => assert!(!fails && bytes == file()),
            Err(Error::Data { address: None, error, .. }) if fails => {
                assert_eq!(error.kind(), std::io::ErrorKind::ConnectionRefused);
            }
            Err(error) => panic!("{error:?}"),
        }
    }
}

#[test]
fn a_connection_that_is_dialed_for_too_long_is_given_up() {
    let config = Config::new(TlsPolicy::Plaintext);
    let dialed = |now| Session::dialed_by_shell("ftp.example.org", 21, config.clone(), now);
    let mut world = World::new(|now| dialed(now).unwrap(), 1 << 20);
    world.step();
    let id = world.session.dial_request().unwrap().id;
    let wire = world.net.wire(Slot::Control);
    world.session.dialed(id, Ok((wire, None)), world.now);
    let login = world.session.request().login("u", "p");
    world.run(login).unwrap();
    let get = world.session.request().get("f");
    let begun = world.now;
    let mut given_up = None;
    let dialing = |world: &mut World| {
        given_up = world.session.dial_request().map(|request| request.id).or(given_up);
    };
    let error = world.run_with(get, dialing).unwrap_err();
    assert!(matches!(&error, Error::Data { .. }) && error.is_timeout(), "{error:?}");
    assert_eq!(world.now - begun, config.data_connect_timeout);
    assert!(world.session.dial_request().is_none());
    // A connection that arrives afterwards belongs to nothing.
    let late = |world: &mut World| {
        let wire = world.net.wire(Slot::Data);
        world.session.dialed(given_up.unwrap(), Ok((wire, None)), world.now);
    };
    late(&mut world);
    let noop = world.session.request().noop();
    world.run(noop).unwrap();
    // Nor to the next transfer, whose connection has the same slot.
    world.server.files.insert("f".into(), file());
    let (get, mut bytes, mut dialed) = (world.session.request().get("f"), Vec::new(), 0);
    let answered = |world: &mut World| {
        read(world, &mut bytes);
        let Some(id) = world.session.dial_request().map(|request| request.id) else { return };
        assert_eq!(id.slot(), given_up.unwrap().slot());
        late(world);
        assert_eq!(world.session.dial_request().map(|request| request.id), Some(id));
        let wire = world.net.wire(id.slot());
        world.session.dialed(id, Ok((wire, None)), world.now);
        dialed += 1;
    };
    world.run_with(get, answered).unwrap();
    assert!(bytes == file() && dialed == 1);
}

/// Creates a session in active mode; returns the commands that it sends for a download when these callers connect
fn listen(world: &mut World, callers: &[SocketAddr]) -> Result<ftp_proto::Transfer, Error> {
    world.server.files.insert("f".into(), file());
    let get = world.session.request().get("f");
    world.net.callers = callers.iter().rev().copied().collect();
    let mut bytes = Vec::new();
    world.run_with(get, |world| {
        if world.net.callers.is_empty() && world.session.data_direction().is_some() {
            world.server.opened_once(Slot::Data);
        }
        read(world, &mut bytes);
    })
}

#[test]
fn in_active_mode_the_ports_take_turns_and_strangers_are_passed_over() {
    let mut config = Config::new(TlsPolicy::Plaintext);
    config.data_mode = DataMode::Active;
    config.active_ports = Some(5000..=5002);
    let new = |now| Session::new(&[peer()], config.clone(), now).unwrap();
    let mut world = World::new(new, 1 << 20);
    world.net.taken = vec![5001];
    let login = world.session.request().login("u", "p");
    world.run(login).unwrap();
    let stranger = SocketAddr::from(([192, 0, 2, 66], 20));
    let server = SocketAddr::from((SERVER, 20));
    for callers in [&[server][..], &[stranger, server], &[server]] {
        assert_eq!(listen(&mut world, callers).unwrap().bytes, 100_000);
    }
    let ports: Vec<_> = world.net.listeners.iter().map(SocketAddr::port).collect();
    assert_eq!(ports, [5000, 5002, 5000]);
    world.net.taken = vec![5000, 5001, 5002];
    let error = listen(&mut world, &[]).unwrap_err();
    let Error::Data { address, error, .. } = &error else { panic!("{error:?}") };
    assert_eq!(error.kind(), std::io::ErrorKind::AddrInUse);
    assert_eq!(address.map(|address| address.port()), Some(5000));
    #[expect(clippy::reversed_empty_ranges, reason = "what a caller may pass")]
    let none = 2..=1;
    world.session.request().config_mut().active_ports = Some(none);
    let error = listen(&mut world, &[]).unwrap_err();
    let Error::Data { error, .. } = &error else { panic!("{error:?}") };
    assert_eq!(error.kind(), std::io::ErrorKind::InvalidInput);
}
