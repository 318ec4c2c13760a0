//! `quintile init`: a new project folder with one model, one seed and one data test, ready to build.

use super::{Global, print};
use crate::error::{Error, Result};
use clap::Args;
use std::path::Path;
use std::process::ExitCode;

/// Arguments of `init`.
#[derive(Args, Debug)]
pub struct Arguments {
    /// Name of the project, and of the folder that is made for it
    #[arg(value_name = "NAME")]
    name: String,
}

/// Files of a new project; `{name}` is its name.
const FILES: [(&str, &str); 7] = [
    ("dbt_project.yml", include_str!("init/dbt_project.yml")),
    ("profiles.yml", include_str!("init/profiles.yml")),
    ("models/customer_orders.sql", include_str!("init/customer_orders.sql")),
    ("models/schema.yml", include_str!("init/schema.yml")),
    ("seeds/raw_orders.csv", include_str!("init/raw_orders.csv")),
    ("tests/orders_are_positive.sql", include_str!("init/orders_are_positive.sql")),
    (".gitignore", "target/\ndbt_packages/\nlogs/\n"),
];

/// Makes the folder; nothing that is there is changed.
pub fn run(global: &Global, arguments: &Arguments) -> Result<ExitCode> {
    let name = &arguments.name;
    let is_plain = name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    if !is_plain {
        return Err(Error::usage(format!("project name \"{name}\" is not a plain lower-case name"))
            .hint("take a letter a-z first, then letters a-z, digits and _"));
    }
    let folder = global.project_dir.join(name);
    if folder.exists() {
        return Err(Error::usage(format!("\"{}\" is there already", folder.display()))
            .hint("choose another name, or remove it first"));
    }
    for (path, text) in FILES {
        write(&folder.join(path), &text.replace("{name}", name))?;
    }
    print::data(&format!(
        "project \"{name}\" is made; next:\n  cd {}\n  export DBT_PASSWORD=...   # see profiles.yml\n  quintile build",
        folder.display()
    ));
    Ok(ExitCode::SUCCESS)
}

fn write(path: &Path, text: &str) -> Result<()> {
    let failed = |e| Error::failed(format!("file \"{}\" cannot be written", path.display())).source(e);
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(failed)?;
    }
    std::fs::write(path, text).map_err(failed)
}
