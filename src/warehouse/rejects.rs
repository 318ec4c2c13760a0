//! The rejected rows that are kept: what is wrong with them, and all of one file to try again.

use super::connect::{Client, Warehouse};
use super::entity::Entity;
use super::fault::fault;
use super::load::{LoadedFile, RejectedRow};
use super::statement::fill;
use crate::error::{Error, Result};
use futures_util::{Stream, StreamExt, TryStreamExt};

/// Which rejected rows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RejectsFilter {
    /// Of this source only.
    pub source: Option<String>,
    /// Of this load only.
    pub load_id: Option<i64>,
}

/// Rejected rows that are alike.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct RejectReason {
    /// Name of the source.
    pub source: String,
    /// Column of the file, if it is one.
    pub column: Option<String>,
    /// In words, without values.
    pub reason: String,
    /// How many.
    pub rows: i64,
    /// In how many files.
    pub files: i64,
    /// One of the reasons with its values.
    pub example: String,
}

/// A rejected row as it is kept.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct KeptReject {
    /// Name of the source.
    pub source: String,
    /// Path of the file as it was given.
    pub file_name: String,
    /// Line in the file, from 1, the header included.
    pub line: i64,
    /// Column of the file, if it is one.
    pub column: Option<String>,
    /// Why, in words.
    pub reason: String,
    /// The row's text, cut where it is very long.
    pub raw_text: String,
    /// Number of the load.
    pub load_id: i64,
}

/// A file with rejected rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RejectedFile {
    /// Path of the file as it was given.
    pub file_name: String,
    /// blake3 of its bytes.
    pub checksum: String,
    /// Its bytes.
    pub bytes: u64,
    /// Names of its columns; `None` for a load of an older version, which did not keep them.
    pub header: Option<Vec<String>>,
}

const DOING: &str = "rejected rows cannot be read";

impl Warehouse {
    fn rejects_statement(&self, template: &str) -> String {
        fill(template, &[("raw", &self.schemas.raw)])
    }

    /// What is wrong with the rejected rows, the most frequent first.
    pub async fn reject_reasons(&self, filter: &RejectsFilter) -> Result<Vec<RejectReason>> {
        let client = self.client().await?;
        self.create_raw_tables(&client).await?;
        let asked = self.rejects_statement(include_str!("sql/rejects_reasons.sql"));
        let rows = client.query(&asked, &[&filter.source, &filter.load_id]).await.map_err(|e| fault(DOING, &e))?;
        let reason = |row: &tokio_postgres::Row| RejectReason {
            source: row.get(0),
            column: row.get(1),
            reason: row.get(2),
            rows: row.get(3),
            files: row.get(4),
            example: row.get(5),
        };
        Ok(rows.iter().map(reason).collect())
    }

    /// The rejected rows themselves, at most `limit`.
    pub async fn kept_rejects(&self, filter: &RejectsFilter, limit: i64) -> Result<Vec<KeptReject>> {
        let client = self.client().await?;
        let asked = self.rejects_statement(include_str!("sql/rejects_rows.sql"));
        let rows =
            client.query(&asked, &[&filter.source, &filter.load_id, &limit]).await.map_err(|e| fault(DOING, &e))?;
        let kept = |row: &tokio_postgres::Row| KeptReject {
            source: row.get(0),
            file_name: row.get(1),
            line: row.get(2),
            column: row.get(3),
            reason: row.get(4),
            raw_text: row.get(5),
            load_id: row.get(6),
        };
        Ok(rows.iter().map(kept).collect())
    }

    /// The files of a source that have rejected rows of this raw table.
    pub async fn rejected_files(&self, source: &str, entity: Entity) -> Result<Vec<RejectedFile>> {
        let client = self.client().await?;
        self.create_raw_tables(&client).await?;
        let asked = self.rejects_statement(include_str!("sql/rejects_files.sql"));
        let rows = client.query(&asked, &[&source, &entity.table()]).await.map_err(|e| fault(DOING, &e))?;
        let file = |row: &tokio_postgres::Row| RejectedFile {
            file_name: row.get(0),
            checksum: row.get(1),
            bytes: u64::try_from(row.get::<_, i64>(2)).unwrap_or_default(),
            header: row.get(3),
        };
        Ok(rows.iter().map(file).collect())
    }

    /// The rejected rows of one file and its table as they come, so that their number does not matter.
    pub async fn rejects_of_file(
        &self,
        client: &Client,
        file: &LoadedFile,
    ) -> Result<impl Stream<Item = Result<RejectedRow>> + Send + use<>> {
        let asked = self.rejects_statement(include_str!("sql/rejects_of_file.sql"));
        let rows = client
            .query_raw(&asked, &[&file.source, &file.file_name, &file.entity.table()])
            .await
            .map_err(|e| fault(DOING, &e))?;
        let kept = |row: tokio_postgres::Row| RejectedRow {
            line: row.get(0),
            column: row.get(1),
            reason: row.get(2),
            raw_text: row.get(3),
        };
        Ok(rows.map(move |row| row.map(kept)).map_err(|e| -> Error { fault(DOING, &e) }).boxed())
    }
}
