//! Replies and their meaning as JSON, in the form of the shared corpus
//!
//! Bytes are mapped to the characters with the same number (Latin-1), so nothing is lost.

use ftp_proto::listing::parse_mlsx;
use ftp_proto::{Features, Reply, ReplyError, ReplyKind, fields};
use serde_json::{Value, json};

fn text(bytes: &[u8]) -> String {
    bytes.iter().copied().map(char::from).collect()
}

/// `{"code": …, "lines": […]}`, with the lines as received
pub(crate) fn reply(reply: &Reply) -> Value {
    let lines: Vec<_> = reply.wire_lines().map(text).collect();
    json!({ "code": reply.code().get(), "lines": lines })
}

/// The two classes of errors in the corpus
pub(crate) fn error(error: &ReplyError) -> &'static str {
    match error {
        ReplyError::LineTooLong { .. } | ReplyError::ReplyTooLong { .. } => "too-long",
        _ => "protocol",
    }
}

/// Returns the meaning of a reply as the answer to the command that `kind` stands for
///
/// `None` if the question does not apply to this reply or this program.
pub(crate) fn meaning(kind: &str, reply: &Reply) -> Option<Value> {
    let text_of = reply.text();
    let done = reply.kind() == ReplyKind::Completion;
    let value = match kind {
        "size_hint" if reply.kind() == ReplyKind::Preliminary => {
            Some(json!({ "size": fields::parse_size_hint(text_of) }))
        }
        "size_hint" => return None,
        "pasv" if done => fields::parse_227(text_of)
            .map(|(host, port)| json!({ "host": host.to_string(), "port": port })),
        "epsv" if done => fields::parse_229(text_of).map(|epsv| match epsv.host {
            Some(host) => json!({ "host": host.to_string(), "port": epsv.port }),
            None => json!({ "port": epsv.port }),
        }),
        "path" if done => fields::parse_257(text_of).map(|path| json!({ "path": text(&path) })),
        "size" if done => fields::parse_size(text_of).map(|size| json!({ "size": size })),
        "mtime" if done => {
            fields::parse_time(text_of).map(|time| json!({ "modified": time.to_string() }))
        }
        "features" => Features::parse(reply).map(|features| {
            let parameters = |of: &[u8]| if of.is_empty() { Value::Null } else { text(of).into() };
            let pairs = features.iter().map(|(name, of)| json!([text(name), parameters(of)]));
            json!({ "features": pairs.collect::<Vec<_>>() })
        }),
        "pasv" | "epsv" | "path" | "size" | "mtime" => None,
        "text" => Some(json!({ "text": text(text_of) })),
        "class" => Some(json!({ "class": match reply.kind() {
            ReplyKind::Preliminary => "preliminary",
            ReplyKind::Completion => "completion",
            ReplyKind::Intermediate => "intermediate",
            ReplyKind::Transient => "temporary",
            ReplyKind::Permanent => "permanent",
        }})),
        "mlst" if done => mlst(reply),
        "mlst" => None,
        _ => return None,
    };
    let mut value = value.unwrap_or_else(|| json!({ "error": true }));
    value["kind"] = kind.into();
    Some(value)
}

/// Returns the facts in a reply to MLST, which some servers spread over lines
fn mlst(reply: &Reply) -> Option<Value> {
    let mut entries =
        reply.lines().filter_map(parse_mlsx).filter(|entry| entry.facts.iter().next().is_some());
    let first = entries.next()?;
    let rest = entries.filter(|entry| entry.name == first.name);
    let facts: serde_json::Map<String, Value> = first
        .facts
        .iter()
        .chain(rest.flat_map(|entry| entry.facts.iter()))
        .map(|(key, value)| (text(key).to_ascii_lowercase(), text(value).into()))
        .collect();
    Some(json!({ "name": text(first.name), "facts": facts }))
}
