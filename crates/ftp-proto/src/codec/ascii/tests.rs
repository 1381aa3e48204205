use alloc::vec;
use alloc::vec::Vec;

use proptest::prelude::*;

use super::*;

/// Runs a codec over pieces, with `room` bytes of output a call
fn run<'a>(
    mut codec: impl Codec,
    pieces: impl IntoIterator<Item = &'a [u8]>,
    room: usize,
) -> Vec<u8> {
    let (mut all, mut output) = (Vec::new(), vec![0; room]);
    for mut piece in pieces {
        while !piece.is_empty() {
            let Progress { consumed, produced } = codec.process(piece, &mut output);
            assert!(consumed + produced > 0, "no progress with {room} bytes of room");
            all.extend_from_slice(&output[..produced]);
            piece = &piece[consumed..];
        }
    }
    loop {
        let Progress { consumed, produced } = codec.finish(&mut output);
        assert_eq!(consumed, 0);
        if produced == 0 {
            return all;
        }
        all.extend_from_slice(&output[..produced]);
    }
}

fn decode(bytes: &[u8]) -> Vec<u8> {
    run(AsciiDecoder::new(), [bytes], 64)
}

fn encode(bytes: &[u8]) -> Vec<u8> {
    run(AsciiEncoder::new(), [bytes], 64)
}

#[test]
fn line_ends_from_the_wire() {
    for (wire, text) in [
        ("", ""),
        ("a\r\nb\r\n", "a\nb\n"),
        ("\r\n\r\n", "\n\n"),
        ("a\nb", "a\nb"),
        ("a\rb", "a\rb"),
        ("\r\r\n", "\r\n"),
        ("\r\r\r", "\r\r\r"),
        ("a\r", "a\r"),
        ("a\r\0b", "a\r\0b"),
        ("a\n\rb", "a\n\rb"),
    ] {
        assert_eq!(decode(wire.as_bytes()), text.as_bytes(), "{wire:?}");
    }
}

#[test]
fn line_ends_to_the_wire() {
    for (text, wire) in [
        ("", ""),
        ("a\nb\n", "a\r\nb\r\n"),
        ("\n\n", "\r\n\r\n"),
        ("a\r\nb", "a\r\nb"),
        ("a\rb\r", "a\rb\r"),
        ("\r\r\n", "\r\r\n"),
        ("\r\n\n", "\r\n\r\n"),
        ("\n\r\n", "\r\n\r\n"),
    ] {
        assert_eq!(encode(text.as_bytes()), wire.as_bytes(), "{text:?}");
    }
}

#[test]
fn a_carriage_return_waits_for_the_next_piece() {
    let mut decoder = AsciiDecoder::new();
    let mut output = [0; 8];
    let held = Progress { consumed: 2, produced: 1 };
    assert_eq!(decoder.process(b"a\r", &mut output), held);
    assert_eq!(decoder.process(b"\nb", &mut output), Progress { consumed: 2, produced: 2 });
    assert_eq!(&output[..2], b"\nb");
    assert_eq!(decoder.finish(&mut output).produced, 0);

    assert_eq!(decoder.process(b"a\r", &mut output), held);
    assert_eq!(decoder.finish(&mut []).produced, 0);
    assert_eq!(decoder.finish(&mut output), Progress { consumed: 0, produced: 1 });
    assert_eq!((output[0], decoder), (b'\r', AsciiDecoder::new()));
}

#[test]
fn without_room_nothing_happens() {
    let nothing = Progress { consumed: 0, produced: 0 };
    assert_eq!(AsciiDecoder::new().process(b"\r\n", &mut []), nothing);
    assert_eq!(AsciiEncoder::new().process(b"\n", &mut []), nothing);
    assert_eq!(AsciiEncoder::new().process(b"", &mut [0; 4]), nothing);
}

/// Text with many line endings
fn text() -> impl Strategy<Value = Vec<u8>> {
    let byte = prop_oneof![Just(b'\r'), Just(b'\n'), Just(b'\0'), Just(b'a'), any::<u8>()];
    prop::collection::vec(byte, 0..200)
}

/// Splits bytes into pieces of these lengths, repeatedly
fn pieces<'a>(mut bytes: &'a [u8], lengths: &[usize]) -> Vec<&'a [u8]> {
    let mut pieces = Vec::new();
    for length in lengths.iter().cycle() {
        if bytes.is_empty() {
            break;
        }
        let (piece, rest) = bytes.split_at(bytes.len().min(*length));
        pieces.push(piece);
        bytes = rest;
    }
    pieces
}

/// A second, simpler decoder, for comparison
fn reference(bytes: &[u8]) -> Vec<u8> {
    let kept = |(index, byte): (usize, &u8)| match (byte, bytes.get(index + 1)) {
        (b'\r', Some(b'\n')) => None,
        _ => Some(*byte),
    };
    bytes.iter().enumerate().filter_map(kept).collect()
}

proptest! {
    #[test]
    fn splits_and_room_make_no_difference(
        bytes in text(),
        lengths in prop::collection::vec(1..20_usize, 1..8),
        room in 1..20_usize,
    ) {
        let pieces = pieces(&bytes, &lengths);
        prop_assert_eq!(run(AsciiDecoder::new(), pieces.iter().copied(), room), decode(&bytes));
        prop_assert_eq!(run(AsciiEncoder::new(), pieces, room), encode(&bytes));
    }

    #[test]
    fn decoding_drops_the_cr_of_each_crlf_and_nothing_else(bytes in text()) {
        prop_assert_eq!(decode(&bytes), reference(&bytes));
    }

    #[test]
    fn encoding_puts_a_cr_before_each_lf_and_changes_nothing_else(bytes in text()) {
        let wire = encode(&bytes);
        for at in memchr::memchr_iter(b'\n', &wire) {
            prop_assert!(at > 0 && wire[at - 1] == b'\r');
        }
        prop_assert_eq!(reference(&wire), reference(&bytes));
        prop_assert_eq!(encode(&wire), wire);
    }

    #[test]
    fn decoding_restores_what_was_encoded(bytes in text()) {
        // A CRLF in the source comes back as LF, because on the network the two are the same.
        prop_assert_eq!(decode(&encode(&bytes)), decode(&bytes));
    }
}
