//! Makes the data folder and starts the server process, watched by a guard that stops it with its last user.

use super::account::command;
use super::binaries::Binaries;
use super::place::Place;
use super::postmaster::{self, State};
use super::{DATABASE, USER, secret};
use crate::error::{Error, Result};
use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

/// Longest wait for a start or a stop; crash recovery falls into it.
pub(super) const PATIENCE: Duration = Duration::from_secs(60);
/// Between two looks.
pub(super) const PAUSE: Duration = Duration::from_millis(25);
/// First port that is tried when none is given.
const FIRST_PORT: u16 = 54320;
/// Ports that are tried from there on.
const PORTS: u16 = 100;
/// A log larger than this is put aside at the next start.
const LOG_BYTES_MAX: u64 = 10 << 20;

/// Runs the server, and asks it to stop (SIGINT: fast shutdown) when the named pipe `$1` has no writer left. Every process
/// that uses the server holds the pipe open for writing, and the system closes it however the process ends, `kill -9`
/// included. The pipe is opened before the server starts, so the server never runs unwatched.
const GUARD: &str = r#"
alive=$1
shift
exec 3<"$alive" || exit 1
"$@" 3<&- &
server=$!
(
    while read -r _ <&3; do :; done
    rm -f "$alive"
    kill -INT "$server"
) &
watch=$!
exec 3<&-
wait "$server"
code=$?
rm -f "$alive"
kill "$watch" 2>/dev/null
exit "$code"
"#;

/// A server that we started.
pub(super) struct Started {
    /// The guard, or the server itself when nothing watches it.
    pub(super) child: Child,
    /// Our end of the pipe; none when the server is to stay.
    pub(super) alive: Option<File>,
    pub(super) port: u16,
}

/// Makes the data folder with user and database, beside its final place and then moved there: a broken attempt
/// leaves nothing that looks like data.
pub(super) fn initialise(place: &Place, binaries: &Binaries, password: &str) -> Result<()> {
    let beginning = place.base.join("data.new");
    let password_file = place.run().join("initial_password");
    secret::write(place, &password_file, password)?;
    let made = (|| {
        let output = initdb(place, binaries, &beginning, &password_file, "C.UTF-8")?;
        if output.status.success() {
            return Ok(output);
        }
        // Old systems have no C.UTF-8; C sorts the same way, by code point.
        let again = initdb(place, binaries, &beginning, &password_file, "C")?;
        Ok(if again.status.success() { again } else { output })
    })();
    // Whatever happened, the password must not lie there a second time.
    let _ = std::fs::remove_file(&password_file);
    let output: Output = made?;
    if !output.status.success() {
        let _ = std::fs::remove_dir_all(&beginning);
        return Err(initdb_failed(&output));
    }
    create_database(place, binaries, &beginning)?;
    std::fs::rename(&beginning, place.data())
        .map_err(|e| Error::config(format!("folder \"{}\" cannot be made", place.data().display())).source(e))
}

fn initdb(place: &Place, binaries: &Binaries, data: &Path, password_file: &Path, locale: &str) -> Result<Output> {
    place.fresh_folder(data)?;
    let mut initdb = command(&binaries.initdb(), place.account);
    initdb.arg("--pgdata").arg(data).args(["--username", USER]).arg("--pwfile").arg(password_file);
    initdb.args(["--auth-local=scram-sha-256", "--auth-host=scram-sha-256", "--encoding=UTF8"]);
    initdb.arg(format!("--locale={locale}"));
    if binaries.major >= 18 {
        // Off as in older versions: the data can be rebuilt from its sources, and bulk loads are the work done here.
        initdb.arg("--no-data-checksums");
    }
    initdb.output().map_err(|e| cannot_run(&binaries.initdb(), e))
}

fn initdb_failed(output: &Output) -> Error {
    let told = String::from_utf8_lossy(&output.stderr);
    let error = Error::config("embedded PostgreSQL's data folder cannot be made").detail(last_lines(&told, 10));
    if told.contains("could not look up effective user ID") {
        return error
            .hint("this user id has no entry in /etc/passwd, which initdb needs: add one, or set DATABASE_URL");
    }
    error.hint("the detail is what initdb told; free space and rights on the folder are the usual causes")
}

