//! The private local PostgreSQL, started from the server binaries found on the machine.
//!
//! Everything lies in `.quintile/`: `data`, `run` (socket), `log`, `port`, `password`, `bi_password`. Several processes
//! share one server: the first starts it, the others adopt it, and it stops when the last of them ends, however it ends.

mod account;
mod binaries;
mod place;
mod postmaster;
mod secret;
mod server;

use crate::config::Settings;
use crate::error::{Error, Result};
use binaries::Binaries;
use place::Place;
use postmaster::State;
use serde::Serialize;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Child;
use std::time::{Duration, Instant};

/// Superuser of the embedded server.
pub const USER: &str = "quintile";
/// Database of the embedded server.
pub const DATABASE: &str = "quintile";

/// A running embedded server, in use by this process; it may stop once this is dropped.
pub struct Embedded {
    url: String,
    bi_password: String,
    port: u16,
    place: Place,
    alive: Option<File>,
    guard: Option<Child>,
}

/// What is known of an embedded server without starting it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Status {
    /// It answers on its port.
    pub running: bool,
    /// Process id of the server, if one runs.
    pub pid: Option<i32>,
    /// Port on 127.0.0.1, if it runs.
    pub port: Option<u16>,
    /// Major version of the data.
    pub version: Option<u32>,
    /// Folder of data, log and passwords; none when nothing was made yet.
    pub folder: Option<PathBuf>,
    /// The server stops with the last process that uses it; false for one that was told to stay.
    pub stops_with_its_users: bool,
}

impl Embedded {
    /// Starts the server, or adopts the one that runs already. Makes the data folder the first time.
    pub async fn start(settings: &Settings) -> Result<Embedded> {
        Embedded::start_with(settings, &[]).await
    }

    /// As [`Embedded::start`], with further server settings (`fsync`, `off`); an adopted server keeps its own.
    pub async fn start_with(settings: &Settings, extra: &[(&str, &str)]) -> Result<Embedded> {
        let extra: Vec<_> = extra.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let settings = settings.clone();
        blocking(move || start(&settings, &extra)).await
    }

    /// Connection URL with the superuser's password: never print it.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Generated password for the read-only login of BI tools; the login itself is made in SQL.
    #[must_use]
    pub fn bi_password(&self) -> &str {
        &self.bi_password
    }

    /// Port on 127.0.0.1.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Folder of data, log and passwords.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.place.base
    }

    /// Ends our use of the server, and waits for its end if nobody else uses it; one that is to stay goes on.
    pub async fn stop(self) -> Result<()> {
        blocking(move || self.release()).await
    }

    fn release(mut self) -> Result<()> {
        if self.alive.take().is_none() {
            return Ok(());
        }
        // The guard removes the pipe as soon as it has no writer left.
        let noticed = wait_for(Duration::from_secs(1), || !self.place.alive().exists());
        if !noticed {
            return Ok(());
        }
        wait_until_stopped(&self.place)?;
        if let Some(mut guard) = self.guard.take() {
            guard.wait().map_err(|e| Error::failed("embedded PostgreSQL's guard cannot be awaited").source(e))?;
        }
        Ok(())
    }
}

/// Tells about the server without touching it.
#[must_use]
pub fn status(settings: &Settings) -> Status {
    let Some(place) = Place::existing(settings) else {
        return Status {
            running: false,
            pid: None,
            port: None,
            version: None,
            folder: None,
            stops_with_its_users: false,
        };
    };
    let server = match postmaster::state(&place.data()) {
        State::Ready(server) => Some(server),
        _ => None,
    };
    Status {
        running: server.is_some(),
        pid: server.as_ref().map(|server| server.pid),
        port: server.as_ref().map(|server| server.port),
        version: place.data_major(),
        stops_with_its_users: server.is_some() && place.alive().exists(),
        folder: Some(place.base),
    }
}

/// Stops the server whoever uses it, as a fast shutdown; false when none ran.
pub async fn shut_down(settings: &Settings) -> Result<bool> {
    let Some(place) = Place::existing(settings) else { return Ok(false) };
    blocking(move || {
        let _lock = lock(&place)?;
        match postmaster::state(&place.data()) {
            State::Ready(server) | State::Busy(server) => {
                server.interrupt();
                wait_until_stopped(&place)?;
                Ok(true)
            }
            State::Stopped | State::Stale => Ok(false),
        }
    })
    .await
}

