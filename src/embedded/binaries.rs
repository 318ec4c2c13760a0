//! Finds the server binaries: a folder that holds both `initdb` and `postgres` of version 15 or later.

use crate::config::Settings;
use crate::error::{Error, Result};
use std::path::{Path, PathBuf};

/// Oldest major version that the statements of this program run on.
const OLDEST: u32 = 15;

/// Folders of known packagings; `*` stands for the rest of one folder's name.
const KNOWN: [&str; 8] = [
    "/usr/lib/postgresql/*/bin",
    "/usr/pgsql-*/bin",
    "/usr/libexec/postgresql*",
    "/usr/local/pgsql/bin",
    "/opt/homebrew/opt/postgresql*/bin",
    "/usr/local/opt/postgresql*/bin",
    "/Applications/Postgres.app/Contents/Versions/*/bin",
    "/usr/local/bin",
];

/// A folder with server binaries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Binaries {
    folder: PathBuf,
    /// Major version, such as 15.
    pub(super) major: u32,
    /// Whole version, such as "15.14".
    pub(super) version: String,
}

impl Binaries {
    pub(super) fn initdb(&self) -> PathBuf {
        self.folder.join("initdb")
    }

    pub(super) fn postgres(&self) -> PathBuf {
        self.folder.join("postgres")
    }

    /// The binaries to use: those of `data_major` when data exists, else the newest.
    pub(super) fn find(settings: &Settings, data_major: Option<u32>, data: &Path) -> Result<Binaries> {
        let mut found = match &settings.embedded.bin_dir {
            Some(folder) => vec![look_into(&settings.project_dir.join(folder)).ok_or_else(|| {
                Error::config(format!("folder \"{}\" holds no PostgreSQL server", folder.display()))
                    .detail("The setting embedded.bin_dir must name a folder that holds both initdb and postgres.")
                    .hint("correct embedded.bin_dir, or remove it to let quintile search")
            })?],
            None => candidates(settings).iter().filter_map(|folder| look_into(folder)).collect(),
        };
        // Stable, so that among equals the first on the search path wins.
        found.sort_by_key(|binaries| std::cmp::Reverse(binaries.major));
        pick(found, data_major, data)
    }
}

fn pick(found: Vec<Binaries>, data_major: Option<u32>, data: &Path) -> Result<Binaries> {
    if let Some(major) = data_major {
        let versions = list(&found);
        return found.into_iter().find(|binaries| binaries.major == major).ok_or_else(|| {
            Error::config(format!(
                "embedded PostgreSQL's data is of version {major}, and the server found is of version {versions}"
            ))
            .detail(format!("The data is in \"{}\".", data.display()))
            .hint(format!("install PostgreSQL {major}, or move that folder away to begin with empty data"))
        });
    }
    let newest = found.into_iter().next();
    match newest {
        Some(binaries) if binaries.major >= OLDEST => Ok(binaries),
        Some(old) => Err(Error::config(format!("PostgreSQL {} is too old", old.version))
            .detail(format!("It is in \"{}\"; version {OLDEST} or later is needed.", old.folder.display()))
            .hint("install a newer server, or set DATABASE_URL to a database that runs elsewhere")),
        None => Err(Error::config("no database is given and no PostgreSQL server is installed to start one")
            .detail("Searched: $PATH and the folders where packages put the server's initdb and postgres.")
            .hint("install the server (Debian and Ubuntu: apt-get install postgresql), set embedded.bin_dir, or set DATABASE_URL")),
    }
}

fn list(found: &[Binaries]) -> String {
    if found.is_empty() {
        return "none".into();
    }
    found.iter().map(|binaries| binaries.version.as_str()).collect::<Vec<_>>().join(", ")
}

fn candidates(settings: &Settings) -> Vec<PathBuf> {
    let on_path = settings.search_path.iter().filter_map(|folder| {
        // A link such as /usr/local/bin/postgres leads to the folder that also holds initdb.
        std::fs::canonicalize(folder.join("postgres")).ok()?.parent().map(Path::to_path_buf)
    });
    on_path.chain(KNOWN.iter().flat_map(|pattern| expand(pattern))).collect()
}

