//! The truth of a generated shop, beside its raw tables: what estimates are judged by.

use super::connect::Warehouse;
use super::copy::Transaction;
use super::fault::fault;
use super::raw_tables::lock;
use super::statement::{fill, qualified};
use crate::crash_point;
use crate::error::{Error, Result};
use bytes::Bytes;
use futures_util::SinkExt;
use std::path::{Path, PathBuf};
use tokio::io::AsyncReadExt;

/// Name of a truth file and the statement that makes its table, which is named `generated_` and the file's name.
const TABLES: [(&str, &str); 4] = [
    ("truth_customers", include_str!("sql/create_generated_truth_customers.sql")),
    ("truth_campaigns", include_str!("sql/create_generated_truth_campaigns.sql")),
    ("truth_channels", include_str!("sql/create_generated_truth_channels.sql")),
    ("truth_parameters", include_str!("sql/create_generated_truth_parameters.sql")),
];
/// Bytes that are sent at once.
const PIECE: usize = 1 << 18;

impl Warehouse {
    /// Replaces the truth in the raw schema by these CSV files, named by their tables; all of it in one transaction.
    ///
    /// # Errors
    /// A file that is none of the truth, or does not fit; then the former truth stays.
    pub async fn replace_generated_truth(&self, files: &[(String, PathBuf)]) -> Result<()> {
        let client = self.client().await?;
        let doing = "truth of the generated shop cannot be written";
        let raw = self.schemas.raw.as_str();
        let transaction = Transaction::begin(&client).await?;
        // Two at once would both make the tables, or mix their shops.
        lock(&client, &format!("quintile generated truth {raw}")).await?;
        for (name, path) in files {
            let Some((_, create)) = TABLES.iter().find(|(known, _)| known == name) else {
                return Err(Error::failed(format!("file \"{}\" is no truth", path.display())));
            };
            let table = format!("generated_{name}");
            let names = [("raw", raw), ("table", table.as_str())];
            client.batch_execute(&fill(create, &names)).await.map_err(|e| fault(doing, &e))?;
            let delete = format!("DELETE FROM {}", qualified(raw, &table));
            client.batch_execute(&delete).await.map_err(|e| fault(doing, &e))?;
            crash_point::reach("truth emptied").await?;
            let sink = client.copy_in(&fill(include_str!("sql/copy_generated_truth.sql"), &names)).await;
            let mut sink = Box::pin(sink.map_err(|e| fault(doing, &e))?);
            let mut reader = Reader::open(path).await?;
            while let Some(piece) = reader.next().await? {
                sink.feed(piece).await.map_err(|e| fault(doing, &e))?;
            }
            sink.as_mut().finish().await.map_err(|e| fault(doing, &e))?;
            crash_point::reach("truth copied").await?;
        }
        transaction.commit().await?;
        crash_point::reach("truth committed").await
    }
}

/// A file, piece by piece.
struct Reader<'a> {
    file: tokio::fs::File,
    path: &'a Path,
}

impl Reader<'_> {
    async fn open(path: &Path) -> Result<Reader<'_>> {
        let file = tokio::fs::File::open(path).await.map_err(|e| unreadable(path, e))?;
        Ok(Reader { file, path })
    }

    async fn next(&mut self) -> Result<Option<Bytes>> {
        let mut piece = vec![0; PIECE];
        let count = self.file.read(&mut piece).await.map_err(|e| unreadable(self.path, e))?;
        piece.truncate(count);
        Ok((count > 0).then(|| Bytes::from(piece)))
    }
}

fn unreadable(path: &Path, error: std::io::Error) -> Error {
    Error::failed(format!("file \"{}\" cannot be read", path.display())).source(error)
}
