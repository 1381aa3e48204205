//! Speed of the reply parser and of the conversion of line endings
//!
//! `cargo bench -p ftp-proto`

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use ftp_proto::{AsciiDecoder, AsciiEncoder, Codec, ReplyConfig, ReplyParser};

/// The replies to one small download
const SESSION: &[u8] = b"200 Switching to Binary mode.\r\n\
    229 Entering Extended Passive Mode (|||64513|)\r\n\
    150 Opening BINARY mode data connection for file.bin (1024 bytes).\r\n\
    226 Transfer complete.\r\n";

fn parse(parser: &mut ReplyParser, mut input: &[u8]) {
    while !input.is_empty() {
        let (consumed, reply) = parser.parse(input).expect("well-formed replies");
        black_box(reply);
        input = &input[consumed..];
    }
}

fn replies(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("reply");
    let lines = SESSION.repeat(100);
    let features =
        [&b"211-Features:\r\n"[..], &b" MLST size*;modify*;\r\n".repeat(40), b"211 End\r\n"];
    for (name, input) in [("one line", lines), ("many lines", features.concat().repeat(10))] {
        group.throughput(Throughput::Bytes(input.len() as u64));
        let mut parser = ReplyParser::new(ReplyConfig::default());
        group
            .bench_function(name, |bencher| bencher.iter(|| parse(&mut parser, black_box(&input))));
        group.bench_function(format!("{name}, byte-wise"), |bencher| {
            bencher.iter(|| black_box(&input).chunks(1).for_each(|byte| parse(&mut parser, byte)));
        });
    }
    group.finish();
}

fn convert(mut codec: impl Codec, mut input: &[u8], output: &mut [u8]) {
    while !input.is_empty() {
        let progress = codec.process(input, output);
        black_box(&output[..progress.produced]);
        input = &input[progress.consumed..];
    }
}

fn ascii(criterion: &mut Criterion) {
    const LENGTH: usize = 256 * 1024;
    let mut group = criterion.benchmark_group("ascii");
    group.throughput(Throughput::Bytes(LENGTH as u64));
    let mut output = vec![0; 64 * 1024];
    let text = |line: &[u8]| line.repeat(LENGTH / line.len() + 1)[..LENGTH].to_vec();
    let line = b"a line of ordinary length, as they stand in sources and in prose\r\n";
    for (name, wire, local) in [
        ("no line ends", text(b"x"), text(b"x")),
        ("lines of 64", text(line), text(&[&line[..64], b"\n"].concat())),
        ("empty lines", text(b"\r\n"), text(b"\n")),
    ] {
        group.bench_function(format!("decode, {name}"), |bencher| {
            bencher.iter(|| convert(AsciiDecoder::new(), black_box(&wire), &mut output));
        });
        group.bench_function(format!("encode, {name}"), |bencher| {
            bencher.iter(|| convert(AsciiEncoder::new(), black_box(&local), &mut output));
        });
    }
    group.finish();
}

criterion_group!(benches, replies, ascii);
criterion_main!(benches);
