//! Mirrors that are killed (SIGKILL) at random moments: the next run resumes from what the killed one left
//!
//! Ordinary test runs include a small sample. `FTP_LONG=1` kills a hundred times for each server, direction and
//! protection, in a mirror of 2,000 files; that takes a quarter of an hour on two cores:
//! `FTP_LONG=1 tests/run --with cargo test -p ftp-cli --test interop_cli -- killed --nocapture`.

use std::collections::{BTreeMap, HashMap};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::relay::{Relay, Sent};
use crate::{TestFolder, bytes, make_tree, places, summary, tree, try_tree};

const SESSIONS: u64 = 4;

/// How many bytes of a part a resumed download fetches again, to compare them
const OVERLAP: u64 = 64 * 1024;

/// Parts below this size, in bytes, need not be resumed
const RESUMED_FROM: u64 = 1024 * 1024;

/// The maximum time before a run is killed, counted from its start or from the start of its first file; the average is
/// half of it
const LIFE: Duration = Duration::from_millis(400);

struct Extent {
    kills: u32,
    files: u32,
    large: usize,
}

fn extent() -> Extent {
    match std::env::var_os("FTP_LONG").is_some_and(|value| value == "1") {
        true => Extent { kills: 100, files: 2000, large: 6 },
        false => Extent { kills: 3, files: 100, large: 2 },
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Direction {
    Down,
    Up,
}

/// The content of the target
#[derive(Debug, Default)]
struct Snapshot {
    /// Files with their final names
    whole: BTreeMap<PathBuf, Vec<u8>>,
    /// The lengths of partial files, by the final names of the files
    parts: HashMap<PathBuf, u64>,
}

impl Snapshot {
    fn of(target: &Path) -> Self {
        let mut snapshot = Self::default();
        if !target.exists() {
            return snapshot;
        }
        // The server may still carry out the last rename of a client that was killed.
        let end = Instant::now() + Duration::from_secs(10);
        let files = loop {
            match try_tree(target) {
                Err(error) if error.kind() == ErrorKind::NotFound && Instant::now() < end => {}
                files => break files.unwrap(),
            }
        };
        for (path, content) in files {
            let name = path.to_str().unwrap();
            match name.strip_suffix(".part") {
                Some(name) => _ = snapshot.parts.insert(name.into(), content.len() as u64),
                None if name.contains(".part.state") => {}
                None => _ = snapshot.whole.insert(path, content),
            }
        }
        snapshot
    }
}

#[derive(Debug, Default)]
struct Figures {
    kills: u32,
    /// How many runs ended before they were killed
    ended: u32,
    /// How many parts a later run resumed
    resumed: u32,
    /// How many parts a later run did not resume, but started again
    anew: u32,
    /// Bytes that the target had, but that were transferred again
    again: u64,
    /// The bytes in parts whenever a run was killed
    parts: u64,
}

#[test]
fn killed_mirrors_are_resumed() {
    let extent = extent();
    for mut place in places("kill") {
        let relay = (place.scheme == "ftp").then(|| Relay::start(place.server.port));
        if let Some(relay) = &relay {
            place.server.port = relay.port;
        }
        let source = place.here("source");
        std::fs::create_dir(&source).unwrap();
        for large in 0..extent.large {
            let content = bytes(3_000_000, large as u32 + 9);
            std::fs::write(source.join(format!("large{large}")), content).unwrap();
        }
        make_tree(&source, 10, extent.files / 10, 4_000_000);
        place.succeeds(&["mkdir", "-p", &place.url("")]);
        let wanted = tree(&source);
        for direction in [Direction::Up, Direction::Down] {
            let figures = kill(&place, direction, &wanted, relay.as_ref(), &extent);
            println!("{place}, {direction:?}: {figures:?}");
        }
    }
}

fn kill(
    place: &TestFolder,
    direction: Direction,
    wanted: &BTreeMap<PathBuf, Vec<u8>>,
    relay: Option<&Relay>,
    extent: &Extent,
) -> Figures {
    let url = place.url("tree");
    let (from, to, target) = match direction {
        Direction::Up => ("source", &*url, place.on_disk().join("tree")),
        Direction::Down => (&*url, "target", place.here("target")),
    };
    let arguments = ["mirror", "--json", "-j4", "--limit-rate", "3M", from, to];
    let mut figures = Figures::default();
    // Each run has a new seed, which the output shows if the test fails.
    let seed = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap().subsec_nanos();
    println!("{place}, {direction:?}: seed {seed}");
    let mut random = seed;
    let mut before = Snapshot::default();
    while figures.kills < extent.kills {
        random = random.wrapping_mul(1_103_515_245).wrapping_add(12345);
        let life = LIFE.mul_f64(f64::from((random >> 16) % 1000) / 1000.0);
        // One run in four may be killed before it has transferred anything.
        let from = if figures.kills % 4 == 0 { From::Start } else { From::FirstFile };
        let ended = run_for(place, &arguments, from, life);
        let after = Snapshot::of(&target);
        for (path, content) in &after.whole {
            assert!(wanted.get(path) == Some(content), "{place}: {} is not whole", path.display());
        }
        if let Some(relay) = relay {
            account(&mut figures, direction, &before, &relay.take(), place);
        }
        before = after;
        if ended {
            figures.ended += 1;
            assert!(tree(&target) == *wanted, "{place}, {direction:?}: it says that all is done");
            std::fs::remove_dir_all(&target).unwrap();
            before = Snapshot::default();
        } else {
            figures.kills += 1;
            figures.parts += before.parts.values().sum::<u64>();
        }
    }
    let last = place.succeeds(&["mirror", "--json", "-j4", from, to]);
    assert!(tree(&target) == *wanted, "{place}, {direction:?}: {last:?}");
    let again = place.succeeds(&["mirror", "--json", "-j4", from, to]);
    assert_eq!(summary(&again, "files"), 0, "{place}, {direction:?}: {again:?}");
    assert_eq!(summary(&again, "kept"), wanted.len() as u64, "{place}, {direction:?}: {again:?}");
    if let Some(relay) = relay {
        account(&mut figures, direction, &before, &relay.take(), place);
        // For each kill, each session may transfer again the bytes that are compared, and one small file.
        let most = u64::from(figures.kills) * SESSIONS * (OVERLAP + 9000);
        assert!(figures.again <= most, "{place}, {direction:?}: more than {most}: {figures:?}");
    }
    figures
}

/// The event from which the time until the kill is counted
#[derive(Clone, Copy, PartialEq, Eq)]
enum From {
    Start,
    FirstFile,
}

/// Runs the program and kills it after `life`; returns whether it ended before
fn run_for(place: &TestFolder, arguments: &[&str], from: From, life: Duration) -> bool {
    let [stdout, stderr] = ["stdout", "stderr"].map(|name| place.here(name));
    let mut command = place.command(arguments);
    command.stdout(std::fs::File::create(&stdout).unwrap());
    command.stderr(std::fs::File::create(&stderr).unwrap());
    let has_begun = || {
        from == From::Start
            || std::fs::read_to_string(&stdout).unwrap().contains(r#""event":"start""#)
    };
    let mut begun = None;
    let mut child = command.spawn().unwrap();
    while begun.is_none_or(|begun: Instant| begun.elapsed() < life) {
        if begun.is_none() && has_begun() {
            begun = Some(Instant::now());
        }
        if let Some(status) = child.try_wait().unwrap() {
            let stderr = std::fs::read_to_string(&stderr).unwrap();
            assert_eq!(status.code(), Some(0), "{place}: {stderr}");
            return true;
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    child.kill().unwrap();
    let ended = child.wait().unwrap();
    let stderr = std::fs::read_to_string(&stderr).unwrap();
    assert_eq!(stderr, "", "{place}: a run that goes on has nothing to say");
    ended.success()
}

/// Counts what a run transferred again although the target had it before, and checks that nothing complete is among it
fn account(
    figures: &mut Figures,
    direction: Direction,
    before: &Snapshot,
    log: &[Sent],
    place: &TestFolder,
) {
    let mut offsets = HashMap::new();
    let mut first = std::collections::HashSet::new();
    for Sent { session, command } in log {
        let (verb, argument) = command.split_once(' ').unwrap_or((command, ""));
        let offset = match verb {
            "REST" => {
                offsets.insert(*session, argument.parse::<u64>().unwrap());
                continue;
            }
            "RETR" | "STOR" => offsets.remove(session).unwrap_or(0),
            "APPE" => u64::MAX,
            _ => continue,
        };
        let root = format!("{}/tree/", place.name);
        let at = argument.find(&root).unwrap_or_else(|| panic!("{place}: {command}"));
        let path = argument[at + root.len()..].to_owned();
        let path = PathBuf::from(path.strip_suffix(".part").unwrap_or(&path));
        assert!(
            !before.whole.contains_key(&path),
            "{place}: {command}, though {} was whole",
            path.display()
        );
        let Some(part) = before.parts.get(&path).filter(|part| **part > 0) else { continue };
        match direction {
            // An upload reads the end of the part to compare it.
            Direction::Up if verb == "RETR" => figures.again += part.saturating_sub(offset),
            _ if !first.insert(path.clone()) => {}
            _ => {
                figures.again += part.saturating_sub(offset);
                match offset {
                    0 => figures.anew += 1,
                    _ => figures.resumed += 1,
                }
                let compared = if direction == Direction::Down { OVERLAP } else { 0 };
                assert!(
                    *part < RESUMED_FROM || offset >= part - compared,
                    "{place}: {command} from {offset} on, though {part} bytes were there"
                );
            }
        }
    }
}
