//! Transcripts: one behaviour per file, readable by anyone who knows RFC 959
//!
//! ```text
//! policy plaintext            # explicit, implicit; further settings: see `settings` in parse.rs
//! do  login "u" "p"           # a request, which is queued like an application's
//! S:  220 ready               # a line from the server
//! C:  USER u                  # a line that the client must have sent by now
//! A:  OpenData #1 connect peer:5000
//! >   data #1 connected       # a report of the driver
//! E:  Completed login ok 230 welcome
//! any-order {                 # each channel keeps its own order; every merge is run
//!   S: 226 done
//!   >  data #1 finished
//! }
//! A:  StartTransfer #1 download image of get     # `of` and the name of the request may be omitted
//! >   timeout                 # the clock advances to the next deadline
//! do  abort                   # aborts the oldest request that has not completed
//! do  abort get               # aborts the oldest such request of this name, which may still be queued
//! is  deadline Transfer       # the phase of the next deadline; `none` if there is none
//! is  silent                  # no command was sent except those listed so far
//! is  keep-alive 30           # the application's setting, in seconds, or `none`
//! ```
//!
//! `C:`, `A:` and `E:` are each checked against their own queue. Unexpected output is an error: the queues must be
//! empty at the end of the script. A last line `end idle` or `end dead` gives the client's final state.

mod claim;
mod parse;
mod run;
mod words;

pub use parse::{Item, Script, Step};
pub use run::{Machine, Split, play, run_script, run_steps};
