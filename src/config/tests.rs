//! What settings accept, what they refuse and in which words.

use super::*;
use std::ffi::OsString;
use std::path::Path;

struct Project(tempfile::TempDir);

impl Project {
    fn with(toml: &str) -> Project {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::create_dir(folder.path().join("config")).expect("made");
        std::fs::write(folder.path().join("config/quintile.toml"), toml).expect("written");
        Project(folder)
    }

    fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.0.path().join(name);
        std::fs::write(&path, text).expect("written");
        path
    }

    fn read(&self, variables: &[(&str, &str)]) -> Result<Settings> {
        self.read_with(None, variables)
    }

    fn read_with(&self, extra: Option<&Path>, variables: &[(&str, &str)]) -> Result<Settings> {
        let variables: Vec<_> =
            variables.iter().map(|(name, value)| (OsString::from(name), OsString::from(value))).collect();
        Settings::read(self.0.path(), extra, variables.into_iter())
    }

    /// The message without the folder's name, which is another one each time.
    fn refusal(&self, variables: &[(&str, &str)]) -> String {
        let report = self.read(variables).expect_err("refused").report();
        report.replace(&self.0.path().display().to_string(), "DIR")
    }
}

#[test]
fn later_layers_win_key_by_key() {
    let project =
        Project::with("[embedded]\nport = 1111\nstay = true\n[run]\nthreads = 2\n[vars]\nCamelCase = [1, 2]\n");
    let extra = project.file("extra.toml", "[embedded]\nport = 2222\n[run]\nkeep_runs = 5\n");
    let settings =
        project.read_with(Some(&extra), &[("QUINTILE__RUN__KEEP_RUNS", "7"), ("PATH", "/a:/b")]).expect("right");
    assert_eq!((settings.embedded.port, settings.embedded.stay), (2222, true));
    assert_eq!((settings.run.threads, settings.run.keep_runs), (2, 7));
    assert_eq!(settings.vars["CamelCase"], serde_json::json!([1, 2]));
    assert_eq!(settings.search_path, [PathBuf::from("/a"), PathBuf::from("/b")]);
    assert_eq!(settings.project_dir, project.0.path());
    let named = project.read(&[("QUINTILE_CONFIG", extra.to_str().expect("text"))]).expect("right");
    assert_eq!((named.embedded.port, named.run.keep_runs), (2222, 5));
}

#[test]
fn database_url_comes_from_the_most_specific_place() {
    let project = Project::with("[database]\nurl = \"postgres://file\"\n");
    let secret = project.file("secret", "postgres://u:p@secret/db\n");
    let secret = secret.to_str().expect("text");
    let url = |variables: &[(&str, &str)]| project.read(variables).expect("right").database.url.expect("a URL");
    assert_eq!(url(&[]), "postgres://file");
    assert_eq!(url(&[("DATABASE_URL", "")]), "postgres://file");
    assert_eq!(url(&[("DATABASE_URL", "postgres://env")]), "postgres://env");
    assert_eq!(url(&[("DATABASE_URL_FILE", secret)]), "postgres://u:p@secret/db");
    assert_eq!(url(&[("QUINTILE__DATABASE__URL_FILE", secret)]), "postgres://u:p@secret/db");
    assert_eq!(
        url(&[("DATABASE_URL", "postgres://env"), ("QUINTILE__DATABASE__URL", "postgres://own")]),
        "postgres://own"
    );
}

#[test]
fn all_problems_are_told_at_once_with_their_places() {
    let project = Project::with(
        "workspace = \"Shop\"\n[embedded]\nprot = 5\nport = 70000\n[database]\nurl = [\"hunter2\"]\n\n[[jobs]]\nname = \"a\"\n\
         schedule = \"@daily\"\n\n[[jobs]]\nname = \"b\"\nschedul = \"@daily\"\n[workspaces.x]\ncolour = 1\n",
    );
    insta::assert_snapshot!(project.refusal(&[
        ("QUINTILE__RUN__THREDS", "3"),
        ("QUINTILE__EMBEDDED__STAY", "maybe"),
        ("QUINTILE__DATABASE__URL_FILE", "/nonexistent/url"),
    ]));
}