/// Creates our database with the server's single-user mode, which needs no connection.
fn create_database(place: &Place, binaries: &Binaries, data: &Path) -> Result<()> {
    let postgres = binaries.postgres();
    let mut single = command(&postgres, place.account);
    single.arg("--single").arg("-D").arg(data).arg("postgres");
    single.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut child = single.spawn().map_err(|e| cannot_run(&postgres, e))?;
    let sent = child.stdin.take().map(|mut stdin| stdin.write_all(format!("CREATE DATABASE {DATABASE}\n").as_bytes()));
    let output = child.wait_with_output().map_err(|e| cannot_run(&postgres, e))?;
    let told = String::from_utf8_lossy(&output.stderr);
    let refused = ["ERROR:", "FATAL:", "PANIC:"].iter().any(|level| told.contains(level));
    if output.status.success() && !refused && matches!(sent, Some(Ok(()))) {
        return Ok(());
    }
    Err(Error::failed(format!("database \"{DATABASE}\" cannot be created in the embedded PostgreSQL"))
        .detail(last_lines(&told, 10)))
}

/// Starts the server and waits until it answers.
pub(super) fn start(
    place: &Place,
    binaries: &Binaries,
    wish: u16,
    stay: bool,
    extra: &[(String, String)],
) -> Result<Started> {
    put_log_aside(place);
    let deadline = Instant::now() + PATIENCE;
    let mut next = None;
    loop {
        let port = choose_port(place, wish, next)?;
        let log_start = std::fs::metadata(place.log()).map_or(0, |metadata| metadata.len());
        let mut started = spawn(place, binaries, port, stay, extra)?;
        if wait_until_ready(place, &mut started, deadline)? {
            remember_port(place, port)?;
            return Ok(started);
        }
        let told = log_since(place, log_start);
        let wait_and_try_again = told.contains("shared memory block") || told.contains("lock file \"postmaster.pid\"");
        if Instant::now() < deadline && wish == 0 && told.contains("Address already in use") {
            // Somebody took it between our look and the server's.
            next = port.checked_add(1);
        } else if Instant::now() < deadline && wait_and_try_again {
            // The backends of a killed server need a moment to notice.
            std::thread::sleep(PAUSE * 8);
        } else {
            abandon(&mut started);
            return Err(Error::unreachable("embedded PostgreSQL did not start")
                .detail(format!("The last lines of \"{}\":\n{}", place.log().display(), last_lines(&told, 12)))
                .hint("the log tells the reason; `rm -r` of the folder that holds it begins with empty data"));
        }
    }
}

fn spawn(place: &Place, binaries: &Binaries, port: u16, stay: bool, extra: &[(String, String)]) -> Result<Started> {
    let log = std::fs::OpenOptions::new()
        .create(true)
        .append(true)
        .open(place.log())
        .and_then(|log| Ok((log.try_clone()?, log)));
    let (log, log_too) =
        log.map_err(|e| Error::config(format!("log \"{}\" cannot be written", place.log().display())).source(e))?;
    place.give(&place.log())?;
    let postgres = binaries.postgres();
    remove_pipe(place)?;
    let alive = if stay { None } else { Some(make_pipe(place)?) };
    let mut server: Command = if alive.is_some() {
        let mut guard = command(Path::new("/bin/sh"), place.account);
        guard.args(["-c", GUARD, "quintile-guard"]).arg(place.alive()).arg(&postgres);
        guard
    } else {
        command(&postgres, place.account)
    };
    server.arg("-D").arg(place.data());
    for (name, value) in tuning(place, port)?.iter().chain(extra) {
        server.arg("-c").arg(format!("{name}={value}"));
    }
    let child = server.stdout(log).stderr(log_too).spawn().map_err(|e| cannot_run(&postgres, e))?;
    Ok(Started { child, alive, port })
}

/// Settings of the server: one machine, one program, bulk work. `fsync` stays on.
fn tuning(place: &Place, port: u16) -> Result<Vec<(String, String)>> {
    let socket_dir = place.socket_dir()?.display().to_string().replace('"', "\"\"");
    let settings = [
        ("listen_addresses", "127.0.0.1"),
        ("port", &port.to_string()),
        ("unix_socket_directories", &format!("\"{socket_dir}\"")),
        ("shared_buffers", "256MB"),
        ("work_mem", "32MB"),
        ("maintenance_work_mem", "128MB"),
        ("max_wal_size", "2GB"),
        ("checkpoint_timeout", "15min"),
        // Nobody replicates this server, and minimal lets COPY into a new table skip the log.
        ("wal_level", "minimal"),
        ("max_wal_senders", "0"),
        // Compiling costs more than it saves on queries of this size.
        ("jit", "off"),
        // Parallel queries find room here before they ask /dev/shm, which is tiny in containers.
        ("min_dynamic_shared_memory", "64MB"),
        ("timezone", "UTC"),
        ("log_timezone", "UTC"),
        ("lc_messages", "C"),
        ("log_line_prefix", "%m [%p] "),
    ];
    Ok(settings.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec())
}

