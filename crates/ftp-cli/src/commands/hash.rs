//! `hash`: prints hashes of files in the format of sha256sum

use std::io::Read as _;

use ftp_blocking::Client;
use ftp_proto::Get;
use ftp_proto::fields::{FileHash, HashAlgorithm};
use ftp_session::{Buffer, Error, FileDigest};
use serde_json::{Map, Value};

use super::context::Context;
use crate::args::{Algorithm, HashArgs};
use crate::check::{self, Hashed};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output;
use crate::partial::Version;
use crate::stream::{self, Received};

impl Algorithm {
    const fn of_protocol(self) -> HashAlgorithm {
        match self {
            Self::Sha256 => HashAlgorithm::Sha256,
            Self::Sha512 => HashAlgorithm::Sha512,
            Self::Sha1 => HashAlgorithm::Sha1,
            Self::Md5 => HashAlgorithm::Md5,
            Self::Crc32 => HashAlgorithm::Crc32,
        }
    }
}

pub(super) fn hash(args: &HashArgs, context: &Context) -> Result<Exit, Failure> {
    if args.local.is_some() && args.urls.len() > 1 {
        let failure = Failure::usage("--local is for one URL");
        return Err(failure.remedy("`rftp verify` compares directories"));
    }
    let mut reported = None;
    context.places(&args.urls)?.each(|lease, pool, remote| {
        let path = remote.path();
        let found = match (args.download, args.algo) {
            (Some(algorithm), _) => {
                let algorithm = algorithm.of_protocol();
                stream::read(lease, pool, path, |client, version| {
                    download(client, path, algorithm, version)
                        .map_err(|error| pool.site().failure(error))
                })?
            }
            (None, Some(algorithm)) => {
                let algorithm = algorithm.of_protocol();
                let answer =
                    lease.request(|client| check::server_hash_by(client, path, algorithm))?;
                match answer {
                    Hashed::Hash(hash) => Some(hash),
                    Hashed::NotOffered(others) => return Err(not_offered(algorithm, &others)),
                }
            }
            (None, None) => lease.request(|client| check::server_hash(client, path))?,
        };
        let Some(found) = found else {
            let failure = Failure::new(Exit::Refused, "the server computes no hash of it");
            return Err(failure.remedy("--download sha256 downloads it and hashes it here"));
        };
        if let Some(local) = &args.local {
            super::verify::compare(local, &found, "on the server", &context.interrupt)?;
        }
        let is_servers_choice = args.algo.is_none() && args.download.is_none();
        let is_silent = context.common.json || context.common.quiet;
        // Otherwise only the length of the hash shows it. It is reported once for files in a row.
        if is_servers_choice
            && !is_silent
            && reported.replace(found.algorithm) != Some(found.algorithm)
        {
            let path = crate::show::bytes(path);
            output::message(format_args!("{path}: the server's algorithm is {}", found.algorithm));
        }
        let line = match context.common.json {
            true => {
                let mut object = Map::new();
                crate::show::insert_name(&mut object, "path", path);
                object.insert("algorithm".into(), found.algorithm.name().into());
                object.insert("hash".into(), found.to_string().into());
                format!("{}\n", Value::Object(object))
            }
            false => format!("{found}  {}\n", crate::show::bytes(path)),
        };
        output::print(line.as_bytes())
    })
}

fn not_offered(algorithm: HashAlgorithm, others: &[HashAlgorithm]) -> Failure {
    let others: Vec<&str> = others.iter().map(|other| other.name()).collect();
    let text = match others.is_empty() {
        true => format!("the server does not offer {algorithm}: FEAT lists no algorithm of HASH"),
        false => format!("the server does not offer {algorithm}, only {}", others.join(", ")),
    };
    Failure::new(Exit::Refused, text).remedy("--download hashes it here")
}

fn download(
    client: &mut Client,
    path: &[u8],
    algorithm: HashAlgorithm,
    version: Version,
) -> Result<Received<Option<FileHash>>, Error> {
    let Some(mut digest) = FileDigest::new(algorithm) else {
        return Ok(Received { bytes: 0, value: None });
    };
    let mut download = client.get(version.expected_of(Get::new(path)))?;
    let mut block = Buffer::new(256 * 1024);
    let mut bytes = 0;
    loop {
        match download.read(&mut block)? {
            0 => return Ok(Received { bytes, value: Some(digest.finish()) }),
            count => {
                digest.update(&block[..count]);
                bytes += count as u64;
            }
        }
    }
}
