//! Reads the layers of settings, each checked leaf by leaf, so that every wrong one is named with its place at once.

use super::{Settings, check};
use crate::error::{Error, Result};
use config::{Config, Environment, File, FileFormat};
use serde::Deserialize;
use std::collections::{BTreeMap, HashMap};
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// Prefix of the variables that set anything.
const PREFIX: &str = "QUINTILE__";
/// The variable that names a second settings file.
const EXTRA_FILE: &str = "QUINTILE_CONFIG";
/// Variables of this ending name a file that holds the value.
const FILE_SUFFIX: &str = "_FILE";
/// The variable that every PostgreSQL host sets.
const DATABASE_URL: &str = "DATABASE_URL";
/// What it sets.
const DATABASE_URL_KEY: &str = "QUINTILE__DATABASE__URL";
/// Settings whose values never appear in a message.
const SECRETS: [&str; 4] = ["database.url", "serve.api_token", "alerts.webhook_url", "alerts.secret"];

/// Whether the user wants no colours: `NO_COLOR` is set to anything.
#[must_use]
pub fn is_colour_refused() -> bool {
    std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty())
}

/// The folder for files that live no longer than a command.
#[must_use]
pub fn temporary_dir() -> PathBuf {
    std::env::temp_dir()
}

/// Where a test wants this process to die, fail or wait: see [`crate::crash_point`].
#[must_use]
pub fn crash_point() -> Option<String> {
    std::env::var("QUINTILE_CRASH_POINT").ok().filter(|plan| !plan.is_empty())
}

/// The arguments that the process was called with, for the files that tell it.
#[must_use]
pub fn command_line() -> Vec<String> {
    std::env::args().skip(1).collect()
}

impl Settings {
    /// Name of this machine, for the people who read the ledger; `HOSTNAME` in a container is the pod's name.
    #[must_use]
    pub fn host_name(&self) -> String {
        std::env::var("HOSTNAME")
            .ok()
            .or_else(|| std::fs::read_to_string("/proc/sys/kernel/hostname").ok())
            .map(|name| name.trim().to_owned())
            .filter(|name| !name.is_empty())
            .unwrap_or_else(|| "unknown host".into())
    }

    /// As [`Settings::load_from`], without a second file on the command line.
    pub fn load(project_dir: &Path) -> Result<Settings> {
        Settings::load_from(project_dir, None)
    }

    /// Reads `<project_dir>/config/quintile.toml` if it is there, then `extra` (else the file that `QUINTILE_CONFIG`
    /// names), then the environment: later ones win. All that is wrong is told in one error.
    pub fn load_from(project_dir: &Path, extra: Option<&Path>) -> Result<Settings> {
        Settings::read(project_dir, extra, std::env::vars_os())
    }

    /// As [`Settings::load_from`], from the variables given instead of the process's own.
    pub(super) fn read(
        project_dir: &Path,
        extra: Option<&Path>,
        environment: impl Iterator<Item = (OsString, OsString)>,
    ) -> Result<Settings> {
        if !project_dir.is_dir() {
            return Err(Error::config(format!("project folder \"{}\" is not there", project_dir.display()))
                .hint("run quintile in a project's folder, or name it with --project-dir"));
        }
        let mut problems = Vec::new();
        let variables: BTreeMap<String, OsString> =
            environment.filter_map(|(name, value)| Some((name.into_string().ok()?, value))).collect();
        let extra = extra
            .map(Path::to_path_buf)
            .or_else(|| variables.get(EXTRA_FILE).filter(|v| !v.is_empty()).map(PathBuf::from));
        let mut builder = Config::builder();
        let main_file = project_dir.join("config/quintile.toml");
        for (path, name, is_required) in [
            Some((main_file.clone(), "config/quintile.toml".to_owned(), false)),
            extra.map(|path| (path.clone(), path.display().to_string(), true)),
        ]
        .into_iter()
        .flatten()
        {
            match std::fs::read_to_string(&path) {
                Ok(text) => {
                    let (right, wrong) = check_file(&name, &text);
                    if wrong.is_empty() {
                        builder = builder.add_source(File::from_str(&text, FileFormat::Toml));
                    }
                    // What is right of a wrong file is layered too, so that its values are checked in the same go.
                    for value in right.iter().filter(|_| !wrong.is_empty()) {
                        if let Ok(layer) = Config::try_from(value) {
                            builder = builder.add_source(layer);
                        }
                    }
                    problems.extend(wrong);
                }
                Err(e) if e.kind() == std::io::ErrorKind::NotFound && !is_required => {}
                Err(e) => problems.push(format!("{name}: cannot be read: {e}")),
            }
        }
        for (name, value) in settings_in(&variables, &mut problems) {
            let key = path_of(&name);
            match Config::builder()
                .add_source(source(&name, &value))
                .build()
                .and_then(Config::try_deserialize::<Settings>)
            {
                Ok(_) => builder = builder.add_source(source(&name, &value)),
                Err(e) => problems.push(format!("{name}: {}", explain(&key, &e.to_string()))),
            }
        }
        let settings = builder.build().and_then(Config::try_deserialize::<Settings>);
        let mut settings = match settings {
            Ok(settings) => settings,
            // Every leaf was right by itself; two layers that disagree on a table's shape are left.
            Err(e) => return Err(told(vec![e.to_string()])),
        };
        problems.extend(check::problems(&settings));
        if !problems.is_empty() {
            return Err(told(problems));
        }
        settings.project_dir = project_dir.to_path_buf();
        let texts =
            variables.iter().filter_map(|(name, value)| Some((name.clone(), value.clone().into_string().ok()?)));
        settings.environment = super::Environment(texts.collect());
        if settings.database.url.is_none() && super::connection::is_named(&settings.environment) {
            settings.database.url = Some(String::new());
        }
        settings.search_path =
            variables.get("PATH").map(|path| std::env::split_paths(path).collect()).unwrap_or_default();
        Ok(settings)
    }
}

