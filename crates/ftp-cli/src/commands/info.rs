//! `info`: describes a server

use std::time::{Duration, Instant};

use ftp_blocking::Client;
use ftp_session::Error;
use serde_json::{Value, json};

use super::context::Context;
use super::known;
use crate::args::UrlsArgs;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output;

/// How many round trips are measured; the shortest is shown
const ROUND_TRIPS: u32 = 3;

pub(super) fn info(args: &UrlsArgs, context: &Context) -> Result<Exit, Failure> {
    context.places(&args.urls)?.each(|lease, pool, _| {
        let server = pool.site().name().to_owned();
        let facts = lease.request(|client| look(client, &server))?;
        let text = match context.common.json {
            true => format!("{}\n", Value::Object(facts)),
            false => lines(&facts),
        };
        output::print(text.as_bytes())
    })
}

fn look(client: &mut Client, server: &str) -> Result<serde_json::Map<String, Value>, Error> {
    let optional = |result: Result<String, Error>| match result {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.is_fatal() => Err(error),
        Err(_) => Ok(None),
    };
    let greeting = client.welcome().map(|reply| crate::show::bytes(reply.text()));
    let features: Vec<String> = client
        .query_features()?
        .iter()
        .map(|(name, parameters)| {
            let text = [name, parameters].join(&b' ');
            crate::show::bytes(text.trim_ascii())
        })
        .collect();
    let system = client.system().map(|reply| crate::show::bytes(reply.text()));
    let system = optional(system)?;
    let home = client.pwd().map(|path| crate::show::bytes(&path));
    let home = optional(home)?;
    let mut shortest = Duration::MAX;
    for _ in 0..ROUND_TRIPS {
        let begun = Instant::now();
        match client.noop() {
            Err(error) if error.is_fatal() => return Err(error),
            // A refused NOOP takes a round trip as well.
            _ => shortest = shortest.min(begun.elapsed()),
        }
    }
    let tls = client.tls().map(|tls| {
        let version = tls.protocol_version().map(|version| format!("{version:?}"));
        let suite = tls.cipher_suite().map(|suite| format!("{:?}", suite.suite()));
        let words: Vec<String> = [version, suite].into_iter().flatten().collect();
        words.join(" ")
    });
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let software = known::software(&text(&greeting), &text(&system));
    let facts = json!({
        "server": server,
        "address": client.peer_addr().to_string(),
        "greeting": greeting,
        "system": system,
        "directory": home,
        "software": software.map(|software| software.name),
        "known_for": software.map(|software| software.facts),
        "tls": tls,
        "round_trip_ms": shortest.as_secs_f64() * 1000.0,
        "features": features,
    });
    match facts {
        Value::Object(facts) => Ok(facts),
        // Not reached: the macro was given an object.
        _ => Ok(serde_json::Map::new()),
    }
}

fn lines(facts: &serde_json::Map<String, Value>) -> String {
    let text = |key: &str, none: &str| match &facts[key] {
        Value::String(text) => text.lines().collect::<Vec<_>>().join(" / "),
        Value::Number(number) => format!("{:.2} ms", number.as_f64().unwrap_or(0.0)),
        Value::Array(items) => {
            let between = if key == "known_for" { "; " } else { ", " };
            items.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(between)
        }
        _ => none.to_owned(),
    };
    [
        ("server", "server", ""),
        ("address", "address", ""),
        ("greeting", "greeting", "none"),
        ("system", "system", "not reported"),
        ("directory", "directory", "not reported"),
        ("software", "software", "not known"),
        ("known for", "known_for", "nothing"),
        ("TLS", "tls", "none: clear text"),
        ("round trip", "round_trip_ms", ""),
        ("features", "features", "none listed"),
    ]
    .iter()
    .map(|(label, key, none)| format!("{label:<11} {}\n", text(key, none)))
    .collect()
}
