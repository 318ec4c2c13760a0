//! The user that the server runs as: ourselves, or an unprivileged one when we are root.

use crate::error::{Error, Result};
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};

/// An unprivileged user to change to; PostgreSQL refuses to run as root.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Account {
    pub(super) uid: u32,
    pub(super) gid: u32,
}

impl Account {
    /// None when we are not root: the server then runs as we do. As root: the owner of the data that exists,
    /// else `postgres`, else `nobody`.
    pub(super) fn choose(data: &Path) -> Result<Option<Account>> {
        if !rustix::process::geteuid().is_root() {
            return Ok(None);
        }
        if let Ok(metadata) = std::fs::metadata(data)
            && metadata.uid() != 0
        {
            return Ok(Some(Account { uid: metadata.uid(), gid: metadata.gid() }));
        }
        let users = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
        ["postgres", "nobody"].iter().find_map(|name| named(&users, name)).map(Some).ok_or_else(|| {
            Error::config("embedded PostgreSQL cannot be started as root")
                .detail(
                    "PostgreSQL refuses to run as root, and there is no user \"postgres\" or \"nobody\" to run it as.",
                )
                .hint("create a system user \"postgres\", or run quintile as an ordinary user")
        })
    }
}

/// The entry of `name` in the text of `/etc/passwd`; never root's.
fn named(users: &str, name: &str) -> Option<Account> {
    users.lines().find_map(|line| {
        let mut fields = line.split(':');
        if fields.next()? != name {
            return None;
        }
        let (uid, gid) = (fields.nth(1)?.parse().ok()?, fields.next()?.parse().ok()?);
        (uid != 0).then_some(Account { uid, gid })
    })
}

/// A command that runs as `account`, in `/`, in a process group of its own, and with nothing of our environment:
/// `PGPORT`, `PGDATA` and the like would speak to the server too.
pub(super) fn command(program: &Path, account: Option<Account>) -> Command {
    let mut command = Command::new(program);
    command.env_clear().env("PATH", "/usr/local/bin:/usr/bin:/bin").env("LC_ALL", "C");
    command.current_dir("/").process_group(0).stdin(Stdio::null());
    if let Some(Account { uid, gid }) = account {
        // The standard library also empties the supplementary groups when root changes to another user.
        command.uid(uid).gid(gid);
    }
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_are_found_by_name_and_root_is_never_chosen() {
        let users = "root:x:0:0:root:/root:/bin/sh\npostgres:x:101:104:PostgreSQL,,,:/var/lib/postgresql:/bin/bash\nnobody:x:0:0::/:\n";
        assert_eq!(named(users, "postgres"), Some(Account { uid: 101, gid: 104 }));
        assert_eq!(named(users, "nobody"), None);
        assert_eq!(named(users, "post"), None);
    }

    #[test]
    fn a_changed_user_keeps_no_group_of_ours() {
        let account = Account::choose(Path::new("/nonexistent")).expect("an account");
        let output =
            command(Path::new("/bin/sh"), account).args(["-c", "id -u; id -G; pwd; env"]).output().expect("sh");
        let told = String::from_utf8_lossy(&output.stdout);
        let mut lines = told.lines();
        let (uid, groups) = (lines.next().expect("uid"), lines.next().expect("groups"));
        match account {
            Some(account) => assert_eq!((uid, groups), (&*account.uid.to_string(), &*account.gid.to_string())),
            None => assert_ne!(uid, "0"),
        }
        assert_eq!(lines.next(), Some("/"));
        assert!(!told.contains("HOME="), "the environment is empty: {told}");
    }
}
