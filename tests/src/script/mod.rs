//! Transcripts as data: one behaviour a file, readable by someone who knows only RFC 959
//!
//! ```text
//! policy plaintext            # explicit, implicit; further settings: see `settings` in parse.rs
//! do  login "u" "p"           # a request; queued, like an application's
//! S:  220 ready               # a line from the server
//! C:  USER u                  # a line the client must have sent by now
//! A:  OpenData #1 connect peer:5000
//! >   data #1 connected       # the driver reports
//! E:  Completed login ok 230 welcome
//! any-order {                 # each channel keeps its own order; every merge is run
//!   S: 226 done
//!   >  data #1 finished
//! }
//! A:  StartTransfer #1 download image of get     # `of` whom the bytes are may be left out
//! >   timeout                 # the clock jumps to the next deadline
//! do  abort                   # the oldest request that has not completed
//! do  abort get               # the oldest such request of this name, which may still be queued
//! is  deadline Transfer       # the phase that the next deadline is for; `none`: nothing is waited for
//! is  silent                  # no command has gone out but those named so far
//! is  keep-alive 30           # the application's setting, in seconds, or `none`
//! ```
//!
//! `C:`, `A:` and `E:` are checked each against its own queue, and what a script doesn't expect is
//! an error: the queues must be empty at its end. A last line `end idle` or `end dead` says how
//! the client must stand.

mod parse;
mod run;

pub use parse::{Item, Script, Step};
pub use run::{Machine, Split, run_script, run_steps};

/// How the server's bytes are cut into inputs
#[derive(Clone, Copy, Debug)]
pub struct Seed(pub u64);

impl Seed {
    /// The next number of a small deterministic generator (xorshift64*)
    pub fn number(&mut self) -> u64 {
        let mut x = self.0.max(1);
        x ^= x >> 12;
        x ^= x << 25;
        x ^= x >> 27;
        self.0 = x;
        x.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    /// A number below `bound`, which is at least 1
    pub fn below(&mut self, bound: usize) -> usize {
        (self.number() % bound as u64) as usize
    }
}
