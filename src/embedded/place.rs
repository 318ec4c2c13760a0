//! Where the embedded server lives: the folder, the files in it, and who owns them.

use super::account::{Account, command};
use super::secret::random_hex;
use crate::config::Settings;
use crate::error::{Error, Result};
use std::fs::{DirBuilder, Permissions};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt, lchown};
use std::path::{Path, PathBuf};

/// Longest path of a Unix socket, one byte kept for the final zero.
const SOCKET_PATH_MAX: usize = 107;

/// Where data goes when the server's user cannot enter the project's folder.
const ELSEWHERE: &str = "/var/lib/quintile";

/// The folders and files of one embedded server; all belong to the user that the server runs as.
#[derive(Clone, Debug)]
pub(super) struct Place {
    /// The folder that holds everything below.
    pub(super) base: PathBuf,
    /// The user to run as; none means ourselves.
    pub(super) account: Option<Account>,
}

impl Place {
    /// Where the server of these settings lives if it was ever made; touches nothing.
    pub(super) fn existing(settings: &Settings) -> Option<Place> {
        let home = std::fs::canonicalize(home(settings)).ok()?;
        let moved = elsewhere(&home);
        let base = if moved.join("data").exists() && !home.join("data").exists() { moved } else { home };
        let account = Account::choose(&base.join("data")).ok()?;
        base.join("data").exists().then_some(Place { base, account })
    }

    /// Makes the folders, or finds them; as root it makes sure that the server's user can reach them.
    pub(super) fn make(settings: &Settings) -> Result<Place> {
        let home = home(settings);
        let made =
            DirBuilder::new().recursive(true).mode(0o700).create(&home).and_then(|()| std::fs::canonicalize(&home));
        let home = made.map_err(|e| cannot_use(&home).source(e))?;
        let account = Account::choose(&home.join("data"))?;
        let place = Place { base: home.clone(), account };
        place.prepare()?;
        if place.is_reachable()? {
            return Ok(place);
        }
        let moved = elsewhere(&home);
        let account = Account::choose(&moved.join("data"))?;
        let made = DirBuilder::new().recursive(true).mode(0o755).create(ELSEWHERE);
        made.and_then(|()| DirBuilder::new().recursive(true).mode(0o700).create(&moved))
            .map_err(|e| cannot_use(&moved).source(e))?;
        let place = Place { base: moved.clone(), account };
        place.prepare()?;
        if !place.is_reachable()? {
            return Err(cannot_use(&moved).detail(format!(
                "Neither \"{}\" nor this folder can be entered by the user that PostgreSQL runs as.",
                home.display()
            )));
        }
        let note = format!(
            "The user that PostgreSQL runs as cannot enter this folder, because a folder above it is closed to other users.\n\
             So data, log and passwords of the embedded PostgreSQL are in\n{}\nRemove that folder too to start afresh.\n",
            moved.display()
        );
        std::fs::write(home.join("location"), note).map_err(|e| cannot_use(&home).source(e))?;
        Ok(place)
    }

    pub(super) fn data(&self) -> PathBuf {
        self.base.join("data")
    }

    pub(super) fn run(&self) -> PathBuf {
        self.base.join("run")
    }

    pub(super) fn log(&self) -> PathBuf {
        self.base.join("log")
    }

    /// The file that remembers the port.
    pub(super) fn port(&self) -> PathBuf {
        self.base.join("port")
    }

    pub(super) fn password(&self) -> PathBuf {
        self.base.join("password")
    }

    pub(super) fn bi_password(&self) -> PathBuf {
        self.base.join("bi_password")
    }

    /// The named pipe whose writers keep the server alive.
    pub(super) fn alive(&self) -> PathBuf {
        self.run().join("alive")
    }

    /// Major version of the data, such as "15"; none when there is no data yet.
    pub(super) fn data_major(&self) -> Option<u32> {
        std::fs::read_to_string(self.data().join("PG_VERSION")).ok()?.trim().parse().ok()
    }