/// The folders that `pattern` names; at most one `*`, within one folder's name.
fn expand(pattern: &str) -> Vec<PathBuf> {
    let Some((before, after)) = pattern.split_once('*') else {
        return vec![PathBuf::from(pattern)];
    };
    let (parent, start) = before.rsplit_once('/').unwrap_or(("", before));
    let Ok(entries) = std::fs::read_dir(if parent.is_empty() { "/" } else { parent }) else {
        return Vec::new();
    };
    let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    names.filter(|name| name.starts_with(start)).map(|name| PathBuf::from(format!("{parent}/{name}{after}"))).collect()
}

/// The server in `folder`, if both programs are there and `postgres` tells its version.
fn look_into(folder: &Path) -> Option<Binaries> {
    // Absolute, because the programs are run from another folder.
    let folder = std::fs::canonicalize(folder).ok()?;
    let postgres = folder.join("postgres");
    if !folder.join("initdb").is_file() || !postgres.is_file() {
        return None;
    }
    let output = super::account::command(&postgres, None).arg("--version").output().ok()?;
    let (major, version) = parse_version(&String::from_utf8_lossy(&output.stdout))?;
    Some(Binaries { folder, major, version })
}

/// "postgres (PostgreSQL) 15.14 (Debian 15.14-0)" is (15, "15.14"); "18beta1" is (18, "18beta1").
fn parse_version(told: &str) -> Option<(u32, String)> {
    let version = told.split_once("(PostgreSQL) ")?.1.split_whitespace().next()?;
    let major: String = version.chars().take_while(char::is_ascii_digit).collect();
    Some((major.parse().ok()?, version.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(version: &str) -> Binaries {
        let (major, version) = parse_version(&format!("postgres (PostgreSQL) {version}\n")).expect("a version");
        Binaries { folder: "/x".into(), major, version }
    }

    #[test]
    fn versions_are_read_from_what_postgres_tells() {
        assert_eq!(parse_version("postgres (PostgreSQL) 15.14 (Debian 15.14-0+deb12u1)\n"), Some((15, "15.14".into())));
        assert_eq!(parse_version("postgres (PostgreSQL) 18beta1"), Some((18, "18beta1".into())));
        assert_eq!(parse_version("some other program 3.1"), None);
    }

    #[test]
    fn the_script_that_installs_a_server_looks_where_we_look() {
        let script = include_str!("../../scripts/ensure-postgres");
        let missing: Vec<_> = KNOWN.iter().filter(|pattern| !script.contains(**pattern)).collect();
        assert_eq!(missing, Vec::<&&str>::new());
    }

    #[test]
    fn data_decides_the_version_and_the_message_names_both() {
        let found = vec![of("17.2"), of("15.14")];
        assert_eq!(pick(found.clone(), None, Path::new("/d")).expect("newest").major, 17);
        assert_eq!(pick(found.clone(), Some(15), Path::new("/d")).expect("same").major, 15);
        insta::assert_snapshot!(pick(found, Some(16), Path::new("/d")).expect_err("no 16").report(), @r#"
        error: embedded PostgreSQL's data is of version 16, and the server found is of version 17.2, 15.14
        detail: The data is in "/d".
        hint: install PostgreSQL 16, or move that folder away to begin with empty data
        "#);
    }

    #[test]
    fn old_servers_and_none_at_all_are_told_apart() {
        insta::assert_snapshot!(pick(vec![of("14.9")], None, Path::new("/d")).expect_err("too old").report(), @r#"
        error: PostgreSQL 14.9 is too old
        detail: It is in "/x"; version 15 or later is needed.
        hint: install a newer server, or set DATABASE_URL to a database that runs elsewhere
        "#);
        let none = pick(Vec::new(), None, Path::new("/d")).expect_err("none");
        assert!(none.hint.as_deref().is_some_and(|hint| hint.contains("apt-get install postgresql")), "{none:?}");
    }
}