/// Removes the pipe of a server whose guard could not do it, before a crash for example.
fn remove_pipe(place: &Place) -> Result<()> {
    match std::fs::remove_file(place.alive()) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => Err(pipe_error(place, e)),
        _ => Ok(()),
    }
}

/// Makes the named pipe and opens it. Opened for reading as well, so that opening does not wait for the guard.
fn make_pipe(place: &Place) -> Result<File> {
    let mut mkfifo = command(Path::new("mkfifo"), place.account);
    let output = mkfifo.args(["-m", "600"]).arg(place.alive()).output().map_err(|e| pipe_error(place, e))?;
    if !output.status.success() {
        let told = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        return Err(pipe_error(place, std::io::Error::other(told)));
    }
    open_pipe(place).map_err(|e| pipe_error(place, e))
}

fn pipe_error(place: &Place, cause: std::io::Error) -> Error {
    Error::config(format!("named pipe \"{}\" cannot be made", place.alive().display())).source(cause)
}

/// Opens the pipe as one more user of the server.
pub(super) fn open_pipe(place: &Place) -> std::io::Result<File> {
    std::fs::OpenOptions::new().read(true).write(true).open(place.alive())
}

/// True when the server answers, false when it ended; past the deadline it is ended.
fn wait_until_ready(place: &Place, started: &mut Started, deadline: Instant) -> Result<bool> {
    loop {
        let ended =
            started.child.try_wait().map_err(|e| Error::failed("embedded PostgreSQL cannot be watched").source(e))?;
        if ended.is_some() {
            return Ok(false);
        }
        if matches!(postmaster::state(&place.data()), State::Ready(server) if server.port == started.port) {
            return Ok(true);
        }
        if Instant::now() > deadline {
            abandon(started);
            return Ok(false);
        }
        std::thread::sleep(PAUSE);
    }
}

/// Lets go of a server that did not come up: the guard stops it.
fn abandon(started: &mut Started) {
    if started.alive.take().is_none() {
        // Without a guard the child is the server itself; one that ended already is fine.
        let _ = started.child.kill();
    }
}

/// The port wished for, else the remembered one if it is free, else the first free one.
fn choose_port(place: &Place, wish: u16, from: Option<u16>) -> Result<u16> {
    if wish != 0 {
        return if is_free(wish) {
            Ok(wish)
        } else {
            Err(Error::config(format!("port {wish} of the embedded PostgreSQL is in use"))
                .detail(
                    "Another program listens on this port of 127.0.0.1, or the system does not let us listen there.",
                )
                .hint("set embedded.port to a free port, or to 0 to let quintile choose one"))
        };
    }
    let remembered = std::fs::read_to_string(place.port()).ok().and_then(|port| port.trim().parse().ok());
    let first = from.unwrap_or(FIRST_PORT);
    let known = remembered.filter(|port| from.is_none() && *port != 0);
    known.into_iter().chain(first..=first.saturating_add(PORTS)).find(|port| is_free(*port)).ok_or_else(|| {
        Error::config("no free port is left for the embedded PostgreSQL")
            .detail(format!("Ports {first} to {} of 127.0.0.1 are in use.", first.saturating_add(PORTS)))
            .hint("set embedded.port to a free port")
    })
}

fn is_free(port: u16) -> bool {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok()
}

fn remember_port(place: &Place, port: u16) -> Result<()> {
    std::fs::write(place.port(), format!("{port}\n"))
        .map_err(|e| Error::config(format!("file \"{}\" cannot be written", place.port().display())).source(e))?;
    place.give(&place.port())
}

fn put_log_aside(place: &Place) {
    if std::fs::metadata(place.log()).is_ok_and(|metadata| metadata.len() > LOG_BYTES_MAX) {
        // A log that cannot be moved only goes on growing.
        let _ = std::fs::rename(place.log(), place.base.join("log.old"));
    }
}

fn log_since(place: &Place, start: u64) -> String {
    let mut text = Vec::new();
    let read = File::open(place.log()).and_then(|mut log| {
        log.seek(SeekFrom::Start(start))?;
        log.take(1 << 20).read_to_end(&mut text)
    });
    match read {
        Ok(_) => String::from_utf8_lossy(&text).into_owned(),
        Err(e) => format!("(the log cannot be read: {e})"),
    }
}

fn last_lines(text: &str, count: usize) -> String {
    let lines: Vec<&str> = text.trim_end().lines().collect();
    lines[lines.len().saturating_sub(count)..].join("\n")
}

fn cannot_run(program: &Path, cause: std::io::Error) -> Error {
    Error::config(format!("program \"{}\" cannot be run", program.display()))
        .source(cause)
        .hint("the user that PostgreSQL runs as must be able to enter its folder and run it")
}