fn start(settings: &Settings, extra: &[(String, String)]) -> Result<Embedded> {
    let place = Place::make(settings)?;
    let _lock = lock(&place)?;
    if let Some(adopted) = adopt(&place)? {
        return Ok(adopted);
    }
    let binaries = Binaries::find(settings, place.data_major(), &place.data())?;
    if place.data_major().is_none() {
        let password = secret::read_or_generate(&place, &place.password())?;
        server::initialise(&place, &binaries, &password)?;
    }
    let started = server::start(&place, &binaries, settings.embedded.port, settings.embedded.stay, extra)?;
    tracing::info!(port = started.port, version = %binaries.version, folder = %place.base.display(), "embedded PostgreSQL started");
    let mut embedded = Embedded::of(place, started.port, started.alive)?;
    embedded.guard = Some(started.child);
    Ok(embedded)
}

/// The server that runs already; one that is on its way up or down is waited for.
fn adopt(place: &Place) -> Result<Option<Embedded>> {
    let deadline = Instant::now() + server::PATIENCE;
    loop {
        match postmaster::state(&place.data()) {
            State::Stopped => return Ok(None),
            State::Stale => {
                postmaster::forget_foreign(&place.data());
                return Ok(None);
            }
            State::Ready(server) => {
                let alive = server::open_pipe(place).ok();
                // The last user may have left in this moment: then the guard removes the pipe and stops the server.
                std::thread::sleep(server::PAUSE * 4);
                let same = matches!(postmaster::state(&place.data()), State::Ready(now) if now.pid == server.pid);
                if same && alive.is_some() == place.alive().exists() {
                    tracing::debug!(port = server.port, "embedded PostgreSQL adopted");
                    return Embedded::of(place.clone(), server.port, alive).map(Some);
                }
            }
            State::Busy(_) => std::thread::sleep(server::PAUSE),
        }
        if Instant::now() > deadline {
            return Err(Error::unreachable("embedded PostgreSQL runs and does not answer")
                .detail(format!("Its log is \"{}\".", place.log().display()))
                .hint("wait for the end of its recovery or shutdown and try again"));
        }
    }
}

impl std::fmt::Debug for Embedded {
    /// Shows no password.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Embedded").field("port", &self.port).field("folder", &self.place.base).finish_non_exhaustive()
    }
}

impl Embedded {
    fn of(place: Place, port: u16, alive: Option<File>) -> Result<Embedded> {
        let Some(password) = secret::read(&place.password())? else {
            return Err(Error::config("password of the embedded PostgreSQL is lost")
                .detail(format!("There is data in \"{}\" and no file \"password\" beside it.", place.data().display()))
                .hint("restore the file, or move that folder away to begin with empty data"));
        };
        let bi_password = secret::read_or_generate(&place, &place.bi_password())?;
        let url = format!("postgres://{USER}:{password}@127.0.0.1:{port}/{DATABASE}");
        Ok(Embedded { url, bi_password, port, place, alive, guard: None })
    }
}

/// Held while a server is started or stopped, so that two processes do not do it at once.
fn lock(place: &Place) -> Result<File> {
    let path = place.base.join("lock");
    let wrong = |e: std::io::Error| Error::config(format!("lock \"{}\" cannot be taken", path.display())).source(e);
    let file = std::fs::OpenOptions::new().create(true).truncate(false).write(true).open(&path).map_err(wrong)?;
    place.give(&path)?;
    let deadline = Instant::now() + server::PATIENCE * 2;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(std::fs::TryLockError::Error(e)) => return Err(wrong(e)),
            Err(std::fs::TryLockError::WouldBlock) if Instant::now() > deadline => {
                return Err(Error::unreachable("embedded PostgreSQL is being started by another process")
                    .detail("That process held the lock for two minutes."));
            }
            Err(std::fs::TryLockError::WouldBlock) => std::thread::sleep(server::PAUSE),
        }
    }
}

fn wait_until_stopped(place: &Place) -> Result<()> {
    let stopped =
        wait_for(server::PATIENCE, || matches!(postmaster::state(&place.data()), State::Stopped | State::Stale));
    if stopped {
        return Ok(());
    }
    Err(Error::failed("embedded PostgreSQL did not stop").detail(format!("Its log is \"{}\".", place.log().display())))
}

fn wait_for(patience: Duration, is_done: impl Fn() -> bool) -> bool {
    let deadline = Instant::now() + patience;
    while !is_done() {
        if Instant::now() > deadline {
            return false;
        }
        std::thread::sleep(server::PAUSE);
    }
    true
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|e| Error::failed("embedded PostgreSQL's task ended early").source(e))?
}
