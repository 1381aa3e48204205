//! Observations: the sockets of a server, the pages of the scheduler, the memory of a process

use std::fs;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// The states of a server's socket that has a session, as /proc/net/tcp numbers them
const ESTABLISHED: &str = "01";
/// The client has closed, and the server has not
const CLOSE_WAIT: &str = "08";

/// Returns the clients' ends of a server's control connections in these states: its sockets on this port
fn clients(port: u16, states: &[&str]) -> Vec<SocketAddr> {
    let mut clients = Vec::new();
    for line in fs::read_to_string("/proc/net/tcp").unwrap().lines().skip(1) {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let (address, of) = fields[2].split_once(':').unwrap();
        let local = u16::from_str_radix(fields[1].rsplit_once(':').unwrap().1, 16).unwrap();
        let of = u16::from_str_radix(of, 16).unwrap();
        if local == port && of != 0 && states.contains(&fields[3]) {
            let client = Ipv4Addr::from(u32::from_str_radix(address, 16).unwrap().to_le_bytes());
            clients.push((client, of).into());
        }
    }
    // The kernel may write a line twice while sockets come and go.
    clients.sort_unstable();
    clients.dedup();
    clients
}

/// Returns the clients' ends of the sessions that a server has not ended
pub fn sessions(port: u16) -> Vec<SocketAddr> {
    clients(port, &[ESTABLISHED, CLOSE_WAIT])
}

/// Looks at the sessions of a server that its clients keep open, a hundred times a second
///
/// The kernel does not write its table of sockets in one moment: a line may be of a session that had ended when a later
/// line's began. So a session counts if two tables in a row have it.
#[derive(Debug)]
pub struct Sampler {
    stop: Arc<AtomicBool>,
    most: Arc<Mutex<Vec<SocketAddr>>>,
    thread: Option<JoinHandle<()>>,
}

impl Sampler {
    pub fn start(port: u16) -> Self {
        let (stop, most) = (Arc::new(AtomicBool::new(false)), Arc::new(Mutex::new(Vec::new())));
        let (ends, seen) = (Arc::clone(&stop), Arc::clone(&most));
        let thread = thread::spawn(move || {
            let mut before = Vec::new();
            while !ends.load(Ordering::Relaxed) {
                let now = clients(port, &[ESTABLISHED]);
                let both: Vec<_> =
                    now.iter().filter(|client| before.contains(*client)).copied().collect();
                let mut most = seen.lock().unwrap();
                if both.len() > most.len() {
                    *most = both;
                }
                drop(most);
                before = now;
                thread::sleep(Duration::from_millis(10));
            }
        });
        Self { stop, most, thread: Some(thread) }
    }

    /// Returns the clients' ends when there were most sessions
    pub fn most(&self) -> Vec<SocketAddr> {
        let mut most = self.most.lock().unwrap().clone();
        most.sort();
        most
    }
}

impl Drop for Sampler {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Returns the peak memory of a process in MiB
pub fn peak_memory(process: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").trim().parse::<u64>().unwrap() >> 10
}

/// Fetches a page of the scheduler
pub fn page(server: &str, path: &str) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(server)?;
    stream.set_read_timeout(Some(Duration::from_secs(20)))?;
    write!(stream, "GET {path} HTTP/1.0\r\nHost: {server}\r\nAccept: application/json\r\n\r\n")?;
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// Fetches all pages of the scheduler: its state, its executors, and each job with its plans
pub fn pages(server: &str) -> Vec<String> {
    let get = |path: &str| page(server, path).unwrap();
    let mut pages: Vec<String> =
        ["/", "/api/state", "/api/executors", "/api/jobs", "/api/metrics"].map(get).to_vec();
    let jobs = pages[3].clone();
    for job in jobs.split("\"job_id\":\"").skip(1).filter_map(|rest| rest.split('"').next()) {
        for part in ["", "/config", "/stages", "/dot"] {
            pages.push(get(&format!("/api/job/{job}{part}")));
        }
    }
    pages
}
