//! A session, and the calls on it

use std::io::{Read as _, Write as _};
use std::net::SocketAddr;
use std::str::{self, FromStr};
use std::time::Duration;

use ftp_blocking::ftp_proto::{Error as FtpError, ForeignReplies, fields, listing::Item};
use ftp_blocking::ftp_tls::{TlsConfig, Trust};
use ftp_blocking::{
    Client, Config, DataMode, Error, Get, List, Options, OwnedDownload, OwnedError, OwnedUpload,
    PassiveHost, PassiveOrder, Protection, Put, Reply, TlsPolicy, TransferType,
    copy_between_servers,
};

use crate::failure::Failure;
use crate::words::{Values, print};

pub(crate) struct Session {
    state: State,
    /// What was known when the running transfer began
    known: Values,
}

enum State {
    Idle(Client),
    Download(OwnedDownload),
    Upload(OwnedUpload),
    Over,
}

impl Session {
    /// Connects as ftplib does: in clear text, passive mode with PASV first, and without a check of certificates;
    /// returns the greeting, too
    ///
    /// An empty timeout is none, an empty source the system's choice. `tls` are the authorities that are trusted instead
    /// of everybody, and the files of the client's certificate and key, each of which may be empty.
    pub(crate) fn connect(
        host: &[u8],
        port: &[u8],
        timeout: &[u8],
        source: &[u8],
        tls: &[&[u8]],
    ) -> Result<(Self, Vec<u8>), Failure> {
        let mut config = Config::new(TlsPolicy::Plaintext);
        config.passive_order = PassiveOrder::PasvFirst;
        // CPython's test server answers CCC with 220.
        config.foreign_replies = ForeignReplies::Accept;
        let &[authorities, certificate, key] = tls else {
            return Err(Failure::misuse("no settings of TLS"));
        };
        let mut tls = match authorities {
            b"" => TlsConfig::builder(Trust::DangerousAnyCertificate),
            pem => TlsConfig::builder(Trust::OwnCa).add_ca_pem(pem),
        };
        if !certificate.is_empty() {
            tls = tls.client_auth_files(text(certificate)?, text(key)?);
        }
        let tls = tls.build().map_err(|error| Failure::misuse(&error.to_string()))?;
        let timeout = match timeout {
            b"" => Duration::MAX,
            seconds => Duration::try_from_secs_f64(number(seconds)?)
                .map_err(|error| Failure::misuse(&error.to_string()))?,
        };
        let mut options = Options::new(config).timeout(timeout).tls(tls);
        if !source.is_empty() {
            options = options.source_address(number::<SocketAddr>(source)?);
        }
        let client = Client::connect((text(host)?, number::<u16>(port)?), options)?;
        let welcome = client.welcome().map(reply).unwrap_or_default();
        Ok((Self { known: known(&client), state: State::Idle(client) }, welcome))
    }

