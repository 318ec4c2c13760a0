//! The profile of the raw orders: the SQL of `data_quality_columns`, asked now and not of the last run.

use super::inline::inlined;
use super::plan::published_context;
use super::read_project::read_project;
use crate::config::Settings;
use crate::error::{Error, Result};
use crate::warehouse::Warehouse;
use crate::warehouse::profile::ColumnProfile;

/// The model whose SELECT is asked.
const MODEL: &str = "data_quality_columns";

/// What each column of the raw orders holds, source by source; of one source if it is named.
pub async fn profile(warehouse: &Warehouse, settings: &Settings, source: Option<&str>) -> Result<Vec<ColumnProfile>> {
    let project = read_project(settings)?;
    if !project.models.contains_key(MODEL) {
        return Err(Error::config(format!("project has no model \"{MODEL}\""))
            .detail("Its SQL is what profiles the raw orders.")
            .hint(format!(
                "copy models/marts/{MODEL}.sql, macros/quality.sql and macros/sources.sql from Quintile's own project"
            )));
    }
    // The columns are those of the raw table, whatever the instant.
    let context = published_context(&project, warehouse, 0, warehouse.last_midnight().await?);
    let select = inlined(&project, MODEL, &context)?;
    let found = warehouse.profile(&select, source).await?;
    match (found.is_empty(), source) {
        (true, Some(source)) => Err(Error::failed(format!("source \"{source}\" has no orders"))
            .hint(format!("load some: quintile ingest FILE --source {source}; without --source all are profiled"))),
        (true, None) => {
            Err(Error::failed("there are no raw orders").hint("load some: quintile ingest FILE --source NAME"))
        }
        _ => Ok(found),
    }
}
