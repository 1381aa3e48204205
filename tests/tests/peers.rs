//! This project and suppaftp with servers that misbehave: correct results, errors, false results and hangs
//!
//! `cargo test -p ftp-tests --test peers -- --nocapture` shows the table. Only this project's column is asserted.

use std::fmt;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use ftp_blocking::{Client, Config, TlsPolicy};
use socket2::SockRef;

/// The server's misbehaviour
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    /// None, but segments of one byte
    Trickle,
    /// Half of the announced bytes, an orderly close, 226
    HalfAnd226,
    /// Half of the bytes, a reset, 226
    ResetAnd226,
    /// Half of the bytes, an orderly close, 426
    HalfAnd426,
    /// The data connection is accepted, then silence on both connections
    Silence,
    /// All bytes, and no 226
    NoFinalReply,
    /// All bytes, and 421 instead of 226
    ClosingAtTheEnd,
    /// The 227 contains another host
    OtherHost,
    /// The data port is closed
    DataRefused,
    /// 550 while the client connects to a port that does not answer
    RefusedMeanwhile,
    /// A reply line without an end
    EndlessLine,
    /// The greeting of another protocol
    NotFtp,
    /// The disk is full after the first bytes of an upload
    DiskFull,
    /// The upload's data connection is reset, and a 226 reports success
    UploadReset,
    /// An upload without a final reply
    UploadNoFinalReply,
    /// None, but the client requests a name with a line ending
    LineEndInName,
}

const FAULTS: [Fault; 16] = [
    Fault::Trickle,
    Fault::HalfAnd226,
    Fault::ResetAnd226,
    Fault::HalfAnd426,
    Fault::Silence,
    Fault::NoFinalReply,
    Fault::ClosingAtTheEnd,
    Fault::OtherHost,
    Fault::DataRefused,
    Fault::RefusedMeanwhile,
    Fault::EndlessLine,
    Fault::NotFtp,
    Fault::DiskFull,
    Fault::UploadReset,
    Fault::UploadNoFinalReply,
    Fault::LineEndInName,
];

/// A client's result
#[derive(Clone, Debug, PartialEq, Eq)]
enum Outcome {
    /// The client has the whole file and reports success
    Done,
    /// An error
    Error(String),
    /// The client reports success for a failed transfer, or sent a command that was not requested
    FalseSuccess,
    /// The client does not return in time
    Hang,
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Done => f.write_str("done"),
            Self::Error(text) => write!(f, "error: {}", &text[..text.len().min(60)]),
            Self::FalseSuccess => f.write_str("LIE"),
            Self::Hang => f.write_str("HANG"),
        }
    }
}

impl Fault {
    /// Whether success is the right result
    const fn is_harmless(self) -> bool {
        matches!(self, Self::Trickle | Self::OtherHost)
    }

    const fn uploads(self) -> bool {
        matches!(self, Self::DiskFull | Self::UploadReset | Self::UploadNoFinalReply)
    }
}

/// The file: too large for the buffers of a socket
fn content() -> Vec<u8> {
    b"what is in the file\n".repeat(400_000)
}

/// The client's own deadline, if it has one
const DEADLINE: Duration = Duration::from_secs(3);

/// The maximum duration of a client's call: several deadlines
const PATIENCE: Duration = Duration::from_secs(10);

/// Serves one client; returns whether it sent a command that was not requested
fn serve(fault: Fault) -> (SocketAddr, thread::JoinHandle<bool>) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    let address = listener.local_addr().expect("bound");
    let thread = thread::spawn(move || {
        let Ok((control, _)) = listener.accept() else { return false };
        // If the client closes early, the script fails, which does not matter.
        talk(fault, &control).unwrap_or(false)
    });
    (address, thread)
}

