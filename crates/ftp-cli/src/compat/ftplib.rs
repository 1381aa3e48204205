//! `rftp ftplib`, with the arguments of `python -m ftplib [-d]... [-rFILE] HOST [-lDIR] [-dDIR] [-p] [FILE]...`

use std::ffi::OsString;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};

use ftp_blocking::{Client, DataMode, List};
use ftp_proto::Get;

use crate::args::{Common, Parallel};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::interrupt::Interrupt;
use crate::location::Remote;
use crate::login::Logins;
use crate::output;
use crate::pool::Pool;
use crate::site::Site;

const USAGE: &str = "rftp ftplib [-d] [-r[FILE]] HOST [-l[DIR]] [-d[DIR]] [-p] [FILE]...

-l lists a directory, -d changes into one, -p switches between passive and active mode; a file is
written to standard output. They are done in order. -d before HOST shows commands and replies.";

pub(crate) fn run(
    arguments: &[OsString],
    common: &Common,
    interrupt: &Interrupt,
) -> Result<Exit, Failure> {
    let mut common = common.clone();
    let mut rest = arguments.iter();
    let mut host = None;
    for argument in rest.by_ref() {
        let text = argument.to_str().unwrap_or_default();
        if text == "-d" {
            common.trace = true;
        } else if let Some(file) = text.strip_prefix("-r") {
            common.netrc_file = (!file.is_empty()).then(|| PathBuf::from(file));
        } else {
            host = argument.to_str();
            break;
        }
    }
    let Some(host) = host else {
        return output::print(format!("{USAGE}\n").as_bytes()).map(|()| Exit::Done);
    };
    let text = if host.contains("://") { host.to_owned() } else { format!("ftp://{host}/") };
    let remote = Remote::of_argument(text.as_ref())?;
    let logins = Logins::new(&common, &[&remote])?;
    if logins.login(&remote)?.user.is_empty() {
        let host = crate::show::argument(host.as_bytes());
        output::message(format_args!("no login for {host} in netrc, so it is anonymous"));
    }
    let pool = Pool::new(Site::new(&remote, &logins, &common)?, Parallel::Number(1), interrupt);
    let mut lease = pool.lease();
    lease.once(|client| {
        for argument in rest {
            one(client, crate::show::os_bytes(argument))
                .map_err(|failure| failure.about(crate::show::path(Path::new(argument))))?;
        }
        Ok(())
    })?;
    Ok(Exit::Done)
}

fn one(client: &mut Client, argument: &[u8]) -> Result<(), Failure> {
    let session = |error| Failure::session(error, "");
    let local = |error: &std::io::Error| output::failure(error);
    let mut out = output::open().map_err(|error| local(&error))?;
    if let Some(directory) = argument.strip_prefix(b"-l") {
        let list = if directory.is_empty() { List::new("") } else { List::new(directory) };
        let mut lines = client.list(list).map_err(session)?;
        while let Some(line) = lines.next_line().map_err(session)? {
            let line = match crate::show::stdout_is_terminal() {
                true => crate::show::bytes(line).into_bytes(),
                false => line.to_vec(),
            };
            out.write_all(&[&*line, b"\n"].concat()).map_err(|error| local(&error))?;
        }
        Ok(())
    } else if let Some(directory) = argument.strip_prefix(b"-d") {
        match directory {
            // Python's program sends CWD without a name, which most servers refuse; here it changes nothing.
            b"" => Ok(()),
            directory => client.cwd(directory).map(|_| ()).map_err(session),
        }
    } else if argument == b"-p" {
        let mode = match client.config().data_mode {
            DataMode::Active => DataMode::Passive,
            _ => DataMode::Active,
        };
        client.set_data_mode(mode);
        Ok(())
    } else {
        let mut download = client.get(Get::new(argument)).map_err(session)?;
        let mut block = vec![0; 64 * 1024];
        loop {
            match download.read(&mut block) {
                Ok(0) => return out.flush().map_err(|error| local(&error)),
                Ok(count) => out.write_all(&block[..count]).map_err(|error| local(&error))?,
                Err(error) => return Err(session(error.into())),
            }
        }
    }
}
