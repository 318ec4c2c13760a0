//! Servers of the harness's own, which it may kill: made, started, stopped in every bad way, gone at the end.

use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{ChildStdin, Command, Stdio};
use std::time::{Duration, Instant};
use tokio::process::Child;
use tokio_postgres::types::FromSqlOwned;
use tokio_postgres::{Client, NoTls};

/// Settings of every server: small, and without waiting for the disk. A killed process loses nothing that it gave to
/// the system, so `fsync` tells only of machines that lose power, which nothing here makes happen.
const SETTINGS: [(&str, &str); 11] = [
    ("listen_addresses", "127.0.0.1"),
    ("fsync", "off"),
    ("full_page_writes", "off"),
    ("shared_buffers", "64MB"),
    ("max_connections", "120"),
    ("max_prepared_transactions", "5"),
    ("wal_level", "replica"),
    ("hot_standby", "on"),
    ("max_wal_size", "128MB"),
    ("log_min_messages", "warning"),
    ("log_lock_waits", "on"),
];

/// The folder of one invocation. A watcher removes it and ends what runs in it however this process ends.
pub struct Lab {
    /// Where servers, projects and logs lie.
    pub folder: PathBuf,
    /// Folder of the server's programs.
    binaries: PathBuf,
    _watched: ChildStdin,
}

/// How a server is stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// Sessions are ended, buffers written.
    Fast,
    /// Everything is dropped at once; the next start recovers.
    Immediate,
    /// The postmaster is killed; its children notice by themselves.
    Kill,
}

/// One PostgreSQL server.
pub struct Server {
    /// Folder of the data.
    pub data: PathBuf,
    /// Its port on 127.0.0.1.
    pub port: u16,
    /// Where [`Server::client`] looks.
    database: &'static str,
    binaries: PathBuf,
    process: Option<Child>,
}

impl Lab {
    /// A fresh folder that the server's user may enter.
    ///
    /// With `keep` the servers are stopped at the end and the folder stays, to look into their logs.
    pub fn new(keep: bool) -> Lab {
        let folder = tempfile::Builder::new().prefix("quintile-faults-").tempdir().expect("a folder").keep();
        std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o755)).expect("opened");
        // A process id may belong to somebody else by then, so the command line must name our folder.
        let script = r#"read -r _
