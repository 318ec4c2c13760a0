//! `quintile debug`: which project, profile and database a command would use, and whether they answer.

use super::engine::{self, RunOptions};
use super::session::Session;
use super::{Format, Global, print};
use crate::config::libpq::{Connection, Origin};
use crate::error::Result;
use std::process::ExitCode;

#[derive(serde::Serialize)]
struct Fact {
    what: &'static str,
    found: String,
}

/// The parts of the connection, each with the place that it comes from; of the password the place alone.
fn connection_facts(connection: &Connection) -> Vec<Fact> {
    let from = |keyword: &str| connection.origins.get(keyword).unwrap_or(&Origin::Default);
    let fact = |what, keyword: &str, found: &str| Fact { what, found: format!("{found} ({})", from(keyword)) };
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
        if has_password {
            fact("password", "password", "given")
        } else {
            Fact { what: "password", found: "none".to_owned() }
        },
        fact("sslmode", "sslmode", &modes.join(",")),
    ]
}

/// Tells the facts one by one; the first that is wrong is an error.
pub async fn run(global: &Global) -> Result<ExitCode> {
    let mut facts = vec![Fact { what: "version", found: env!("CARGO_PKG_VERSION").to_owned() }];
    let session = if engine::is_dbt_project(global) {
        let (mut settings, project) = engine::read(global, "debug", &RunOptions::default())?;
        let target = &project.world.target;
        facts.push(Fact {
            what: "project",
            found: format!("{} in {}", project.project.name, settings.project_dir.display()),
        });
        facts.push(Fact { what: "packages", found: (project.roots.len() - 1).to_string() });
        facts.push(Fact { what: "profile", found: format!("{}, target {}", target.profile_name, target.name) });
        facts.push(Fact { what: "schema", found: target.schema.clone() });
        facts.push(Fact { what: "threads", found: project.threads.to_string() });
        if let Some(connection) = &project.connection {
            settings.database.url = Some(connection.clone());
        }
        Session::open_with(settings).await?
    } else {
        let session = Session::open(global).await?;
        facts.push(Fact { what: "project", found: session.settings.project_dir.display().to_string() });
        facts.push(Fact { what: "workspace", found: session.settings.workspace.clone() });
        session
    };
    facts.push(Fact { what: "database", found: format!("{}, it answers", session.warehouse.address()) });
    facts.extend(connection_facts(session.warehouse.connection()));
    session.close().await;
    if global.format == Format::Json {
        print::json(&facts);
    } else {
        let lines: Vec<String> = facts.iter().map(|fact| format!("{:<10} {}", fact.what, fact.found)).collect();
        print::data(&lines.join("\n"));
    }
    Ok(ExitCode::SUCCESS)
}
