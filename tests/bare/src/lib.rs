//! A session without std
//!
//! This crate has its own panic handler. A program can only have one, and std has one, so this compiles on no target if
//! the core, or any of its dependencies, uses std.

#![no_std]

use core::panic::PanicInfo;
use core::time::Duration;

use ftp_proto::{Client, Config, Error, Event, IpFamily, Time, TlsPolicy};

#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    loop {}
}

/// The control connection, and a clock in milliseconds
pub trait Board {
    fn milliseconds(&mut self) -> u64;
    /// Returns the number of bytes sent
    fn send(&mut self, bytes: &[u8]) -> usize;
    /// Returns the number of bytes received
    fn receive(&mut self, buffer: &mut [u8]) -> usize;
}

/// Returns the size of a file
pub fn size(board: &mut impl Board, path: &str) -> Result<u64, Error> {
    let config = Config::new(TlsPolicy::Plaintext);
    let mut client = Client::new(config, IpFamily::V4, now(board));
    client.login("anonymous", "");
    let size = client.size(path);
    let mut buffer = [0; 512];
    loop {
        if let Some(bytes) = client.poll_transmit() {
            let sent = board.send(bytes);
            client.handle_transmit(now(board), sent);
        }
        let count = board.receive(&mut buffer);
        if count > 0 {
            // An error that ends the session is also reported as an event.
            let _ = client.handle_input(now(board), &buffer[..count]);
        }
        client.handle_timeout(now(board));
        while let Some(event) = client.poll_event() {
            let Event::Completed(mut done) = event else { continue };
            if let Some(result) = done.take(size) {
                return result;
            }
        }
    }
}

fn now(board: &mut impl Board) -> Time {
    Time::after_origin(Duration::from_millis(board.milliseconds()))
}
