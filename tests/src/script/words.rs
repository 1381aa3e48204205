//! Data events and actions, as written in a transcript

use std::net::{IpAddr, SocketAddr};

use ftp_proto::{Action, DataEndpoint, DataEvent, DataFailure, DataHost, IpFamily, TlsSession};

pub(super) fn data_event(words: &[&str]) -> DataEvent {
    let ip = |text: &str| -> IpAddr { text.parse().expect("an IP address") };
    match words {
        ["connected"] => DataEvent::Connected,
        ["listening", address] => {
            DataEvent::Listening(address.parse::<SocketAddr>().expect("an address"))
        }
        ["accepted", peer, "server", server] => {
            DataEvent::Accepted { peer: ip(peer), control_peer: ip(server) }
        }
        ["secured"] => DataEvent::Secured(TlsSession::Resumed),
        ["secured", "anew"] => DataEvent::Secured(TlsSession::New),
        ["progress", count] => DataEvent::Progress(count.parse().expect("a number")),
        ["paused"] => DataEvent::Paused,
        ["sent"] => DataEvent::Sent,
        ["finished"] => DataEvent::Finished,
        ["truncated"] => DataEvent::Truncated,
        ["failed", "open"] => DataEvent::Failed(DataFailure::Open),
        ["failed", "broken"] => DataEvent::Failed(DataFailure::Broken),
        ["failed", "tls"] => DataEvent::Failed(DataFailure::Tls),
        ["failed", "unexpected"] => DataEvent::Failed(DataFailure::UnexpectedData),
        other => panic!("data {other:?}?"),
    }
}

pub(super) fn render_action(action: &Action) -> String {
    match action {
        Action::OpenData(id, DataEndpoint::Connect { host, port }) => match host {
            DataHost::ControlPeer => format!("OpenData {id:?} connect peer:{port}"),
            DataHost::Address(host) => format!("OpenData {id:?} connect {host}:{port}"),
        },
        Action::OpenData(id, DataEndpoint::Listen { family, ports }) => {
            let family = match family {
                IpFamily::V4 => "v4",
                IpFamily::V6 => "v6",
            };
            match ports {
                Some(ports) => {
                    format!("OpenData {id:?} listen {family} {}-{}", ports.start(), ports.end())
                }
                None => format!("OpenData {id:?} listen {family}"),
            }
        }
        Action::Discard(id) => format!("Discard {id:?}"),
        Action::StartTransfer { id, direction, encoding, .. } => format!(
            "StartTransfer {id:?} {direction:?} {encoding:?}"
        )
        .to_lowercase()
        .replacen("starttransfer", "StartTransfer", 1),
        Action::SecureData(id) => format!("SecureData {id:?}"),
        Action::CloseData(id) => format!("CloseData {id:?}"),
        Action::SecureControl => "SecureControl".to_owned(),
        Action::ClearControl => "ClearControl".to_owned(),
        Action::CloseControl => "CloseControl".to_owned(),
    }
}

/// Separates an action from the request to which the bytes belong
pub(super) const OF: &str = " of ";

/// Whether an action matches a transcript's line, which need not name the request
pub(super) fn is_as_written(action: &str, line: &str) -> bool {
    action == line || action.rsplit_once(OF).is_some_and(|(order, _)| order == line)
}