#[test]
fn values_out_of_bounds_are_told_with_the_bounds() {
    let project = Project::with(
        "workspace = \"pg\"\n[database]\nmax_connections = 1\n[run]\nthreads = 0\nkeep_runs = 0\n[serve]\nlisten = \"8080\"\nlease_seconds = 1\n\
         [[jobs]]\nname = \"a\"\nschedule = \" \"\n[[jobs]]\nname = \"a\"\nschedule = \"@daily\"\ntimezone = \"Berlin\"\nworkspace = \"A B\"\n",
    );
    insta::assert_snapshot!(project.refusal(&[("DATABASE_URL", "  ")]));
}

#[test]
fn one_problem_is_the_message_itself() {
    insta::assert_snapshot!(Project::with("[serve]\nlisten = \n").refusal(&[]));
    insta::assert_snapshot!(Project::with("[serv]\nlisten = \"x:1\"\n").refusal(&[]));
    insta::assert_snapshot!(Project::with("").refusal(&[("QUINTILE_CONFIG", "/nonexistent/q.toml")]));
    let both = [("DATABASE_URL", "postgres://a"), ("DATABASE_URL_FILE", "/b")];
    insta::assert_snapshot!(Project::with("").refusal(&both));
    let nowhere = Settings::read(Path::new("/nonexistent"), None, std::iter::empty()).expect_err("refused");
    insta::assert_snapshot!(nowhere.report());
}

#[test]
fn an_empty_secret_file_is_refused_and_secrets_are_never_shown() {
    let project = Project::with("");
    let empty = project.file("empty", "\n");
    insta::assert_snapshot!(project.refusal(&[("DATABASE_URL_FILE", empty.to_str().expect("text"))]));
    let settings = project.read(&[("DATABASE_URL", "postgres://u:hunter2@h/d")]).expect("right");
    assert!(!format!("{settings:?}").contains("hunter2"));
    let text = project.read(&[("DATABASE_URL", "12345")]).expect("text, though it looks like a number");
    assert_eq!(text.database.url.as_deref(), Some("12345"));
}

/// The shipped file with every switched-off setting switched on.
fn shipped(is_switched_on: bool) -> toml::Table {
    let text = include_str!("../../config/quintile.toml");
    let line = |line: &str| match line.strip_prefix('#') {
        Some(setting) if is_switched_on && !setting.starts_with(' ') => setting.to_owned(),
        _ => line.to_owned(),
    };
    let text = text.lines().map(line).collect::<Vec<_>>().join("\n");
    toml::from_str(&text).unwrap_or_else(|e| panic!("{e}\n{text}"))
}

#[test]
fn the_shipped_file_says_the_defaults() {
    let mut table = shipped(true);
    let jobs = table.remove("jobs").expect("an example");
    assert_eq!(jobs.as_array().map(Vec::len), Some(1));
    table.remove("workspaces").expect("examples");
    // These have no default: their lines are examples.
    let examples = [
        ("database", "url"),
        ("embedded", "bin_dir"),
        ("run", "max_row_loss_share"),
        ("run", "model_timeout_seconds"),
        ("run", "lock_timeout_seconds"),
        ("serve", "api_token"),
        ("alerts", "webhook_url"),
        ("alerts", "secret"),
    ];
    for (section, key) in examples {
        table[section].as_table_mut().and_then(|section| section.remove(key)).expect(key);
    }
    assert_eq!(Settings::deserialize(table).expect("right"), Settings::default());
    let as_it_is = Settings::deserialize(shipped(false)).expect("right");
    assert_eq!(Settings { workspaces: BTreeMap::new(), ..as_it_is }, Settings::default());
}