    /// Calls a method
    pub(crate) fn call(&mut self, name: &[u8], arguments: &[&[u8]]) -> Result<Values, Failure> {
        match (name, arguments) {
            (b"state", &[]) => return Ok(self.known()),
            (b"read", &[count]) => return self.read(number(count)?),
            (b"write", &[bytes]) => return self.write(bytes),
            (b"finish", &[]) => return self.finish(),
            (b"abort", &[]) => return self.abort(),
            _ => {}
        }
        let client = self.idle()?;
        let done = match (name, arguments) {
            (b"settings", &[passive, trusting, lines]) => {
                let config = client.config_mut();
                config.passive_host = if trusting == b"1" {
                    PassiveHost::TrustReply
                } else {
                    PassiveHost::ControlPeer
                };
                client.set_data_mode(match passive {
                    b"1" => DataMode::Passive,
                    _ => DataMode::Active,
                });
                client.set_line_limit(number(lines)?);
                return Ok(Values::new());
            }
            (b"login", &[user, password, b""]) => client.login(user, password)?,
            (b"login", &[user, password, account]) => {
                client.login_with_account(user, password, account)?
            }
            (b"command", &[verb, argument]) => client.command(text(verb)?, argument)?,
            (b"account", &[account]) => client.account(account)?,
            (b"opts", &[options]) => client.opts(options)?,
            (b"cwd", &[path]) => client.cwd(path)?,
            (b"cdup", &[]) => client.cdup()?,
            (b"rmdir", &[path]) => client.rmdir(path)?,
            (b"delete", &[path]) => client.delete(path)?,
            (b"rename", &[from, to]) => client.rename(from, to)?,
            (b"protect", &[b"P"]) => client.protect(Protection::Private)?,
            (b"protect", &[b"C"]) => client.protect(Protection::Clear)?,
            (b"secure_control", &[]) => return Ok(optional(client.secure_control()?.as_ref())),
            (b"clear_control", &[]) => return Ok(optional(client.clear_control()?.as_ref())),
            (b"quit", &[]) => return Ok(optional(client.quit()?.as_ref())),
            (b"pwd", &[]) => return Ok(vec![client.pwd()?]),
            (b"mkdir", &[path]) => return Ok(client.mkdir(path)?.into_iter().collect()),
            (b"size", &[path]) => match client.size(path) {
                // ftplib returns None.
                Err(Error::Ftp(FtpError::InvalidReply(_))) => return Ok(Values::new()),
                size => return Ok(vec![size?.to_string().into_bytes()]),
            },
            (b"names", &[path]) => {
                client.names(path)?.into_iter().try_for_each(|name| print("item", &[name]))?;
                return Ok(optional(client.last_reply()));
            }
            (b"list", &[path]) => {
                let mut listing = client.list(List::new(path))?;
                while let Some(line) = listing.next_line()? {
                    print("item", &[line.to_vec()])?;
                }
                listing.finish()?.reply
            }
            (b"facts", &[path]) => {
                let mut entries = client.list(List::facts(path))?.entries();
                while let Some(item) = entries.next_item()? {
                    if let Item::Entry(entry) = item {
                        let mut values = vec![entry.name.to_vec()];
                        for (key, value) in entry.facts.iter() {
                            values.extend([key.to_vec(), value.to_vec()]);
                        }
                        print("item", &values)?;
                    }
                }
                entries.finish()?.reply
            }
            (b"lines", &[verb, argument]) => {
                let mut printed = Ok(());
                let get = Get::command(text(verb)?, argument);
                let transfer = client.get_lines(get, |line| {
                    if printed.is_ok() {
                        printed = print("item", &[line.to_vec()]);
                    }
                })?;
                printed?;
                transfer.reply
            }
            (b"get", &[verb, argument, offset]) => {
                let get = Get::command(text(verb)?, argument).resume_at(number(offset)?);
                return self.begin(|client| client.into_get(get).map(State::Download));
            }
            (b"put", &[verb, argument, type_, offset]) => {
                let put = Put::command(text(verb)?, argument).resume_at(number(offset)?);
                let put = if type_ == b"A" { put.ascii() } else { put };
                return self.begin(|client| client.into_put(put).map(State::Upload));
            }
            _ => return Err(Failure::misuse("no such call")),
        };
        Ok(vec![reply(&done)])
    }

    /// The client, after a transfer that was not finished has been aborted
    fn idle(&mut self) -> Result<&mut Client, Failure> {
        if matches!(self.state, State::Download(_) | State::Upload(_)) {
            self.abort()?;
        }
        match &mut self.state {
            State::Idle(client) => Ok(client),
            _ => Err(Failure::misuse("the session is over")),
        }
    }

    /// Begins a transfer; returns the size that the server announced
    fn begin(
        &mut self,
        begin: impl FnOnce(Client) -> Result<State, OwnedError>,
    ) -> Result<Values, Failure> {
        let State::Idle(client) = std::mem::replace(&mut self.state, State::Over) else {
            return Err(Failure::misuse("the session is over"));
        };
        self.known = known(&client);
        self.state = begin(client).map_err(|error| self.failed(error))?;
        Ok(match &self.state {
            State::Download(download) => {
                download.size_hint().map(|size| size.to_string().into_bytes()).into_iter().collect()
            }
            _ => Values::new(),
        })
    }

    fn known(&self) -> Values {
        match &self.state {
            State::Idle(client) => known(client),
            State::Download(_) | State::Upload(_) => self.known.clone(),
            State::Over => Values::new(),
        }
    }

    fn read(&mut self, count: usize) -> Result<Values, Failure> {
        let State::Download(download) = &mut self.state else {
            return Err(Failure::misuse("no download"));
        };
        let mut bytes = vec![0; count];
        let count = download.read(&mut bytes)?;
        bytes.truncate(count);
        Ok(vec![bytes])
    }

