//! `quintile debug`: which project, profile and database a command would use, and whether they answer.

use super::engine::{self, RunOptions};
use super::session::Session;
use super::{Format, Global, print};
use crate::config::libpq::{Connection, Origin};
use crate::error::{Error, Result};
use crate::pipeline::{self, Finding};
use std::process::ExitCode;

#[derive(serde::Serialize)]
struct Fact {
    what: &'static str,
    found: String,
    is_wrong: bool,
}

impl Fact {
    fn new(what: &'static str, found: impl Into<String>) -> Fact {
        Fact { what, found: found.into(), is_wrong: false }
    }
}

/// The parts of the connection, each with the place that it comes from; of the password the place alone.
fn connection_facts(connection: &Connection) -> Vec<Fact> {
    let from = |keyword: &str| connection.origins.get(keyword).unwrap_or(&Origin::Default);
    let fact = |what, keyword: &str, found: &str| Fact::new(what, format!("{found} ({})", from(keyword)));
    let hosts: Vec<&str> = connection.endpoints.iter().map(|endpoint| endpoint.name.as_str()).collect();
    let ports: Vec<String> = connection.endpoints.iter().map(|endpoint| endpoint.port.to_string()).collect();
    let modes: Vec<String> =
        connection.endpoints.iter().map(|endpoint| connection.tls.mode_for(endpoint).to_string()).collect();
    let has_password = connection.endpoints.iter().any(|endpoint| endpoint.password.is_some());
    vec![
        fact("host", "host", &hosts.join(",")),
        fact("port", "port", &ports.join(",")),
        fact("dbname", "dbname", &connection.database),
        fact("user", "user", &connection.user),
        if has_password { fact("password", "password", "given") } else { Fact::new("password", "none") },
        fact("sslmode", "sslmode", &modes.join(",")),
    ]
}

/// Tells the facts, and for a project of our own whether a run would find its rights, sources and columns.
pub async fn run(global: &Global) -> Result<ExitCode> {
    let mut facts = vec![Fact::new("version", env!("CARGO_PKG_VERSION"))];
    let session = if engine::is_dbt_project(global) {
        let (mut settings, project) = engine::read(global, "debug", &RunOptions::default())?;
        let target = &project.world.target;
        facts.push(Fact::new("project", format!("{} in {}", project.project.name, settings.project_dir.display())));
        facts.push(Fact::new("packages", (project.roots.len() - 1).to_string()));
        facts.push(Fact::new("profile", format!("{}, target {}", target.profile_name, target.name)));
        facts.push(Fact::new("schema", target.schema.clone()));
        facts.push(Fact::new("threads", project.threads.to_string()));
        if let Some(connection) = &project.connection {
            settings.database.url = Some(connection.clone());
        }
        Session::open_with(settings).await?
    } else {
        let session = Session::open(global).await?;
        facts.push(Fact::new("project", session.settings.project_dir.display().to_string()));
        facts.push(Fact::new("workspace", session.settings.workspace.clone()));
        session
    };
    facts.push(Fact::new("database", format!("{}, it answers", session.warehouse.address())));
    facts.extend(connection_facts(session.warehouse.connection()));
    let encryption = session.warehouse.encryption().await;
    let looked = if engine::is_dbt_project(global) {
        Ok(Vec::new())
    } else {
        pipeline::preflight(&session.warehouse, &session.settings).await
    };
    session.close().await;
    facts.push(Fact::new("encryption", encryption?));
    let finding = |f: Finding| Fact { what: f.what, found: f.found, is_wrong: f.is_wrong };
    facts.extend(looked?.into_iter().map(finding));
    if global.format == Format::Json {
        print::json(&facts);
    } else {
        let told = |fact: &Fact| format!("{:<10} {}", fact.what, fact.found.replace('\n', "\n           "));
        let lines: Vec<String> = facts.iter().map(told).collect();
        print::data(&lines.join("\n"));
    }
    match facts.iter().filter(|fact| fact.is_wrong).count() {
        0 => Ok(ExitCode::SUCCESS),
        count => Err(Error::failed(format!("a run would fail: {}", print::count(count, "thing")))
            .detail("Each is told above with its next step.")),
    }
}