#[test]
fn the_shipped_file_lists_every_setting() {
    let table = shipped(true);
    let known = |path: &[&str]| -> Vec<String> {
        let probe = toml::Value::Table(toml::Table::from_iter([("?".to_owned(), toml::Value::Boolean(true))]));
        let probe = path
            .iter()
            .rev()
            .fold(probe, |inner, key| toml::Value::Table(toml::Table::from_iter([((*key).to_owned(), inner)])));
        let told = Settings::deserialize(probe).expect_err("unknown").message().to_owned();
        told.split('`').skip(3).step_by(2).map(str::to_owned).collect()
    };
    let mut missing = Vec::new();
    for section in known(&[]) {
        let Some(value) = table.get(&section) else {
            missing.push(section);
            continue;
        };
        if let Some(keys) = value.as_table().filter(|_| !["vars", "workspaces"].contains(&section.as_str())) {
            missing.extend(
                known(&[&section]).iter().filter(|key| !keys.contains_key(*key)).map(|key| format!("{section}.{key}")),
            );
        }
    }
    assert!(known(&["embedded"]).len() >= 4, "the probe finds settings");
    assert_eq!(missing, Vec::<String>::new(), "settings without a line in config/quintile.toml");
}

#[test]
fn the_shipped_job_shows_every_key_and_its_default() {
    let table = shipped(true);
    let shown = table["jobs"][0].as_table().expect("a job");
    let told = super::Job::deserialize(toml::Table::from_iter([("?".to_owned(), toml::Value::Boolean(true))]));
    let told = told.expect_err("unknown").message().to_owned();
    let keys: Vec<&str> = told.split('`').skip(3).step_by(2).collect();
    assert!(keys.len() > 15, "the probe finds keys: {told}");
    let missing: Vec<_> = keys.iter().filter(|key| !shown.contains_key(**key)).collect();
    assert_eq!(missing, Vec::<&&str>::new(), "keys of a job without a line in config/quintile.toml");
    let (job, bare) = (shown.clone().try_into::<super::Job>().expect("right"), super::Job::new("n", "@daily"));
    assert_eq!((job.catch_up, job.catch_up_limit, job.overlap, job.retries), {
        (bare.catch_up, bare.catch_up_limit, bare.overlap, bare.retries)
    });
}

#[test]
fn the_token_of_the_api_is_never_shown_and_not_too_short() {
    let project = Project::with("");
    let told = project.refusal(&[("QUINTILE__SERVE__API_TOKEN", "hunter2")]);
    assert!(told.contains("serve.api_token") && !told.contains("hunter2"), "{told}");
    let settings = project.read(&[("QUINTILE__SERVE__API_TOKEN", "1234567890123456")]).expect("text, not a number");
    assert_eq!(settings.serve.api_token.as_deref(), Some("1234567890123456"));
    assert!(!format!("{settings:?}").contains("1234567890123456"));
}

#[test]
fn the_production_file_is_right_on_top_of_the_shipped_one() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let settings =
        Settings::read(folder, Some(&folder.join("config/production.toml")), std::iter::empty()).expect("right");
    assert_eq!(settings.jobs.len(), 1);
    assert_eq!(settings.workspaces["cdnow"].title.as_deref(), Some("CDNOW"));
}

#[test]
fn workspaces_whose_schemas_the_server_refuses_are_refused_first() {
    for name in ["pg", "pg_shop", "quintile"] {
        assert!(super::Schemas::of(name).is_err(), "{name}");
    }
    assert!(super::Schemas::of("pgshop").is_ok());
}

#[test]
fn a_workspace_name_is_never_more_than_a_plain_word() {
    let long = "x".repeat(64);
    let hostile = [
        "public; drop schema mart cascade",
        "a\"b",
        "a'b",
        "pg_catalog",
        "Select",
        "\u{430}dmin",
        &long,
        "",
        "a.b.c",
        "$1",
        "a\0b",
    ];
    for name in hostile {
        let error = super::Schemas::of(name).unwrap_err();
        assert_eq!(error.message, format!("workspace name \"{name}\" cannot be used"));
    }
}