for file in "$1"/*-logs/*.pid; do
    pid=$(cat "$file" 2>/dev/null) && grep -qa -- "$1" "/proc/$pid/cmdline" 2>/dev/null && kill -KILL "$pid"
done
for pid in "$1"/*/postmaster.pid; do [ -e "$pid" ] && kill -QUIT "$(head -n 1 "$pid")" 2>/dev/null; done
sleep 1
[ "$2" = keep ] || rm -rf -- "$1""#;
        let mut watcher = Command::new("/bin/sh");
        watcher.args(["-c", script, "quintile-faults-watcher"]).arg(&folder).current_dir("/").process_group(0);
        watcher.arg(if keep { "keep" } else { "remove" });
        watcher.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        let watched = watcher.spawn().expect("a watcher").stdin.take().expect("its pipe");
        if keep {
            eprintln!("everything stays in {}", folder.display());
        }
        Lab { folder, binaries: binaries(), _watched: watched }
    }

    /// A server that runs, with database `shop` of role `quintile` and login `reader`.
    pub async fn server(&self, name: &str) -> Server {
        self.server_on(&self.folder.join(name), None).await
    }

    /// As [`Lab::server`], with its data in `data` and its log of changes in `wal`, if given.
    pub async fn server_on(&self, data: &Path, wal: Option<&Path>) -> Server {
        make_folder(data);
        let mut initdb = as_server_user(&self.binaries.join("initdb"));
        initdb.args(["--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync", "-D"]);
        initdb.arg(data);
        if let Some(wal) = wal {
            make_folder(wal);
            initdb.arg("--waldir").arg(wal);
        }
        run(initdb);
        let binaries = self.binaries.clone();
        let mut server =
            Server { data: data.to_owned(), port: free_port(), database: "postgres", binaries, process: None };
        server.start().await;
        // The program gets no more rights than its manual asks for.
        server.execute("CREATE ROLE quintile LOGIN; CREATE ROLE quintile_reader NOLOGIN; GRANT quintile_reader TO quintile WITH ADMIN OPTION; CREATE ROLE reader LOGIN IN ROLE quintile_reader").await;
        server.execute("CREATE DATABASE shop OWNER quintile").await;
        server.database = "shop";
        server
    }

    /// A standby of `primary`; the primary waits for it with every commit.
    pub async fn standby(&self, primary: &Server, name: &str) -> Server {
        let data = self.folder.join(name);
        make_folder(&data);
        let mut copy = as_server_user(&self.binaries.join("pg_basebackup"));
        copy.args(["-h", "127.0.0.1", "-U", "postgres", "--checkpoint=fast", "--no-sync", "-X", "stream", "-R", "-p"]);
        copy.arg(primary.port.to_string()).arg("-D").arg(&data);
        run(copy);
        let binaries = self.binaries.clone();
        let mut standby = Server { data, port: free_port(), database: primary.database, binaries, process: None };
        standby.start().await;
        primary.execute("ALTER SYSTEM SET synchronous_standby_names = '*'").await;
        primary.execute("SELECT pg_reload_conf()").await;
        let in_step = "SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'";
        for _ in 0..200 {
            if primary.value::<i64>(in_step).await == 1 {
                return standby;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("the standby is not in step after 20 s");
    }
}

impl Server {
    /// Starts it and waits until it answers; a killed one may hold its memory for a moment yet.
    pub async fn start(&mut self) {
        let deadline = Instant::now() + Duration::from_secs(60);
        while Instant::now() < deadline {
            if self.process.is_none() {
                self.process = Some(self.spawn());
            }
            if self.process.as_mut().is_some_and(|child| child.try_wait().is_ok_and(|ended| ended.is_some())) {
                self.process = None;
            } else if tokio_postgres::connect(&self.url("postgres", "postgres"), NoTls).await.is_ok() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("the server on port {} does not answer after 60 s; its log is {}", self.port, self.log().display());
    }

    fn spawn(&self) -> Child {
        let log = std::fs::File::options().create(true).append(true).open(self.log()).expect("a log");
        let mut command = as_server_user(&self.binaries.join("postgres"));
        command.arg("-D").arg(&self.data).arg("-p").arg(self.port.to_string());
        for (name, value) in SETTINGS {
            command.arg("-c").arg(format!("{name}={value}"));
        }
        command.arg("-c").arg("unix_socket_directories=");
        command.stdout(Stdio::null()).stderr(log);
        tokio::process::Command::from(command).spawn().expect("postgres starts")
    }

    fn log(&self) -> PathBuf {
        self.data.with_extension("log")
    }

    /// Stops it, in good ways and bad, and waits for its end.
    pub async fn stop(&mut self, how: Stop) {
        let Some(mut child) = self.process.take() else { return };
        let signal = match how {
            Stop::Fast => rustix::process::Signal::INT,
            Stop::Immediate => rustix::process::Signal::QUIT,
            Stop::Kill => rustix::process::Signal::KILL,
        };
        signal_to(child.id().expect("it runs"), signal);
        child.wait().await.expect("its end");
    }

    /// Makes a standby the primary.
    pub async fn promote(&self) {
        self.execute("SELECT pg_promote()").await;
        for _ in 0..200 {
            if !self.value::<bool>("SELECT pg_is_in_recovery()").await {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("the standby was not promoted within 10 s");
    }

    /// Where `user` reaches `database`.
    pub fn url(&self, user: &str, database: &str) -> String {
        format!("postgres://{user}@127.0.0.1:{}/{database}", self.port)
    }

    /// A connection as superuser, to look at what the program did.
    pub async fn client(&self) -> Client {
        let url = self.url("postgres", self.database);
        for _ in 0..100 {
            if let Ok((client, connection)) = tokio_postgres::connect(&url, NoTls).await {
                tokio::spawn(connection);
                return client;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("the server on port {} does not let us in", self.port);
    }

    /// Runs statements.
    pub async fn execute(&self, sql: &str) {
        self.client().await.batch_execute(sql).await.unwrap_or_else(|e| panic!("{sql}: {e:?}"));
    }

    /// One value.
    pub async fn value<T: FromSqlOwned>(&self, sql: &str) -> T {
        let row = self.client().await.query_one(sql, &[]).await.unwrap_or_else(|e| panic!("{sql}: {e:?}"));
        row.get(0)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(id) = self.process.as_ref().and_then(Child::id) {
            signal_to(id, rustix::process::Signal::QUIT);
        }
    }
}

/// Sends a signal to a process of ours.
pub fn signal_to(id: u32, signal: rustix::process::Signal) {
    let pid = i32::try_from(id).ok().and_then(rustix::process::Pid::from_raw).expect("a process id");
    // It may have ended by itself.
    let _ = rustix::process::kill_process(pid, signal);
}

/// A port that nobody listens on now.
pub fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("its address").port()
}

/// A command that runs as `postgres` where we are root: the server refuses to run as root.
pub fn as_server_user(program: &Path) -> Command {
    let mut command = Command::new(program);
    command.current_dir("/").stdin(Stdio::null()).env("LC_ALL", "C");
    if let Some((uid, gid)) = server_user() {
        command.uid(uid).gid(gid);
    }
    command
}

/// Gives a folder to the server's user alone.
pub fn make_folder(folder: &Path) {
    std::fs::create_dir_all(folder).expect("a folder");
    std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o700)).expect("closed");
    if let Some((uid, gid)) = server_user() {
        std::os::unix::fs::chown(folder, Some(uid), Some(gid)).expect("given");
    }
}

fn server_user() -> Option<(u32, u32)> {
    if !rustix::process::geteuid().is_root() {
        return None;
    }
    let users = std::fs::read_to_string("/etc/passwd").expect("the users");
    let line = users.lines().find(|line| line.starts_with("postgres:")).expect("a user \"postgres\"");
    let number = |place| line.split(':').nth(place).and_then(|field| field.parse().ok()).expect("a number");
    Some((number(2), number(3)))
}

/// Folder of the newest server that is installed; `pg_config` tells only of the development package's.
fn binaries() -> PathBuf {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let packaged = versions.filter_map(|entry| {
        let version: u32 = entry.file_name().to_str()?.parse().ok()?;
        Some((version, entry.path().join("bin")))
    });
    let on_path = std::env::var_os("PATH").unwrap_or_default();
    packaged
        .max()
        .map(|(_, folder)| folder)
        .into_iter()
        .chain(std::env::split_paths(&on_path))
        .find(|folder| folder.join("initdb").exists() && folder.join("postgres").exists())
        .expect("the server's programs (Debian: apt-get install postgresql)")
}

fn run(mut command: Command) {
    let output = command.output().expect("a program");
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}