fn talk(fault: Fault, control: &TcpStream) -> std::io::Result<bool> {
    control.set_nodelay(true)?;
    control.set_read_timeout(Some(2 * PATIENCE))?;
    let mut lines = BufReader::new(control);
    let say = |text: &str| {
        let mut control = control;
        if fault == Fault::Trickle {
            return text.bytes().try_for_each(|byte| control.write_all(&[byte]));
        }
        control.write_all(text.as_bytes())
    };
    if fault == Fault::NotFtp {
        say("SSH-2.0-OpenSSH_9.2\r\n")?;
    } else {
        say("220 ready\r\n")?;
    }
    let mut data = None;
    let mut injected = false;
    loop {
        let mut line = Vec::new();
        if lines.read_until(b'\n', &mut line)? == 0 {
            return Ok(injected);
        }
        let line = String::from_utf8_lossy(&line).trim_end().to_owned();
        match line.split(' ').next().unwrap_or_default() {
            "USER" => say("331 password\r\n")?,
            "PASS" => say("230 in\r\n")?,
            "TYPE" | "NOOP" | "OPTS" => say("200 ok\r\n")?,
            "SIZE" => say(&format!("213 {}\r\n", content().len()))?,
            "EPSV" if fault == Fault::OtherHost => say("500 what?\r\n")?,
            verb @ ("PASV" | "EPSV") => {
                let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
                let port = listener.local_addr()?.port();
                let host = if fault == Fault::OtherHost { "127,0,0,66" } else { "127,0,0,1" };
                if verb == "PASV" {
                    say(&format!("227 go ({host},{},{})\r\n", port >> 8, port & 255))?;
                } else {
                    say(&format!("229 go (|||{port}|)\r\n"))?;
                }
                data = (fault != Fault::DataRefused).then_some(listener);
            }
            "RETR" | "STOR" if fault == Fault::RefusedMeanwhile => say("550 no\r\n")?,
            "RETR" => {
                let Some(listener) = data.take() else { continue };
                download(fault, &listener, &say)?;
            }
            "STOR" => {
                let Some(listener) = data.take() else { continue };
                upload(fault, &listener, &say)?;
            }
            "DELE" => {
                injected |= line != "DELE a";
                say("250 gone\r\n")?;
            }
            "QUIT" => return say("221 bye\r\n").map(|()| injected),
            "ABOR" => say("226 aborted\r\n")?,
            "REST" => say("350 go on\r\n")?,
            _ => {
                injected |= line.starts_with("RMD");
                say("502 no\r\n")?;
            }
        }
    }
}

fn reset(stream: TcpStream) -> std::io::Result<()> {
    SockRef::from(&stream).set_linger(Some(Duration::ZERO))
}

fn download(
    fault: Fault,
    listener: &TcpListener,
    say: &dyn Fn(&str) -> std::io::Result<()>,
) -> std::io::Result<()> {
    let (mut data, _) = listener.accept()?;
    let bytes = content();
    say(&format!("150 Opening BINARY mode data connection for f ({} bytes).\r\n", bytes.len()))?;
    let half = &bytes[..bytes.len() / 2];
    match fault {
        Fault::HalfAnd226 | Fault::HalfAnd426 => {
            data.write_all(half)?;
            drop(data);
            say(if fault == Fault::HalfAnd226 { "226 done\r\n" } else { "426 cut\r\n" })
        }
        Fault::ResetAnd226 => {
            data.write_all(half)?;
            reset(data)?;
            say("226 done\r\n")
        }
        Fault::Silence => {
            thread::sleep(2 * PATIENCE);
            Ok(())
        }
        Fault::EndlessLine => {
            drop(data);
            say("226 ")?;
            let more = "x".repeat(1 << 16);
            // For as long as the client reads, but not for ever.
            (0..2000).try_for_each(|_| say(&more))
        }
        _ => {
            data.write_all(&bytes)?;
            drop(data);
            match fault {
                Fault::NoFinalReply => {
                    thread::sleep(2 * PATIENCE);
                    Ok(())
                }
                Fault::ClosingAtTheEnd => say("421 closing\r\n"),
                _ => say("226 done\r\n"),
            }
        }
    }
}

