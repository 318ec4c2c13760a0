//! `profiles.yml`: how to reach the database, by profile and target.

use super::problem::Problem;
use super::reader::{Fields, Reader};
use super::render::{Render, has_jinja, rendered};
use crate::project::SourceFile;
use crate::project::name::did_you_mean;
use crate::project::yaml::{Node, Yaml};
use serde_json::Value as Json;
use std::fmt;

/// One output of one profile: a PostgreSQL connection.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Profile {
    /// The profile's name.
    pub profile_name: String,
    /// The output's name; `target.name` in templates.
    pub target_name: String,
    /// Host name, address or socket folder.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// Who logs in.
    pub user: String,
    /// The password; empty where the server asks for none.
    pub password: String,
    /// The database.
    pub database: String,
    /// The schema that models are built in.
    pub schema: String,
    /// How many nodes run at once.
    pub threads: u64,
    /// Seconds of silence before the system probes the connection; 0 leaves it to the system.
    pub keepalives_idle: u64,
    /// Seconds to wait for a connection.
    pub connect_timeout: u64,
    /// How often a refused connection is tried again.
    pub retries: u64,
    /// `search_path` of the session.
    pub search_path: Option<String>,
    /// Role that the session takes on.
    pub role: Option<String>,
    /// `disable`, `prefer`, `require`, `verify-ca`, `verify-full`.
    pub sslmode: Option<String>,
    /// The client's certificate.
    pub sslcert: Option<String>,
    /// The key to it.
    pub sslkey: Option<String>,
    /// The certificates that are trusted.
    pub sslrootcert: Option<String>,
    /// What the server's lists of sessions show.
    pub application_name: Option<String>,
}

/// The password stays out of logs and of failed assertions.
impl fmt::Debug for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Profile")
            .field("profile_name", &self.profile_name)
            .field("target_name", &self.target_name)
            .field("host", &self.host)
            .field("port", &self.port)
            .field("user", &self.user)
            .field("database", &self.database)
            .field("schema", &self.schema)
            .finish_non_exhaustive()
    }
}

/// Which output is asked for.
#[derive(Clone, Copy, Debug, Default)]
pub struct Wanted<'a> {
    /// `--profile`, else the project's `profile`.
    pub profile: Option<&'a str>,
    /// `--target`; else the profile's own choice, else `default`.
    pub target: Option<&'a str>,
}

const OUTPUT_KEYS: &[&str] = &[
    "type",
    "host",
    "port",
    "user",
    "pass",
    "password",
    "dbname",
    "database",
    "schema",
    "threads",
    "keepalives_idle",
    "connect_timeout",
    "retries",
    "search_path",
    "role",
    "sslmode",
    "sslcert",
    "sslkey",
    "sslrootcert",
    "application_name",
    "autocommit",
];

/// The one adapter there is.
const ADAPTER: &str = "postgres";

/// Reads the output that is asked for; the others may be anything, as their variables need not be set.
pub fn read(file: &SourceFile, wanted: Wanted<'_>, render: Render<'_>, problems: &mut Vec<Problem>) -> Option<Profile> {
    let (mut reader, node) = Reader::open(file, problems)?;
    let reader = &mut reader;
    let profiles = reader.open_fields(&node, format!("\"{}\"", file.path))?;
    let Some(profile_name) = wanted.profile else {
        let hint = format!("set profile: in dbt_project.yml, or --profile; known profiles: {}", names(&profiles));
        reader.error(1, "", "the project names no profile", hint);
        return None;
    };
    let Some(node) = profiles.get(profile_name) else {
        let known = profiles.entries().iter().map(|(key, _)| key.name.as_str()).filter(|name| *name != "config");
        let hint = did_you_mean(profile_name, known);
        let hint = hint.unwrap_or_else(|| format!("known profiles: {}", names(&profiles)));
        reader.error(1, "", format!("profile \"{profile_name}\" does not exist"), hint);
        return None;
    };
    let what = format!("profile \"{profile_name}\"");
    let profile = reader.fields(node, what, &["target", "outputs", "config"])?;
    let target_name = target_name(reader, &profile, wanted.target, render)?;
    let Some(outputs) = profile.get("outputs") else {
        let message = format!("{} has no outputs", profile.what);
        reader.error(profile.line, "", message, "add outputs: with one entry per target");
        return None;
    };
    let outputs = reader.open_fields(outputs, format!("outputs of {}", profile.what))?;
    let Some(output) = outputs.get(&target_name) else {
        let known = outputs.entries().iter().map(|(key, _)| key.name.as_str());
        let hint = did_you_mean(&target_name, known).unwrap_or_else(|| format!("known targets: {}", names(&outputs)));
        let message = format!("{} has no target \"{target_name}\"", profile.what);
        reader.error(outputs.line, "", message, hint);
        return None;
    };
    let mut output = rendered(reader, output, &is_password, render);
    render_password(reader, &mut output, render);
    output_of(reader, &output, profile_name, &target_name)
}

