//! Sources that are relations of the database: their mappings join the project as staging models.

use super::plan::Plan;
use crate::config::Settings;
use crate::error::{Error, Result};
use crate::ingest::Mapping;
use crate::ingest::mapping::available;
use crate::ingest::relation::{RelationSource, read_model};
use crate::project::name::did_you_mean;
use crate::warehouse::Warehouse;
use std::path::{Path, PathBuf};

/// Folder of the mappings.
pub(super) fn mapping_dir(settings: &Settings) -> PathBuf {
    settings.project_dir.join("config/sources")
}

/// The mappings whose sources are relations. Those of files are left alone: they are read, and judged, by a load.
pub(super) fn relation_sources(settings: &Settings) -> Result<Vec<RelationSource>> {
    let dir = mapping_dir(settings);
    let mut found = Vec::new();
    for name in available(&dir) {
        if is_of_relation(&dir.join(format!("{name}.toml"))) {
            found.extend(RelationSource::of(&name, Mapping::load(&dir, &name)?));
        }
    }
    Ok(found)
}

/// Whether the file has a table `relation`, or would have one if its TOML was well-formed.
fn is_of_relation(path: &Path) -> bool {
    let Ok(text) = std::fs::read_to_string(path) else { return false };
    match text.parse::<toml::Table>() {
        Ok(root) => root.contains_key("relation"),
        Err(_) => text.lines().any(|line| line.trim() == "[relation]"),
    }
}

/// Refuses a run whose relations are not there, or do not have the columns that their mappings read.
pub(super) async fn check(warehouse: &Warehouse, settings: &Settings, plan: &Plan) -> Result<()> {
    for source in relation_sources(settings)? {
        if plan.step(&read_model(&source.name)).is_some() {
            check_one(warehouse, settings, &source).await?;
        }
    }
    Ok(())
}

async fn check_one(warehouse: &Warehouse, settings: &Settings, source: &RelationSource) -> Result<()> {
    let RelationSource { name, mapping, relation } = source;
    let path = mapping_dir(settings).join(format!("{name}.toml"));
    let columns = warehouse.columns_of_relation(&relation.schema, &relation.name).await?;
    if columns.is_empty() {
        return Err(Error::config(format!("relation {} of mapping \"{name}\" is not there", relation.quoted()))
            .detail(format!("The mapping is {}.", path.display()))
            .hint("correct relation.name in the mapping, or create the relation; letters count as they are written"));
    }
    let known = || columns.iter().map(String::as_str);
    let missing: Vec<String> = mapping
        .file_columns()
        .into_iter()
        .filter(|column| !known().any(|there| there == *column))
        .map(|column| match did_you_mean(column, known()) {
            Some(near) => format!("Column \"{column}\" is missing; {near}"),
            None => format!("Column \"{column}\" is missing."),
        })
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    Err(Error::config(format!("relation {} does not fit mapping \"{name}\"", relation.quoted()))
        .detail(format!(
            "The mapping is {}.\n{}\nThe columns of the relation are: {}.",
            path.display(),
            missing.join("\n"),
            columns.join(", ")
        ))
        .hint("correct the names in the mapping"))
}
