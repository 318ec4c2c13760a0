//! What `postmaster.pid` tells about the server of a data folder, checked against the processes that exist.

use rustix::process::{Pid, Signal};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::Path;
use std::time::Duration;

/// The lines of `postmaster.pid` that matter here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Postmaster {
    pub(super) pid: i32,
    pub(super) port: u16,
    /// `starting`, `ready`, `stopping` or empty while the file is being written.
    pub(super) status: String,
}

/// State of the server of one data folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// No server.
    Stopped,
    /// A server that answers on its port.
    Ready(Postmaster),
    /// A live process that does not answer: it starts, recovers or stops.
    Busy(Postmaster),
    /// The file names a process that is gone, or another program that got its number.
    Stale,
}

impl Postmaster {
    /// The server that `data` names, alive or not.
    fn read(data: &Path) -> Option<Postmaster> {
        Postmaster::parse(&std::fs::read_to_string(data.join("postmaster.pid")).ok()?)
    }

    /// Lines: pid, data folder, start time, port, socket folder, address, shared memory key, status.
    fn parse(text: &str) -> Option<Postmaster> {
        let lines: Vec<&str> = text.lines().map(str::trim).collect();
        let port = lines.get(3).and_then(|port| port.parse().ok()).unwrap_or(0);
        let status = lines.get(7).map_or_else(String::new, ToString::to_string);
        // A negative number marks a stand-alone backend.
        Some(Postmaster { pid: lines.first()?.parse::<i32>().ok()?.abs(), port, status })
    }

    fn is_alive(&self) -> bool {
        let Some(pid) = Pid::from_raw(self.pid) else { return false };
        match rustix::process::test_kill_process(pid) {
            Ok(()) => !is_another_program(self.pid),
            // Somebody else's process exists: ours when we look at a server of another user.
            Err(rustix::io::Errno::PERM) => !is_another_program(self.pid),
            Err(_) => false,
        }
    }

    fn answers(&self) -> bool {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, self.port));
        self.port != 0 && TcpStream::connect_timeout(&address, Duration::from_secs(1)).is_ok()
    }

    /// Asks for a fast shutdown: open transactions are rolled back, connections are closed.
    pub(super) fn interrupt(&self) {
        if let Some(pid) = Pid::from_raw(self.pid) {
            // A process that ended meanwhile is what we want.
            let _ = rustix::process::kill_process(pid, Signal::INT);
        }
    }
}

/// True only with proof, which Linux gives: after a restart of a machine or a container the number may be another's.
fn is_another_program(pid: i32) -> bool {
    match std::fs::read_to_string(format!("/proc/{pid}/stat")) {
        // "PID (name) state ...": a zombie holds no data folder either.
        Ok(stat) => {
            let name = stat.split_once('(').and_then(|(_, rest)| rest.rsplit_once(')'));
            name.is_some_and(|(name, rest)| !name.starts_with("postgres") || rest.trim_start().starts_with('Z'))
        }
        Err(_) => false,
    }
}

/// Removes a pid file that PostgreSQL would stumble over: an empty one, or one whose number another program got. That of
/// a dead server stays, because PostgreSQL itself checks with it that no process of the old server is left.
pub(super) fn forget_foreign(data: &Path) {
    let foreign = Postmaster::read(data).is_none_or(|server| is_another_program(server.pid));
    if foreign {
        // When this fails, the server tells the reason in its log.
        let _ = std::fs::remove_file(data.join("postmaster.pid"));
    }
}

/// State of the server of `data` now.
pub(super) fn state(data: &Path) -> State {
    match Postmaster::read(data) {
        None if data.join("postmaster.pid").exists() => State::Stale,
        None => State::Stopped,
        Some(server) if !server.is_alive() => State::Stale,
        Some(server) if server.status == "ready" && server.answers() => State::Ready(server),
        Some(server) => State::Busy(server),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pid_file_is_read_also_when_half_written() {
        let whole = "4711\n/d\n1700000000\n54320\n/d/run\n127.0.0.1\n 1234 5\nready   \n";
        assert_eq!(Postmaster::parse(whole), Some(Postmaster { pid: 4711, port: 54320, status: "ready".into() }));
        assert_eq!(Postmaster::parse("4711\n/d\n"), Some(Postmaster { pid: 4711, port: 0, status: String::new() }));
        assert_eq!(Postmaster::parse(""), None);
    }

    #[test]
    fn a_pid_that_another_program_got_is_stale() {
        let folder = tempfile::tempdir().expect("a folder");
        assert_eq!(state(folder.path()), State::Stopped);
        let ours = std::process::id();
        std::fs::write(folder.path().join("postmaster.pid"), format!("{ours}\n/d\n1\n1\n/d\n\n\nready\n"))
            .expect("written");
        if cfg!(target_os = "linux") {
            assert_eq!(state(folder.path()), State::Stale);
        }
    }
}
