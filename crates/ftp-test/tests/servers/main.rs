//! Tests of both servers, with a minimal client and, over TLS, with a client that verifies certificates

#![expect(clippy::unwrap_used, reason = "helpers of tests: a panic is the report")]

mod client;
mod scripted;
mod server;
mod states;
#[cfg(any(feature = "aws-lc-rs", feature = "ring"))]
mod tls;