/// One error for all problems: a single one is the message itself.
fn told(mut problems: Vec<String>) -> Error {
    let hint = "config/quintile.toml lists every setting with its default; docs/configuration.md explains them";
    if problems.len() == 1 {
        return Error::config(problems.remove(0)).hint(hint);
    }
    Error::config(format!("{} settings are not right", problems.len())).detail(problems.join("\n")).hint(hint)
}

/// The variables that set something, `_FILE` ones replaced by the contents of their files.
fn settings_in(variables: &BTreeMap<String, OsString>, problems: &mut Vec<String>) -> BTreeMap<String, String> {
    let mut values = BTreeMap::new();
    for (name, value) in variables {
        let is_ours =
            name.starts_with(PREFIX) || name == DATABASE_URL || name == &format!("{DATABASE_URL}{FILE_SUFFIX}");
        // An empty variable is an unset one: container templates cannot leave a name out.
        if !is_ours || value.is_empty() {
            continue;
        }
        let Some(target) = name.strip_suffix(FILE_SUFFIX) else {
            match value.clone().into_string() {
                Ok(value) => {
                    values.insert(name.clone(), value);
                }
                Err(_) => problems.push(format!("{name}: is not UTF-8 text")),
            }
            continue;
        };
        if variables.get(target).is_some_and(|direct| !direct.is_empty()) {
            problems.push(format!("{name}: is set together with {target}; keep one of the two"));
            continue;
        }
        match std::fs::read_to_string(value) {
            Ok(text) if text.trim().is_empty() => problems.push(format!("{name}: file {} is empty", value.display())),
            Ok(text) => {
                values.insert(target.to_owned(), text.trim_end_matches(['\n', '\r']).to_owned());
            }
            Err(e) => problems.push(format!("{name}: file {} cannot be read: {e}", value.display())),
        }
    }
    if let Some(url) = values.remove(DATABASE_URL) {
        // The variable with our own name is the more specific one.
        values.entry(DATABASE_URL_KEY.to_owned()).or_insert(url);
    }
    values
}

/// One variable as a layer.
fn source(name: &str, value: &str) -> Environment {
    let one = HashMap::from([(name.to_owned(), value.to_owned())]);
    let is_secret = SECRETS.contains(&path_of(name).as_str());
    // A secret is text, whatever it looks like.
    Environment::with_prefix("QUINTILE")
        .prefix_separator("__")
        .separator("__")
        .try_parsing(!is_secret)
        .source(Some(one))
}

/// `QUINTILE__EMBEDDED__PORT` is `embedded.port`.
fn path_of(variable: &str) -> String {
    variable.trim_start_matches(PREFIX).to_lowercase().replace("__", ".")
}

