use ftp_proto::{AsciiDecoder, AsciiEncoder, Codec, Progress};

use crate::pieces;

/// Splits and the size of the output buffer make no difference, and decoding restores what was encoded
///
/// Byte 0: length of the pieces. Byte 1: size of the output buffer. The rest: text.
pub fn ascii(data: &[u8]) {
    let Some((&[length, room], text)) = data.split_first_chunk() else { return };
    let room = usize::from(room) + 1;
    let wire = run(AsciiEncoder::new(), [text], 4096);
    assert_eq!(run(AsciiEncoder::new(), pieces(text, length), room), wire);
    let plain = run(AsciiDecoder::new(), [text], 4096);
    assert_eq!(run(AsciiDecoder::new(), pieces(text, length), room), plain);
    assert_eq!(run(AsciiDecoder::new(), [&wire[..]], 4096), plain);
    assert_eq!(run(AsciiEncoder::new(), [&wire[..]], 4096), wire);
}

fn run<'a>(
    mut codec: impl Codec,
    pieces: impl IntoIterator<Item = &'a [u8]>,
    room: usize,
) -> Vec<u8> {
    let (mut all, mut output) = (Vec::new(), vec![0; room]);
    for mut piece in pieces {
        while !piece.is_empty() {
            let Progress { consumed, produced } = codec.process(piece, &mut output);
            assert!(consumed + produced > 0, "no progress");
            all.extend_from_slice(&output[..produced]);
            piece = &piece[consumed..];
        }
    }
    while let Progress { consumed: 0, produced: produced @ 1.. } = codec.finish(&mut output) {
        all.extend_from_slice(&output[..produced]);
    }
    all
}