fn names(fields: &Fields<'_>) -> String {
    let names = fields.entries().iter().map(|(key, _)| key.name.as_str()).filter(|name| *name != "config");
    names.collect::<Vec<_>>().join(", ")
}

fn is_password(path: &[&str]) -> bool {
    matches!(path, ["pass" | "password"])
}

/// A password may hold braces without being a template: what does not render and names no variable stays as it is.
fn render_password(reader: &mut Reader<'_>, output: &mut Node, render: Render<'_>) {
    let Yaml::Map(entries) = &mut output.value else { return };
    for (key, node) in entries.iter_mut().filter(|(key, _)| is_password(&[key.name.as_str()])) {
        let Yaml::Scalar(Json::String(text)) = &node.value else { continue };
        if !has_jinja(text) {
            continue;
        }
        match render(text) {
            Ok(value) => *node = Node::from_json(value, key.line),
            Err(error) if text.contains("var(") => {
                let hint = error.hint.clone().unwrap_or_else(|| "set the variable".to_owned());
                reader.error(key.line, &key.name, format!("the password cannot be rendered: {error}"), hint);
            }
            Err(_) => {}
        }
    }
}

fn target_name(
    reader: &mut Reader<'_>,
    profile: &Fields<'_>,
    wanted: Option<&str>,
    render: Render<'_>,
) -> Option<String> {
    if let Some(target) = wanted {
        return Some(target.to_owned());
    }
    let Some((key, node)) = profile.entry("target") else { return Some("default".to_owned()) };
    let text = reader.text_of(node, &format!("target of {}", profile.what))?;
    if !has_jinja(&text) {
        return Some(text);
    }
    match render(&text) {
        Ok(Json::String(name)) => Some(name),
        Ok(other) => Some(other.to_string()),
        Err(error) => {
            let hint = error.hint.clone().unwrap_or_else(|| "set it, or choose with --target".to_owned());
            reader.error(key.line, "target", format!("target of {} cannot be rendered: {error}", profile.what), hint);
            None
        }
    }
}

fn output_of(reader: &mut Reader<'_>, node: &Node, profile_name: &str, target_name: &str) -> Option<Profile> {
    let what = format!("target \"{target_name}\" of profile \"{profile_name}\"");
    let output = reader.open_fields(node, what)?;
    let adapter = reader.required_text(&output, "type")?;
    if adapter != ADAPTER {
        let line = output.entry("type").map_or(output.line, |(key, _)| key.line);
        let message = format!("{} has the adapter type \"{adapter}\"", output.what);
        reader.error(line, &adapter, message, format!("the one adapter is {ADAPTER}: choose a target of that type"));
        return None;
    }
    reader.warn_of_unknown(&output, OUTPUT_KEYS);
    let mut alias = |names: [&str; 2]| match names.map(|name| output.get(name)) {
        [None, None] => reader.required_text(&output, names[0]),
        [Some(_), Some(second)] => {
            let message = format!("{} has both {} and {}", output.what, names[0], names[1]);
            reader.error(second.line, names[1], message, "keep one of the two");
            None
        }
        [Some(_), None] => reader.text(&output, names[0]),
        [None, Some(_)] => reader.text(&output, names[1]),
    };
    let database = alias(["dbname", "database"]);
    let password = alias(["pass", "password"]);
    let host = reader.required_text(&output, "host");
    let user = reader.required_text(&output, "user");
    let schema = reader.required_text(&output, "schema");
    if output.get("port").is_none() {
        reader.error(output.line, "", format!("{} has no port", output.what), "add a line port: 5432");
    }
    let port = reader.count(&output, "port").and_then(|port| {
        let fits = u16::try_from(port).ok();
        if fits.is_none() {
            reader.error(
                output.line,
                "",
                format!("port {port} of {} does not exist", output.what),
                "ports end at 65535",
            );
        }
        fits
    });
    let threads = reader.count(&output, "threads").unwrap_or(1);
    if threads == 0 {
        reader.error(output.line, "", format!("threads of {} must be at least 1", output.what), "write threads: 4");
    }
    Some(Profile {
        profile_name: profile_name.to_owned(),
        target_name: target_name.to_owned(),
        host: host?,
        port: port?,
        user: user?,
        password: password?,
        database: database?,
        schema: schema?,
        threads: threads.max(1),
        keepalives_idle: reader.count(&output, "keepalives_idle").unwrap_or(0),
        connect_timeout: reader.count(&output, "connect_timeout").unwrap_or(10),
        retries: reader.count(&output, "retries").unwrap_or(1),
        search_path: reader.text(&output, "search_path"),
        role: reader.text(&output, "role"),
        sslmode: reader.text(&output, "sslmode"),
        sslcert: reader.text(&output, "sslcert"),
        sslkey: reader.text(&output, "sslkey"),
        sslrootcert: reader.text(&output, "sslrootcert"),
        application_name: reader.text(&output, "application_name"),
    })
}
