//! A dbt project in a folder of its own on a database of its own, worked on through the real program.

use crate::harness::Database;
use std::path::Path;
use std::process::Command;

/// What a folder without a `dbt_project.yml` is given.
const PROJECT: &str = "name: broken\nversion: \"1.0\"\nprofile: broken\n";

/// A project and its database.
pub struct Place {
    db: Database,
    client: tokio_postgres::Client,
    pub folder: tempfile::TempDir,
}

/// What a command did.
pub struct Told {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Place {
    /// A project written as one text, in which `=== path` begins a file.
    pub async fn of(text: &str) -> Place {
        let db = Database::new().await;
        let client = db.client().await;
        let folder = tempfile::tempdir().expect("a folder");
        unfold(text, folder.path());
        std::fs::write(folder.path().join("profiles.yml"), profiles(db.url())).expect("written");
        let place = Place { db, client, folder };
        place.sql("CREATE SCHEMA shop").await;
        place
    }

    /// The shop of `tests/fixtures/dbt/shop`.
    pub async fn shop() -> Place {
        let place = Place::of("").await;
        copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/dbt/shop"), place.folder.path());
        place
    }

    /// Connection URL of the project's database.
    pub fn url(&self) -> &str {
        self.db.url()
    }

    /// Lets the profile lead to the same database by another way.
    pub fn reach(&self, url: &str) {
        std::fs::write(self.folder.path().join("profiles.yml"), profiles(url)).expect("written");
    }

    /// Writes a file of the project.
    pub fn write(&self, path: &str, text: &str) {
        let path = self.folder.path().join(path);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        std::fs::write(path, text).expect("written");
    }

    /// Changes a file of the project.
    pub fn edit(&self, path: &str, from: &str, to: &str) {
        let file = self.folder.path().join(path);
        let text = std::fs::read_to_string(&file).expect("a file");
        assert!(text.contains(from), "{path} has no {from}");
        std::fs::write(file, text.replace(from, to)).expect("written");
    }

    /// Runs a command in the project.
    pub fn run(&self, arguments: &[&str]) -> Told {
        let output = Command::new(env!("CARGO_BIN_EXE_quintile"))
            .args(arguments)
            .current_dir(self.folder.path())
            .env("HOME", self.folder.path())
            .env("NO_COLOR", "1")
            .env_remove("DATABASE_URL")
            .env_remove("DBT_PROFILES_DIR")
            .output()
            .expect("the program runs");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Told {
            code: output.status.code().unwrap_or(-1),
            stdout: text(&output.stdout),
            stderr: self.masked(&text(&output.stderr)),
        }
    }

    /// Runs a command that must end well; returns what it tells on standard error.
    #[track_caller]
    pub fn good(&self, arguments: &[&str]) -> String {
        let told = self.run(arguments);
        assert_eq!(told.code, 0, "{arguments:?}\n{}{}", told.stdout, told.stderr);
        told.stderr
    }

    /// Runs a command that must fail; returns exit code and what it tells, with what differs between runs masked.
    pub fn bad(&self, arguments: &[&str]) -> String {
        let told = self.run(arguments);
        assert_ne!(told.code, 0, "{arguments:?}\n{}{}", told.stdout, told.stderr);
        format!("exit {}\n{}", told.code, told.stderr.trim_end())
    }

    /// The rows of a query, `a|b` each, one a line.
    pub async fn rows(&self, sql: &str) -> String {
        let messages = self.client.simple_query(sql).await.unwrap_or_else(|e| panic!("{sql}: {e:?}"));
        let lines = messages.iter().filter_map(|message| match message {
            tokio_postgres::SimpleQueryMessage::Row(row) => {
                Some((0..row.len()).map(|i| row.get(i).unwrap_or("-")).collect::<Vec<_>>().join("|"))
            }
            _ => None,
        });
        lines.collect::<Vec<_>>().join("\n")
    }

    /// Runs statements.
    pub async fn sql(&self, sql: &str) {
        self.client.batch_execute(sql).await.unwrap_or_else(|e| panic!("{sql}: {e:?}"));
    }

    /// A file of the folder `target`, as JSON.
    pub fn artifact(&self, name: &str) -> serde_json::Value {
        let text = std::fs::read_to_string(self.folder.path().join("target").join(name)).expect("an artifact");
        serde_json::from_str(&text).expect("JSON")
    }

    /// Folder, database, port and times are told as words.
    fn masked(&self, text: &str) -> String {
        let config: tokio_postgres::Config = self.db.url().parse().expect("a URL");
        let real = self.folder.path().canonicalize().expect("a folder");
        let text = text
            .replace(&real.display().to_string(), "PROJECT")
            .replace(&self.folder.path().display().to_string(), "PROJECT")
            .replace(&config.get_ports()[0].to_string(), "PORT")
            .replace(config.get_dbname().unwrap_or_default(), "DATABASE");
        text.lines().map(without_time).collect::<Vec<_>>().join("\n")
    }
}

/// A line whose time at its end is told as a word.
fn without_time(line: &str) -> String {
    let timed = line.strip_suffix(" s").and_then(|line| line.rsplit_once(' '));
    match timed.filter(|(_, number)| number.parse::<f64>().is_ok()) {
        Some((line, _)) => format!("{} TIME", line.trim_end()),
        None => line.to_owned(),
    }
}

/// Writes the files of a text in which `=== path` begins each.
pub fn unfold(text: &str, to: &Path) {
    std::fs::write(to.join("dbt_project.yml"), PROJECT).expect("written");
    for part in text.split("=== ").skip(1) {
        let (path, content) = part.split_once('\n').expect("a path and a text");
        let path = to.join(path);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        std::fs::write(path, content).expect("written");
    }
}

fn profiles(url: &str) -> String {
    let config: tokio_postgres::Config = url.parse().expect("a URL");
    let password = String::from_utf8_lossy(config.get_password().unwrap_or_default()).into_owned();
    let output = |password: &str, port: u16, kind: &str| {
        serde_json::json!({
            "type": kind, "host": "127.0.0.1", "port": port, "user": config.get_user(), "password": password,
            "dbname": config.get_dbname(), "schema": "shop", "threads": 2, "connect_timeout": 5,
        })
    };
    let port = config.get_ports()[0];
    let profile = serde_json::json!({"target": "dev", "outputs": {
        "dev": output(&password, port, "postgres"),
        "stranger": output("wrong", port, "postgres"),
        "down": output(&password, 1, "postgres"),
        "snow": output(&password, port, "snowflake"),
    }});
    // JSON is YAML; a line a value, so that an excerpt shows no more than its own.
    let profiles = serde_json::json!({"shop": profile, "broken": profile});
    serde_json::to_string_pretty(&profiles).expect("JSON")
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a folder");
    for entry in std::fs::read_dir(from).expect("a folder") {
        let entry = entry.expect("an entry");
        if entry.path().is_dir() {
            copy(&entry.path(), &to.join(entry.file_name()));
        } else {
            std::fs::copy(entry.path(), to.join(entry.file_name())).expect("a copy");
        }
    }
}
