//! The laws of ARCHITECTURE.md, for any sequence of calls and inputs
//!
//! Each test asserts all laws; its name says what its sequences are made for. A failure prints the smallest sequence
//! that fails, and the seed to reproduce it.

use ftp_proto::{Config, DataMode, TlsPolicy};
use ftp_tests::laws::{Act, Lawful};
use proptest::collection::vec;
use proptest::prelude::*;
use std::time::Duration;

fn config() -> impl Strategy<Value = Config> {
    let policy = prop_oneof![
        Just(TlsPolicy::Plaintext),
        Just(TlsPolicy::Explicit),
        Just(TlsPolicy::Implicit)
    ];
    (policy, any::<bool>(), any::<bool>(), any::<bool>(), any::<bool>()).prop_map(
        |(policy, active, pipeline, pause, keep_alive)| {
            let mut config = Config::new(policy);
            config.pipeline = pipeline;
            if active {
                config.data_mode = DataMode::Active;
            }
            if pause {
                config.auth_pause = Duration::from_millis(50);
            }
            config.keep_alive = keep_alive.then_some(Duration::from_secs(30));
            config
        },
    )
}

/// Mostly sensible acts, so that sessions get beyond the login
fn likely() -> impl Strategy<Value = Act> {
    prop_oneof![
        6 => any::<u8>().prop_map(Act::Request),
        20 => any::<u8>().prop_map(Act::Answer),
        16 => Just(Act::Drive),
        4 => any::<u8>().prop_map(Act::Line),
        2 => any::<u8>().prop_map(Act::Write),
        3 => (Just(0), any::<u8>()).prop_map(|(which, news)| Act::Data(which, news)),
        1 => Just(Act::Deadline),
        1 => any::<u16>().prop_map(Act::Wait),
        1 => Just(Act::Abort),
        1 => any::<u8>().prop_map(Act::Tickets),
    ]
}

/// Any act
fn unlikely() -> impl Strategy<Value = Act> {
    prop_oneof![
        any::<u8>().prop_map(Act::Request),
        vec(any::<u8>(), 0..300).prop_map(Act::Server),
        any::<u8>().prop_map(Act::Line),
        any::<u8>().prop_map(Act::Answer),
        any::<u8>().prop_map(Act::Write),
        Just(Act::Drive),
        (any::<u8>(), any::<u8>()).prop_map(|(which, news)| Act::Data(which, news)),
        any::<u8>().prop_map(Act::Control),
        any::<u16>().prop_map(Act::Wait),
        Just(Act::Deadline),
        Just(Act::Abort),
        Just(Act::Close),
        any::<u8>().prop_map(Act::Tickets),
    ]
}

/// Returns a session after its login, for which sensible answers are enough
fn logged_in(config: Config, length: usize) -> Lawful {
    let mut lawful = Lawful::new(config);
    lawful.act_in_pieces(&Act::Request(0), length);
    lawful.act_in_pieces(&Act::Drive, length);
    lawful.act_in_pieces(&Act::Line(0), length);
    for _ in 0..8 {
        lawful.act_in_pieces(&Act::Drive, length);
        lawful.act_in_pieces(&Act::Answer(0), length);
    }
    lawful
}

fn play(mut lawful: Lawful, acts: &[Act], length: usize) -> String {
    for act in acts {
        lawful.act_in_pieces(act, length);
    }
    lawful.end()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    /// Laws 1, 2, 5, 7 and 9
    #[test]
    fn any_calls_in_any_order(config in config(), acts in vec(unlikely(), 0..60)) {
        play(Lawful::new(config), &acts, usize::MAX);
    }

    /// Laws 2, 5, 6, 7 and 8
    #[test]
    fn sessions_that_get_somewhere(config in config(), acts in vec(likely(), 0..120)) {
        play(logged_in(config, usize::MAX), &acts, usize::MAX);
    }

    /// Law 3
    #[test]
    fn splitting_changes_nothing(
        config in config(),
        acts in vec(prop_oneof![3 => likely().boxed(), 1 => unlikely().boxed()], 0..80),
        length in 1..9_usize,
    ) {
        let whole = play(logged_in(config.clone(), usize::MAX), &acts, usize::MAX);
        let split = play(logged_in(config, length), &acts, length);
        prop_assert_eq!(whole, split);
    }
}

/// The sequences above would prove little if they ended at the greeting
#[test]
fn sensible_sequences_complete_transfers() {
    for policy in [TlsPolicy::Plaintext, TlsPolicy::Explicit, TlsPolicy::Implicit] {
        let mut acts = Vec::new();
        for request in [3, 7, 10, 19] {
            acts.push(Act::Request(request));
            for _ in 0..8 {
                acts.extend([Act::Drive, Act::Answer(0)]);
            }
        }
        acts.push(Act::Drive);
        let record = play(logged_in(Config::new(policy), usize::MAX), &acts, usize::MAX);
        assert_eq!(record.matches("Ok(Transfer(").count(), 3, "{record}");
        assert!(record.contains("Ok(Hash(Some("), "{record}");
    }
}
