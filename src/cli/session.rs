//! What a command works with: settings, and a migrated database, the embedded one if no other is given.

use super::{Global, print};
use crate::config::{Environment, Settings};
use crate::embedded::Embedded;
use crate::error::{Error, Result};
use crate::warehouse::Warehouse;

/// Settings and an open database; must be closed so that an embedded server that we started can stop.
pub struct Session {
    /// Settings with the options of the command line on top.
    pub settings: Settings,
    /// The database, its control tables in place.
    pub warehouse: Warehouse,
    /// The private server, if no other database was given.
    pub embedded: Option<Embedded>,
}

/// Login of BI tools on the embedded server.
pub const BI_LOGIN: &str = "quintile_bi";

/// Reads the settings and puts the options of the command line on top.
pub fn settings(global: &Global) -> Result<Settings> {
    let mut settings = Settings::load_from(&global.project_dir, global.config.as_deref())?;
    if let Some(url) = &global.database_url {
        settings.database.url = Some(url.clone());
    }
    if let Some(workspace) = &global.workspace {
        settings.workspace.clone_from(workspace);
    }
    settings.schemas()?;
    Ok(settings)
}

impl Session {
    /// Opens the database of the settings and brings its control tables up to date.
    pub async fn open(global: &Global) -> Result<Session> {
        Session::open_with(settings(global)?).await
    }

    /// As [`Session::open`], with settings that are read already.
    pub async fn open_with(settings: Settings) -> Result<Session> {
        let embedded = match &settings.database.url {
            Some(_) => None,
            // A private server belongs to a project; made anywhere else it would be lost there.
            None if !settings.project_dir.join("models").is_dir() => {
                return Err(Error::config(format!(
                    "folder \"{}\" is no project: it has no models/",
                    settings.project_dir.display()
                ))
                .hint("run the command in the project's folder, name it with --project-dir, or set DATABASE_URL"));
            }
            None => Some(Embedded::start(&settings).await?),
        };
        let opened = Session::connect(&settings, embedded.as_ref()).await;
        match opened {
            Ok(warehouse) => Ok(Session { settings, warehouse, embedded }),
            Err(e) => {
                if let Some(embedded) = embedded {
                    // The first error is the one to tell.
                    let _ = embedded.stop().await;
                }
                Err(e)
            }
        }
    }

    async fn connect(settings: &Settings, embedded: Option<&Embedded>) -> Result<Warehouse> {
        let warehouse = match (embedded, &settings.database.url) {
            (Some(embedded), _) => {
                // Variables such as PGOPTIONS are meant for another server than our own.
                let alone = Settings { environment: Environment::default(), ..settings.clone() };
                Warehouse::connect(&alone, embedded.url()).await?
            }
            (None, Some(url)) => Warehouse::connect(settings, url).await?,
            (None, None) => unreachable!("without a URL the embedded server was started"),
        };
        for name in warehouse.migrate().await? {
            tracing::debug!(migration = name, "migration applied");
        }
        if let Some(embedded) = embedded {
            warehouse.ensure_bi_login(BI_LOGIN, embedded.bi_password()).await?;
        }
        Ok(warehouse)
    }

    /// Makes the workspace's schemas and raw tables, with its title from the settings.
    pub async fn prepare_workspace(&self) -> Result<()> {
        let title = self.settings.workspaces.get(&self.settings.workspace).and_then(|w| w.title.as_deref());
        self.warehouse.prepare_workspace(title).await
    }

    /// Gives the database back; a server that we started alone stops.
    pub async fn close(self) {
        drop(self.warehouse);
        if let Some(embedded) = self.embedded
            && let Err(e) = embedded.stop().await
        {
            print::note(&e.report());
        }
    }
}
