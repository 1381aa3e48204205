//! Metalink 4 (RFC 5854): names, sizes, hashes and URLs of files

use quick_xml::events::{BytesStart, Event};
use quick_xml::{Reader, XmlVersion};

use super::{Entry, ManifestError, hash_of, stronger};

/// Parses a Metalink file; each of its files must have an FTP URL
pub(super) fn parse(text: &str) -> Result<Vec<Entry>, ManifestError> {
    let whole = |problem: String| ManifestError { line: 0, problem };
    let mut reader = Reader::from_str(text);
    let mut entries = Vec::new();
    let mut file: Option<Entry> = None;
    // The text since the last start or end tag.
    let mut content = String::new();
    let mut algorithm = None;
    let mut is_piece = false;
    loop {
        let event = reader.read_event().map_err(|error| whole(format!("no XML: {error}")))?;
        match event {
            Event::Start(element) => {
                content.clear();
                match element.local_name().as_ref() {
                    b"file" => {
                        let name = attribute(&element, b"name");
                        let name = name.ok_or_else(|| whole("a file without a name".into()))?;
                        file = Some(Entry {
                            sources: vec![],
                            name: Some(name),
                            size: None,
                            hash: None,
                        });
                    }
                    // These are hashes of parts of the file, not of the whole.
                    b"pieces" => is_piece = true,
                    b"hash" => algorithm = attribute(&element, b"type"),
                    _ => {}
                }
            }
            Event::Text(text) => {
                content.push_str(&text.decode().map_err(|error| whole(error.to_string()))?);
            }
            Event::GeneralRef(reference) => match &*reference {
                b"amp" => content.push('&'),
                b"lt" => content.push('<'),
                b"gt" => content.push('>'),
                b"quot" => content.push('"'),
                b"apos" => content.push('\''),
                _ => match reference.resolve_char_ref() {
                    Ok(Some(letter)) => content.push(letter),
                    _ => return Err(whole("a reference to an entity that is not known".into())),
                },
            },
            Event::End(element) => {
                let text = content.trim();
                match (element.local_name().as_ref(), &mut file) {
                    (b"file", open) => entries.extend(open.take()),
                    (b"pieces", _) => is_piece = false,
                    (b"size", Some(file)) => file.size = text.parse().ok(),
                    (b"hash", Some(file)) if !is_piece => {
                        // Hashes that are not understood are ignored: they may be for other programs.
                        if let Ok(hash) = hash_of(algorithm.as_deref().unwrap_or_default(), text) {
                            file.hash = Some(stronger(file.hash.take(), hash));
                        }
                    }
                    (b"url", Some(file)) if is_ftp(text) => file.sources.push(text.to_owned()),
                    _ => {}
                }
                content.clear();
            }
            Event::Eof => break,
            _ => {}
        }
    }
    if let Some(entry) = entries.iter().find(|entry| entry.sources.is_empty()) {
        let name = entry.name.as_deref().unwrap_or_default();
        return Err(whole(format!("{name} has no URL of FTP")));
    }
    Ok(entries)
}

fn is_ftp(url: &str) -> bool {
    url.split_once("://").is_some_and(|(scheme, _)| {
        ["ftp", "ftpes", "ftps"].iter().any(|known| scheme.eq_ignore_ascii_case(known))
    })
}

fn attribute(element: &BytesStart<'_>, name: &[u8]) -> Option<String> {
    let found = element.try_get_attribute(name).ok()??;
    Some(found.normalized_value(XmlVersion::Implicit1_0).ok()?.into_owned())
}
