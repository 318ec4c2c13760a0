//! A generated shop into the database: its files go the way of all files, its truth beside them.

use super::GeneratedFile;
use crate::error::Result;
use crate::ingest::{IngestRequest, LoadReport, Progress, ingest};
use crate::warehouse::Warehouse;
use std::path::Path;

/// Mappings by table; all of them name the source `generated`.
const MAPPINGS: [(&str, &str); 5] = [
    ("orders", "generated"),
    ("customers", "generated_customers"),
    ("products", "generated_products"),
    ("campaigns", "generated_campaigns"),
    ("campaign_members", "generated_campaign_members"),
];

/// Loads CSV files that were written by [`super::write`] into the raw tables of the warehouse's workspace; `mapping_dir` is
/// the project's folder of mappings. The truth comes last, so that it is never that of another shop than the rows.
/// `progress` is told the table with each step.
pub async fn load(
    warehouse: &Warehouse,
    files: &[GeneratedFile],
    mapping_dir: &Path,
    progress: &mut (dyn FnMut(&'static str, Progress) + Send),
) -> Result<Vec<LoadReport>> {
    let mut reports = Vec::new();
    for (table, mapping) in MAPPINGS {
        let Some(file) = files.iter().find(|file| file.table == table) else { continue };
        // A shop without campaigns has a file without members.
        let request = IngestRequest {
            file: file.path.clone(),
            source: mapping.into(),
            mapping_dir: mapping_dir.into(),
            max_rejects: Some(crate::ingest::Limit::Rows(0)),
            allow_empty: true,
        };
        reports.push(ingest(warehouse, &request, &mut |step| progress(table, step)).await?);
    }
    let truth: Vec<_> = files
        .iter()
        .filter(|file| file.table.starts_with("truth_"))
        .map(|file| (file.table.to_owned(), file.path.clone()))
        .collect();
    warehouse.replace_generated_truth(&truth).await?;
    Ok(reports)
}
