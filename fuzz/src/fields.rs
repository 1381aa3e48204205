use ftp_proto::{Code, Features, Reply, fields};

/// No text makes a field's parser panic, and parsed values are in range
pub fn fields(data: &[u8]) {
    if let Some((host, port)) = fields::parse_227(data) {
        assert_ne!(port, 0);
        let [a, b, c, d] = host.octets();
        let again = format!("({a},{b},{c},{d},{},{})", port >> 8, port & 0xFF);
        assert_eq!(fields::parse_227(again.as_bytes()), Some((host, port)));
    }
    if let Some(epsv) = fields::parse_229(data) {
        assert_ne!(epsv.port, 0);
        let again = format!("(|||{}|)", epsv.port);
        assert_eq!(fields::parse_229(again.as_bytes()).map(|epsv| epsv.port), Some(epsv.port));
    }
    if let Some(path) = fields::parse_257(data) {
        assert!(!path.iter().any(u8::is_ascii_control));
        assert_eq!(fields::parse_257(&quote(&path)), Some(path));
    }
    if let Some(name) = fields::parse_stou(data) {
        assert!(!name.is_empty() && !name.iter().any(u8::is_ascii_control));
    }
    if let Some(size) = fields::parse_size(data) {
        assert_eq!(fields::parse_size(size.to_string().as_bytes()), Some(size));
    }
    if let Some(size) = fields::parse_size_hint(data) {
        assert_eq!(fields::parse_size_hint(format!("({size} bytes)").as_bytes()), Some(size));
    }
    if let Some(time) = fields::parse_time(data) {
        assert_eq!(fields::parse_time(fields::format_time(time).as_bytes()), Some(time));
    }
    for algorithm in fields::HashAlgorithm::ALL {
        if let Some(hash) = fields::parse_hash(data, algorithm) {
            assert_eq!(fields::parse_hash(hash.to_string().as_bytes(), algorithm), Some(hash));
        }
        if let Some(hash) = fields::parse_hash_of(data, algorithm, b"name", None) {
            assert_eq!(hash.value.len(), algorithm.size());
        }
    }
    let reply = Reply::new(Code::SYSTEM_STATUS, data);
    assert_eq!(reply.text(), data);
    let address = fields::parse_passive(&reply);
    assert!(address.is_none_or(|address| address.port != 0));
    let features = Features::parse(&reply).expect("2yz");
    for (name, _) in features.iter() {
        assert!(!name.is_empty() && !name.iter().any(u8::is_ascii_lowercase));
    }
}

/// Quotes a path as RFC 959 requires in a 257
fn quote(path: &[u8]) -> Vec<u8> {
    let doubled = path.iter().flat_map(|byte| match byte {
        b'"' => &b"\"\""[..],
        byte => std::slice::from_ref(byte),
    });
    [b"\"".as_slice(), &doubled.copied().collect::<Vec<_>>(), b"\" is current"].concat()
}
