//! The profile of the raw tables: the SQL of `data_quality_columns` and its twin, asked now and not of the last run.

use super::inline::inlined;
use super::plan::published_context;
use super::read_project::read_project;
use crate::config::Settings;
use crate::error::{Error, Result};
use crate::warehouse::Warehouse;
use crate::warehouse::profile::{ColumnProfile, ProfileSelects};

/// The model whose SELECT is asked of the orders.
const MODEL: &str = "data_quality_columns";

/// The model whose SELECT is asked of the other raw tables; a project of its own may lack it.
const TABLES_MODEL: &str = "data_quality_table_columns";

/// What each column of the raw tables holds, source by source; of one source if it is named.
pub async fn profile(warehouse: &Warehouse, settings: &Settings, source: Option<&str>) -> Result<Vec<ColumnProfile>> {
    let project = read_project(settings)?;
    if !project.models.contains_key(MODEL) {
        return Err(Error::config(format!("project has no model \"{MODEL}\""))
            .detail("Its SQL is what profiles the raw orders.")
            .hint(format!(
                "copy models/marts/{MODEL}.sql and macros/{{profile,quality,sources}}.sql from Quintile's own project"
            )));
    }
    // The columns are those of the raw tables, whatever the instant.
    let context = published_context(&project, warehouse, 0, warehouse.last_midnight().await?);
    let has_tables = project.models.contains_key(TABLES_MODEL);
    let selects = ProfileSelects {
        orders: inlined(&project, MODEL, &context)?,
        tables: has_tables.then(|| inlined(&project, TABLES_MODEL, &context)).transpose()?,
    };
    let found = warehouse.profile(&selects, source).await?;
    match (found.is_empty(), source) {
        (true, Some(source)) => Err(Error::failed(format!("source \"{source}\" has no rows"))
            .hint(format!("load some: quintile ingest FILE --source {source}; without --source all are profiled"))),
        (true, None) => {
            Err(Error::failed("raw tables are empty").hint("load some: quintile ingest FILE --source NAME"))
        }
        _ => Ok(found),
    }
}