    fn write(&mut self, bytes: &[u8]) -> Result<Values, Failure> {
        let State::Upload(upload) = &mut self.state else {
            return Err(Failure::misuse("no upload"));
        };
        upload.write_all(bytes)?;
        Ok(Values::new())
    }

    fn finish(&mut self) -> Result<Values, Failure> {
        let done = match std::mem::replace(&mut self.state, State::Over) {
            State::Download(download) => download.finish(),
            State::Upload(upload) => upload.finish(),
            state => {
                self.state = state;
                return Err(Failure::misuse("no transfer"));
            }
        };
        let (transfer, client) = done.map_err(|error| self.failed(error))?;
        self.state = State::Idle(client);
        Ok(vec![reply(&transfer.reply)])
    }

    fn abort(&mut self) -> Result<Values, Failure> {
        let done = match std::mem::replace(&mut self.state, State::Over) {
            State::Idle(mut client) => {
                let done = client.abort();
                self.state = State::Idle(client);
                return Ok(optional(done?.as_ref()));
            }
            State::Download(download) => download.abort(),
            State::Upload(upload) => upload.abort(),
            State::Over => return Err(Failure::misuse("the session is over")),
        };
        let (answer, client) = done.map_err(|error| self.failed(error))?;
        self.state = State::Idle(client);
        Ok(optional(answer.as_ref()))
    }

    /// Notes that a transfer that owned the client has failed
    fn failed(&mut self, error: OwnedError) -> Failure {
        let (error, client) = error.into_parts();
        self.state = client.map_or(State::Over, State::Idle);
        error.into()
    }
}

/// What is known of the session, for the attributes of ftplib's classes
fn known(client: &Client) -> Values {
    let flag = |set: bool| if set { "1" } else { "" }.to_owned();
    let timeout = client.config().reply_timeout;
    let timeout =
        if timeout == Duration::MAX { String::new() } else { timeout.as_secs_f64().to_string() };
    let (peer, local) = (client.peer_addr(), client.local_addr());
    let known = [
        flag(client.is_connected()),
        flag(client.is_secure()),
        flag(client.protection() == Protection::Private),
        flag(client.config().data_mode == DataMode::Passive),
        timeout,
        peer.ip().to_string(),
        peer.port().to_string(),
        local.ip().to_string(),
        local.port().to_string(),
    ];
    known.map(String::into_bytes).to_vec()
}

/// Copies a file between the servers of two sessions
pub(crate) fn copy(
    source: &mut Session,
    source_path: &[u8],
    target: &mut Session,
    target_path: &[u8],
    type_: &[u8],
) -> Result<Values, Failure> {
    let type_ = if type_ == b"A" { TransferType::Ascii } else { TransferType::Image };
    let (source, target) = (source.idle()?, target.idle()?);
    copy_between_servers(source, source_path, target, target_path, type_)
        .map_err(|error| error.error)?;
    Ok(Values::new())
}

/// Parses the text of a reply with this code; returns nothing if it has no such value
pub(crate) fn parse(code: &[u8], text: &[u8]) -> Result<Values, Failure> {
    let address = |host: String, port: u16| vec![host.into_bytes(), port.to_string().into_bytes()];
    Ok(match code {
        b"150" => optional_text(fields::parse_size_hint(text).map(|size| size.to_string())),
        b"227" => fields::parse_227(text)
            .map_or_else(Values::new, |(host, port)| address(host.to_string(), port)),
        b"229" => optional_text(fields::parse_229(text).map(|epsv| epsv.port.to_string())),
        b"257" => fields::parse_257(text).into_iter().collect(),
        _ => return Err(Failure::misuse("no reply with a value")),
    })
}

/// A number, or an address
pub(crate) fn number<T: FromStr>(word: &[u8]) -> Result<T, Failure> {
    text(word)?.parse().map_err(|_| Failure::misuse("not a number"))
}

fn text(word: &[u8]) -> Result<&str, Failure> {
    str::from_utf8(word).map_err(|_| Failure::misuse("not UTF-8"))
}

/// A reply as ftplib returns it
fn reply(reply: &Reply) -> Vec<u8> {
    reply.wire_text().to_vec()
}

fn optional(answer: Option<&Reply>) -> Values {
    answer.map(reply).into_iter().collect()
}

fn optional_text(value: Option<String>) -> Values {
    value.map(String::into_bytes).into_iter().collect()
}
