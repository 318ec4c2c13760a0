//! `quintile ingest --infer`: a mapping for a file, or a relation, that nobody has described yet.

use super::session::Session;
use super::{Global, print};
use crate::error::{Error, Result};
use crate::ingest::infer::{ROWS, propose, propose_relation};
use crate::ingest::mapping::SourceRelation;
use crate::warehouse::Warehouse;
use std::path::PathBuf;
use std::process::ExitCode;

/// Prints a mapping for the one file, or the relation, given.
pub async fn run(global: &Global, files: &[PathBuf], relation: Option<&str>, source: Option<&str>) -> Result<ExitCode> {
    let text = match (files, relation) {
        (_, Some(relation)) => {
            let session = Session::open(global).await?;
            let proposed = of_relation(&session.warehouse, relation, source).await;
            session.close().await;
            proposed?
        }
        ([file], None) => propose(file, source)?,
        _ => {
            return Err(Error::usage("a mapping is inferred from one file").hint(
                "name one file of the source, or a table by --relation; other files are read by the same mapping",
            ));
        }
    };
    print::data(text.trim_end());
    Ok(ExitCode::SUCCESS)
}

async fn of_relation(warehouse: &Warehouse, name: &str, source: Option<&str>) -> Result<String> {
    let relation = SourceRelation::parse(name).ok_or_else(|| {
        Error::usage(format!("\"{name}\" is not the name of a relation"))
            .hint("write it as shop.orders; parts with other signs in double quotes")
    })?;
    let columns = warehouse.columns_of_relation(&relation.schema, &relation.name).await?;
    if columns.is_empty() {
        return Err(Error::config(format!("relation {} is not there", relation.quoted()))
            .hint("letters count as they are written; a name without a schema is one of schema public"));
    }
    let rows = warehouse.sample_relation(&relation.schema, &relation.name, &columns, ROWS).await?;
    Ok(propose_relation(&relation, columns, rows, source))
}
