//! `quintile deps`: shows which packages the project takes, and from where; nothing is fetched.

use super::{Format, Global, engine, print};
use crate::error::Result;
use std::process::ExitCode;

#[derive(serde::Serialize)]
struct Item {
    name: String,
    version: String,
    folder: String,
}

/// Lists the packages; one that is missing is an error.
pub fn run(global: &Global) -> Result<ExitCode> {
    let packages = engine::packages(global)?;
    let items: Vec<Item> = packages
        .into_iter()
        .map(|(project, folder)| Item {
            name: project.name,
            version: project.version.unwrap_or_default(),
            folder: folder.display().to_string(),
        })
        .collect();
    if items.is_empty() && global.format == Format::Text {
        print::note("the project takes no packages");
        return Ok(ExitCode::SUCCESS);
    }
    print::rows(global.format, &items, &["package", "version", "folder"], |item| {
        vec![item.name.clone(), item.version.clone(), item.folder.clone()]
    });
    Ok(ExitCode::SUCCESS)
}
