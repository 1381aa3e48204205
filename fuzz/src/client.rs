//! The whole machine: calls and inputs in any order, with the laws asserted at each

use ftp_proto::{Config, DataMode, TlsPolicy};

use crate::laws::{Act, Lawful};

/// The first byte is the configuration; then each act is a byte and its arguments
pub fn client(input: &[u8]) {
    let Some((&flags, mut rest)) = input.split_first() else { return };
    let mut config = Config::new(match flags & 3 {
        0 => TlsPolicy::Explicit,
        1 => TlsPolicy::Implicit,
        _ => TlsPolicy::Plaintext,
    });
    if flags & 4 != 0 {
        config.data_mode = DataMode::Active;
    }
    config.pipeline = flags & 8 == 0;
    if flags & 16 != 0 {
        config.auth_pause = core::time::Duration::from_millis(50);
    }
    let mut acts = Vec::new();
    // More acts would only be slower.
    while acts.len() < 400 {
        let Some(act) = next(&mut rest) else { break };
        acts.push(act);
    }
    let play = |length| {
        let mut lawful = Lawful::new(config.clone());
        for act in &acts {
            lawful.act_in_pieces(act, length);
        }
        lawful.end()
    };
    assert_eq!(play(usize::MAX), play(usize::from(flags >> 5) + 1), "law 3");
}

fn next(rest: &mut &[u8]) -> Option<Act> {
    let mut byte = || {
        let (&first, tail) = rest.split_first()?;
        *rest = tail;
        Some(first)
    };
    Some(match byte()? % 16 {
        0 | 1 => Act::Request(byte()?),
        2 => {
            let length = usize::from(byte()?).min(rest.len());
            let (bytes, tail) = rest.split_at(length);
            *rest = tail;
            Act::Server(bytes.to_vec())
        }
        3 | 4 => Act::Line(byte()?),
        5 | 6 => Act::Answer(byte()?),
        7 => Act::Write(byte()?),
        8 | 9 => Act::Drive,
        10 | 11 => Act::Data(byte()?, byte()?),
        12 => Act::Control(byte()?),
        13 => Act::Deadline,
        14 => match byte()? {
            0..=99 => Act::Abort,
            100..=109 => Act::Close,
            other => Act::Wait(u16::from(other) * 100),
        },
        _ => Act::Tickets(byte()?),
    })
}