    /// Folder of the Unix socket: `run`, or one under `/tmp` when the path would be too long for a socket.
    pub(super) fn socket_dir(&self) -> Result<PathBuf> {
        let run = self.run();
        if run.join(".s.PGSQL.65535.lock").as_os_str().len() <= SOCKET_PATH_MAX {
            return Ok(run);
        }
        let memo = self.base.join("socket_dir");
        if let Ok(known) = std::fs::read_to_string(&memo)
            && let Ok(metadata) = std::fs::symlink_metadata(known.trim())
            && metadata.is_dir()
            && metadata.uid() == self.uid()
        {
            return Ok(PathBuf::from(known.trim()));
        }
        // A random name, because anyone may make folders under /tmp.
        let short = PathBuf::from(format!("/tmp/quintile-{}", random_hex(8)?));
        DirBuilder::new().mode(0o700).create(&short).map_err(|e| cannot_use(&short).source(e))?;
        self.give(&short)?;
        std::fs::write(&memo, short.display().to_string()).map_err(|e| cannot_use(&memo).source(e))?;
        self.give(&memo)?;
        Ok(short)
    }

    /// Makes `folder` anew, empty, for the server's user only.
    pub(super) fn fresh_folder(&self, folder: &Path) -> Result<()> {
        match std::fs::remove_dir_all(folder) {
            Err(e) if e.kind() != std::io::ErrorKind::NotFound => return Err(cannot_use(folder).source(e)),
            _ => DirBuilder::new().mode(0o700).create(folder).map_err(|e| cannot_use(folder).source(e))?,
        }
        self.give(folder)
    }

    /// Hands one file or folder to the server's user; nothing to do when that is ourselves.
    pub(super) fn give(&self, path: &Path) -> Result<()> {
        match self.account {
            Some(Account { uid, gid }) => lchown(path, Some(uid), Some(gid)).map_err(|e| cannot_use(path).source(e)),
            None => Ok(()),
        }
    }

    fn uid(&self) -> u32 {
        self.account.map_or_else(|| rustix::process::geteuid().as_raw(), |account| account.uid)
    }

    /// Makes what is missing, and gives all of it to the server's user.
    fn prepare(&self) -> Result<()> {
        let run = self.run();
        DirBuilder::new().recursive(true).mode(0o700).create(&run).map_err(|e| cannot_use(&run).source(e))?;
        std::fs::set_permissions(&self.base, Permissions::from_mode(0o700))
            .map_err(|e| cannot_use(&self.base).source(e))?;
        match self.account {
            Some(account) => give_all(&self.base, account).map_err(|e| cannot_use(&self.base).source(e)),
            None => Ok(()),
        }
    }

    /// Whether the server's user can enter and write the folder: asked of the system, which also knows access lists
    /// and read-only mounts, instead of computed from mode bits.
    fn is_reachable(&self) -> Result<bool> {
        let mut trial = command(Path::new("/bin/sh"), self.account);
        trial.args(["-c", "cd -- \"$1\" && test -w .", "sh"]).arg(self.run());
        let output = trial.output().map_err(|e| Error::config("shell \"/bin/sh\" cannot be run").source(e))?;
        Ok(output.status.success())
    }
}

fn home(settings: &Settings) -> PathBuf {
    settings.project_dir.join(&settings.embedded.dir)
}

/// One folder per project: the name is a hash of the project's own folder.
fn elsewhere(home: &Path) -> PathBuf {
    let name = blake3::hash(home.as_os_str().as_encoded_bytes()).to_hex();
    Path::new(ELSEWHERE).join(&name[..16])
}

fn give_all(path: &Path, account: Account) -> std::io::Result<()> {
    let metadata = std::fs::symlink_metadata(path)?;
    if (metadata.uid(), metadata.gid()) != (account.uid, account.gid) {
        lchown(path, Some(account.uid), Some(account.gid))?;
    }
    if metadata.is_dir() {
        for entry in std::fs::read_dir(path)? {
            // A live server removes files of its own while we walk.
            match give_all(&entry?.path(), account) {
                Err(e) if e.kind() != std::io::ErrorKind::NotFound => return Err(e),
                _ => {}
            }
        }
    }
    Ok(())
}

fn cannot_use(path: &Path) -> Error {
    Error::config(format!("folder \"{}\" of the embedded PostgreSQL cannot be used", path.display()))
        .hint("run quintile as the user that owns it, set embedded.dir to another folder, or give DATABASE_URL")
}
