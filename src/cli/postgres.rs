//! `quintile postgres`: the embedded server by hand: start it to stay, stop it, see it, reach it.

use super::session;
use super::{Format, Global, print};
use crate::embedded::{self, Embedded};
use crate::error::Result;
use clap::Subcommand;
use std::process::ExitCode;

/// Subcommands of `postgres`.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Start the server and leave it running
    Start,
    /// Stop the server, whoever uses it
    Stop,
    /// Tell whether it runs, where, and on which data
    Status,
    /// Print the connection URL with its password, for psql: psql "$(quintile postgres url)"
    Url,
}

/// Does what the subcommand says.
pub async fn run(global: &Global, command: Command) -> Result<ExitCode> {
    let mut settings = session::settings(global)?;
    match command {
        Command::Start => {
            settings.embedded.stay = true;
            let server = Embedded::start(&settings).await?;
            let text = format!("embedded PostgreSQL runs on 127.0.0.1:{}", server.port());
            result(global.format, &text, &serde_json::json!({ "running": true, "port": server.port() }));
            server.stop().await?;
        }
        Command::Stop => {
            let was_running = embedded::shut_down(&settings).await?;
            print::data(if was_running {
                "embedded PostgreSQL stopped"
            } else {
                "embedded PostgreSQL was not running"
            });
        }
        Command::Status => {
            let status = embedded::status(&settings);
            match global.format {
                Format::Json => print::json(&status),
                Format::Text => {
                    let folder =
                        status.folder.map_or_else(|| "nothing made yet".to_owned(), |f| f.display().to_string());
                    let state = match (status.running, status.port) {
                        (true, Some(port)) => format!("running on 127.0.0.1:{port}"),
                        (true, None) => "running".to_owned(),
                        _ => "not running".to_owned(),
                    };
                    print::data(&format!("{state}; data in {folder}"));
                }
            }
        }
        Command::Url => {
            let server = Embedded::start(&settings).await?;
            result(global.format, server.url(), &serde_json::json!({ "url": server.url() }));
            server.stop().await?;
            if !embedded::status(&settings).running {
                print::note("note: the server stopped again with this command; quintile postgres start keeps it up");
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// One result, as a line for people or as JSON for programs.
fn result(format: Format, text: &str, value: &serde_json::Value) {
    match format {
        Format::Json => print::json(value),
        Format::Text => print::data(text),
    }
}