/// The settings in a file that are right, and what is wrong with the others, by line.
fn check_file(file: &str, text: &str) -> (Vec<toml::Value>, Vec<String>) {
    let line_of = |offset: usize| text[..offset.min(text.len())].matches('\n').count() + 1;
    let (spanned, table) = match (toml::de::DeTable::parse(text), toml::from_str::<toml::Table>(text)) {
        (Ok(spanned), Ok(table)) => (spanned.into_inner(), table),
        (Err(e), _) | (_, Err(e)) => {
            let line = e.span().map_or(1, |span| line_of(span.start));
            return (Vec::new(), vec![format!("{file}:{line}: {}", e.message())]);
        }
    };
    let (mut right, mut wrong) = (Vec::new(), Vec::new());
    for leaf in leaves(&table) {
        let value = nested(&leaf.path, leaf.value.clone());
        match Settings::deserialize(value.clone()) {
            Ok(_) => right.push(value),
            Err(e) => wrong.push((line_of(offset_of(&spanned, &leaf)), explain(&leaf.path.join("."), e.message()))),
        }
    }
    wrong.sort();
    (right, wrong.into_iter().map(|(line, told)| format!("{file}:{line}: {told}")).collect())
}

/// A value that can be right or wrong by itself.
struct Leaf {
    path: Vec<String>,
    /// Which entry of an array of tables it is.
    entry: usize,
    value: toml::Value,
}

/// Sections are taken apart into their keys, workspaces one level deeper, jobs into their entries.
fn leaves(table: &toml::Table) -> Vec<Leaf> {
    let mut found = Vec::new();
    for (key, value) in table {
        take_apart(
            vec![key.clone()],
            value,
            if key == "workspaces" { 2 } else { usize::from(key != "vars") },
            &mut found,
        );
    }
    found
}

fn take_apart(path: Vec<String>, value: &toml::Value, depth: usize, found: &mut Vec<Leaf>) {
    match value {
        toml::Value::Table(table) if depth > 0 => {
            for (key, value) in table {
                let mut path = path.clone();
                path.push(key.clone());
                take_apart(path, value, depth - 1, found);
            }
        }
        toml::Value::Array(entries) if depth > 0 && entries.iter().all(toml::Value::is_table) => {
            for (entry, value) in entries.iter().enumerate() {
                found.push(Leaf { path: path.clone(), entry, value: toml::Value::Array(vec![value.clone()]) });
            }
        }
        _ => found.push(Leaf { path, entry: 0, value: value.clone() }),
    }
}

/// `{a: {b: value}}` for the path `a.b`.
fn nested(path: &[String], value: toml::Value) -> toml::Value {
    path.iter().rev().fold(value, |inner, key| toml::Value::Table(toml::Table::from_iter([(key.clone(), inner)])))
}

/// Byte at which the leaf's key stands, or at which its entry begins.
fn offset_of(table: &toml::de::DeTable<'_>, leaf: &Leaf) -> usize {
    let mut table = table;
    let mut offset = 0;
    for key in &leaf.path {
        let Some((name, value)) = table.iter().find(|(name, _)| name.get_ref() == key) else { return offset };
        offset = name.span().start;
        match value.get_ref() {
            toml::de::DeValue::Table(inner) => table = inner,
            toml::de::DeValue::Array(entries) => {
                return entries.get(leaf.entry).map_or(offset, |entry| entry.span().start);
            }
            _ => return offset,
        }
    }
    offset
}

/// The parser's words about the setting `path`, in ours.
fn explain(path: &str, told: &str) -> String {
    if SECRETS.contains(&path) {
        return format!("setting \"{path}\" must be text");
    }
    if let Some(rest) = told.strip_prefix("unknown field `")
        && let Some((field, known)) = rest.split_once('`')
    {
        let known = known.trim_start_matches(", expected").trim_start_matches(" one of").trim().replace('`', "");
        // The unknown key is one of the path, or a key within the entry that the path names.
        let mut keys = path.split('.');
        let full = match keys.clone().position(|key| key == field) {
            Some(place) => keys.by_ref().take(place + 1).collect::<Vec<_>>().join("."),
            None => format!("{path}.{field}"),
        };
        let known = known.split(" for key ").next().unwrap_or_default();
        return format!("unknown setting \"{full}\"; known here: {known}");
    }
    let reason = told.split(" for key ").next().unwrap_or(told).replace('`', "");
    format!("setting \"{path}\" is not right: {reason}")
}
