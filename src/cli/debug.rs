//! `quintile debug`: which project, profile and database a command would use, and whether they answer.

use super::engine::{self, RunOptions};
use super::session::Session;
use super::{Format, Global, print};
use crate::error::Result;
use std::process::ExitCode;

#[derive(serde::Serialize)]
struct Fact {
    what: &'static str,
    found: String,
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
    session.close().await;
    if global.format == Format::Json {
        print::json(&facts);
    } else {
        let lines: Vec<String> = facts.iter().map(|fact| format!("{:<10} {}", fact.what, fact.found)).collect();
        print::data(&lines.join("\n"));
    }
    Ok(ExitCode::SUCCESS)
}