fn upload(
    fault: Fault,
    listener: &TcpListener,
    say: &dyn Fn(&str) -> std::io::Result<()>,
) -> std::io::Result<()> {
    let (mut data, _) = listener.accept()?;
    say("150 send\r\n")?;
    match fault {
        Fault::DiskFull => {
            data.read_exact(&mut [0; 1000])?;
            say("552 disk full\r\n")?;
            reset(data)
        }
        Fault::UploadReset => {
            data.read_exact(&mut [0; 1000])?;
            reset(data)?;
            say("226 done\r\n")
        }
        _ => {
            data.read_to_end(&mut Vec::new())?;
            drop(data);
            thread::sleep(2 * PATIENCE);
            Ok(())
        }
    }
}

/// The result that a client reports
type Reported = Result<Vec<u8>, String>;

fn ours(fault: Fault, address: SocketAddr) -> Reported {
    let mut config = Config::new(TlsPolicy::Plaintext);
    (config.reply_timeout, config.greeting_timeout) = (DEADLINE, DEADLINE);
    (config.data_timeout, config.data_connect_timeout) = (DEADLINE, DEADLINE);
    (config.final_reply_timeout, config.settle_timeout) = (DEADLINE, DEADLINE);
    config.settle_quiet = Duration::from_millis(200);
    let play = || -> Result<Vec<u8>, ftp_blocking::Error> {
        let mut ftp = Client::connect(address.to_string(), config)?;
        ftp.login("u", "p")?;
        let mut bytes = Vec::new();
        match fault {
            Fault::LineEndInName => drop(ftp.delete("a\r\nRMD b")?),
            _ if fault.uploads() => {
                ftp.upload_from("f", &mut &content()[..])?;
                bytes = content();
            }
            _ => drop(ftp.download_to("f", &mut bytes)?),
        }
        Ok(bytes)
    };
    play().map_err(|error| error.to_string())
}

fn theirs(fault: Fault, address: SocketAddr) -> Reported {
    let play = || -> Result<Vec<u8>, suppaftp::FtpError> {
        let mut ftp = suppaftp::FtpStream::connect(address)?;
        // The only deadline that suppaftp has.
        let _ = ftp.get_ref().set_read_timeout(Some(DEADLINE));
        ftp.login("u", "p")?;
        ftp.transfer_type(suppaftp::types::FileType::Binary)?;
        Ok(match fault {
            Fault::LineEndInName => {
                ftp.rm("a\r\nRMD b")?;
                Vec::new()
            }
            _ if fault.uploads() => {
                ftp.put_file("f", &mut &content()[..])?;
                content()
            }
            _ => ftp.retr_as_buffer("f")?.into_inner(),
        })
    };
    play().map_err(|error| error.to_string())
}

fn play(fault: Fault, client: fn(Fault, SocketAddr) -> Reported) -> Outcome {
    let (address, server) = serve(fault);
    let (sender, told) = mpsc::channel();
    thread::spawn(move || {
        // If the client is too late, the receiver is gone.
        let _ = sender.send(client(fault, address));
    });
    let Ok(told) = told.recv_timeout(PATIENCE) else { return Outcome::Hang };
    match (fault, told) {
        (Fault::LineEndInName, Ok(_)) => Outcome::FalseSuccess,
        (Fault::LineEndInName, Err(error)) => {
            let injected = server.join().unwrap_or(true);
            if injected { Outcome::FalseSuccess } else { Outcome::Error(error) }
        }
        (_, Err(error)) => Outcome::Error(error),
        (_, Ok(bytes)) if fault.is_harmless() && bytes == content() => Outcome::Done,
        (_, Ok(_)) => Outcome::FalseSuccess,
    }
}

#[test]
fn results_with_misbehaving_servers() {
    let rows: Vec<_> = FAULTS
        .map(|fault| thread::spawn(move || (fault, play(fault, ours), play(fault, theirs))))
        .into_iter()
        .map(|row| row.join().expect("a row"))
        .collect();
    println!("{:18} | {:68} | suppaftp", "fault", "ftp-blocking");
    for (fault, ours, theirs) in &rows {
        println!("{:18} | {:68} | {theirs}", format!("{fault:?}"), ours.to_string());
    }
    for (fault, ours, _) in rows {
        let right = match fault.is_harmless() {
            true => ours == Outcome::Done,
            false => matches!(ours, Outcome::Error(_)),
        };
        assert!(right, "{fault:?}: {ours}");
    }
}
