//! Listings of a hundred thousand lines, compared with suppaftp's parser of single lines
//!
//! `cargo bench -p ftp-tests --bench listing`

#![expect(missing_docs, reason = "what the macros of criterion make")]

use std::hint::black_box;
use std::time::Duration;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use ftp_proto::Timestamp;
use ftp_proto::listing::{Item, ListingParser};
use suppaftp::list::ListParser;

const LINES: usize = 100_000;

type Peer = fn(&str) -> bool;

fn unix() -> String {
    (0..LINES)
        .map(|n| {
            format!(
                "-rw-r--r--   1 ftp      ftp      {n:>10} Nov {:02} 10:30 file-{n}.bin\r\n",
                n % 28 + 1
            )
        })
        .collect()
}

fn mlsd() -> String {
    (0..LINES)
        .map(|n| {
            format!(
                "type=file;size={n};modify=202611{:02}103000;perm=adfrw; file-{n}.bin\r\n",
                n % 28 + 1
            )
        })
        .collect()
}

fn dos() -> String {
    (0..LINES)
        .map(|n| format!("11-{:02}-26  10:30AM           {n:>10} file-{n}.bin\r\n", n % 28 + 1))
        .collect()
}

fn ours(listing: &str, now: Option<Timestamp>) -> usize {
    let mut parser = ListingParser::new();
    if let Some(now) = now {
        parser = parser.with_now(now);
    }
    let mut entries = 0;
    // In pieces, as a driver reads them.
    for mut piece in listing.as_bytes().chunks(64 * 1024) {
        while let Some(item) = parser.parse(&mut piece) {
            entries += usize::from(matches!(black_box(item), Item::Entry(_)));
        }
    }
    entries
}

fn compare(criterion: &mut Criterion) {
    let now = Timestamp::from_unix(1_795_000_000);
    let formats: [(&str, String, Peer); 3] = [
        ("unix", unix(), |line| black_box(ListParser::parse_posix(line)).is_ok()),
        ("mlsd", mlsd(), |line| black_box(ListParser::parse_mlsd(line)).is_ok()),
        ("dos", dos(), |line| black_box(ListParser::parse_dos(line)).is_ok()),
    ];
    for (name, listing, peer) in formats {
        let mut group = criterion.benchmark_group(name);
        group.throughput(Throughput::Bytes(listing.len() as u64));
        group.sample_size(10).measurement_time(Duration::from_secs(3));
        assert_eq!(ours(&listing, now), LINES);
        assert!(listing.lines().all(peer), "{name}");
        group.bench_function("ftp-proto", |bench| bench.iter(|| ours(&listing, now)));
        group.bench_function("suppaftp", |bench| {
            bench.iter(|| listing.lines().filter(|line| peer(line)).count());
        });
        group.finish();
    }
}

criterion_group!(benches, compare);
criterion_main!(benches);
