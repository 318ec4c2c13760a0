//! A model's rows into the store: each run has its own table or view, complete before anybody can see it.

use super::Warehouse;
use super::connect::{Client, Transaction};
use super::fault::{fault, fault_within};
use super::in_place::Limits;
use super::statement::{NOTICE_LOST_CLIENT, fill, splice};
use crate::error::{Error, Result};
use crate::project::{Seed, quote_identifier, quote_literal};
use chrono::{DateTime, Utc};
use futures_util::SinkExt;

/// Columns that every stored table begins with; a model may not bring its own.
const RESERVED: [&str; 2] = ["run_id", "as_of"];

/// What PostgreSQL calls a column that was given no name.
const UNNAMED: &str = "?column?";

/// An index that a model's `config(indexes=[...])` asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Index {
    /// Columns in order.
    pub columns: Vec<String>,
    /// Whether two rows of a run may not be alike in them.
    pub is_unique: bool,
}

/// A table of one run that is filled, indexed and analysed.
#[derive(Clone, Debug)]
pub struct StoredTable {
    /// The partitioned parent that it will join.
    pub parent: String,
    /// Rows in it.
    pub row_count: i64,
    /// Bytes of it and its indexes.
    pub byte_count: i64,
}

/// What a table of a run is filled with, and how.
#[derive(Clone, Copy, Debug)]
pub struct Filling<'a> {
    /// Name of the model.
    pub model: &'a str,
    /// The run's number.
    pub run_id: i64,
    /// The run's instant.
    pub as_of: DateTime<Utc>,
    /// The compiled SELECT.
    pub select: &'a str,
    /// How long its statements may take.
    pub limits: Limits,
    /// Name of the snapshot of the sources, for a SELECT that reads some.
    pub snapshot: Option<&'a str>,
    /// Quoted names of the relations that the template named.
    pub known: &'a [String],
}

/// PostgreSQL bears a SELECT without columns; whoever publishes one has left something out.
fn without_columns(model: &str) -> Error {
    Error::failed(format!("model \"{model}\" has no column"))
        .hint("name what the final SELECT is to give: SELECT customer_id, ...")
}

/// Name of a run's own relation in the store.
#[must_use]
pub fn run_relation(model: &str, run_id: i64) -> String {
    format!("{model}__r{run_id}")
}

impl Warehouse {
    /// Makes the run's own view of a view model.
    pub async fn store_view(&self, client: &Client, model: &str, run_id: i64, select: &str) -> Result<()> {
        let view = run_relation(model, run_id);
        let statement = splice(
            &fill(
                "CREATE OR REPLACE VIEW {schema}.{view} AS\n[select]",
                &[("schema", &self.schemas.store), ("view", &view)],
            ),
            &[("select", select)],
        );
        client.execute(&statement, &[]).await.map_err(|e| fault_within(&failed(model), select, &statement, &e))?;
        if self.stored_columns(client, model, &view).await?.is_empty() {
            return Err(without_columns(model));
        }
        Ok(())
    }

    /// Names and types of a stored relation's columns, in order.
    pub async fn stored_columns(&self, client: &Client, model: &str, relation: &str) -> Result<Vec<(String, String)>> {
        let described = client
            .query(include_str!("sql/describe_table.sql"), &[&self.schemas.store, &relation])
            .await
            .map_err(|e| fault(&failed(model), &e))?;
        Ok(described.iter().map(|row| (row.get(0), row.get(1))).collect())
    }

    /// Fills the run's own table with a SELECT, in a transaction that joins the snapshot of the sources if one is given.
    /// The extended protocol refuses a second statement in it.
    ///
    /// Returns what the SELECT reads besides `filling.known`, as [`Warehouse::hidden_reads`] does.
    pub async fn store_select(&self, client: &mut Client, filling: &Filling<'_>) -> Result<Vec<String>> {
        let model = filling.model;
        let told = |e: &tokio_postgres::Error| fault(&failed(model), e);
        let table = run_relation(model, filling.run_id);
        self.drop_leftover(client, &table).await?;
        let transaction = match filling.snapshot {
            None => client.transaction().await.map_err(|e| told(&e))?,
            Some(snapshot) => joined(client, model, snapshot).await?,
        };
        set_limits(&transaction, filling.limits).await.map_err(|e| told(&e))?;
        let hidden = self.hidden_reads_within(&transaction, filling).await?;
        let statement = splice(
            &fill(include_str!("sql/create_table_as.sql"), &[("schema", &self.schemas.store), ("table", &table)]),
            &[
                ("run_id", &filling.run_id.to_string()),
                ("as_of", &quote_literal(&filling.as_of.to_rfc3339())),
                ("select", filling.select),
            ],
        );
        transaction.execute(&statement, &[]).await.map_err(|e| {
            if e.code() == Some(&tokio_postgres::error::SqlState::DUPLICATE_COLUMN) {
                return fault(&failed(model), &e).hint(format!(
                    "{} are added to every table by Quintile; leave them out, and name each column once",
                    RESERVED.join(" and ")
                ));
            }
            fault_within(&failed(model), filling.select, &statement, &e)
        })?;
        transaction.commit().await.map_err(|e| told(&e))?;
        Ok(hidden)
    }

    /// Fills the run's own table with the rows of a seed file, by COPY.
    pub async fn store_seed(&self, client: &mut Client, seed: &Seed, run_id: i64, as_of: DateTime<Utc>) -> Result<()> {
        let doing = format!("seed \"{}\" failed", seed.name);
        let table = run_relation(&seed.name, run_id);
        self.drop_leftover(client, &table).await?;
        let mut columns = vec![
            format!("run_id bigint NOT NULL DEFAULT {run_id}"),
            format!("as_of timestamptz NOT NULL DEFAULT {}", quote_literal(&as_of.to_rfc3339())),
        ];
        columns.extend(seed.columns.iter().map(|(name, sql_type)| format!("{} {sql_type}", quote_identifier(name))));
        let names: Vec<String> = seed.columns.iter().map(|(name, _)| quote_identifier(name)).collect();
        let place = [("schema", self.schemas.store.as_str()), ("table", table.as_str())];
        let create =
            splice(&fill("CREATE TABLE {schema}.{table} ([columns])", &place), &[("columns", &columns.join(", "))]);
        let copy = splice(
            &fill("COPY {schema}.{table} ([columns]) FROM STDIN WITH (FORMAT csv, HEADER true)", &place),
            &[("columns", &names.join(", "))],
        );
        let transaction = client.transaction().await.map_err(|e| fault(&doing, &e))?;
        transaction.execute(&create, &[]).await.map_err(|e| fault(&doing, &e))?;
        let sink = transaction.copy_in(&copy).await.map_err(|e| fault(&doing, &e))?;
        futures_util::pin_mut!(sink);
        sink.send(seed.text.clone().into()).await.map_err(|e| fault(&doing, &e))?;
        sink.finish().await.map_err(|e| fault(&doing, &e).hint(format!("correct {}", seed.path)))?;
        transaction.commit().await.map_err(|e| fault(&doing, &e))
    }

    /// Makes a filled table ready to be published: run check, indexes, statistics, and its parent.
    pub async fn finish_table(
        &self,
        client: &Client,
        model: &str,
        run_id: i64,
        indexes: &[Index],
    ) -> Result<StoredTable> {
        let columns = self.check_run_table(client, model, run_id, indexes).await?;
        let parent = parent_name(model, &columns, indexes);
        let table = run_relation(model, run_id);
        let place = [("schema", self.schemas.store.as_str()), ("table", table.as_str()), ("parent", parent.as_str())];
        execute(client, model, &fill(include_str!("sql/create_parent.sql"), &place)).await?;
        self.index_both(client, model, &parent, &table, indexes).await?;
        self.measured(client, model, parent, &table).await
    }

    /// Marks a filled table as one of its run; its columns, once they are found to be usable.
    pub(super) async fn check_run_table(
        &self,
        client: &Client,
        model: &str,
        run_id: i64,
        indexes: &[Index],
    ) -> Result<Vec<(String, String)>> {
        let store = &self.schemas.store;
        let table = run_relation(model, run_id);
        let place = [("schema", store.as_str()), ("table", table.as_str())];
        let check = splice(
            &fill(include_str!("sql/add_run_check.sql"), &place),
            &[
                ("run_id", &run_id.to_string()),
                ("constraint", &quote_identifier(&format!("{table}_run"))),
                ("kept", &self.keep_runs.max(1).to_string()),
            ],
        );
        execute(client, model, &check).await?;
        let columns = self.stored_columns(client, model, &table).await?;
        if columns.iter().all(|(name, _)| RESERVED.contains(&name.as_str())) {
            return Err(without_columns(model));
        }
        if columns.iter().any(|(name, _)| name == UNNAMED) {
            return Err(Error::failed(format!("model \"{model}\" has a column without a name"))
                .hint("name every expression of the final SELECT: count(*) AS orders"));
        }
        indexes.iter().try_for_each(|index| check_columns(model, index, &columns))?;
        Ok(columns)
    }

    /// Makes the indexes on a run's table and on the one that its rows will belong to.
    pub(super) async fn index_both(
        &self,
        client: &Client,
        model: &str,
        parent: &str,
        table: &str,
        indexes: &[Index],
    ) -> Result<()> {
        for (number, index) in indexes.iter().enumerate() {
            for relation in [parent, table] {
                execute(client, model, &create_index(&self.schemas.store, relation, number, index)).await?;
            }
        }
        Ok(())
    }

    /// Gathers statistics of a run's table, and tells how large it is.
    pub(super) async fn measured(
        &self,
        client: &Client,
        model: &str,
        parent: String,
        table: &str,
    ) -> Result<StoredTable> {
        let store = &self.schemas.store;
        let place = [("schema", store.as_str()), ("table", table)];
        execute(client, model, &fill("ANALYZE {schema}.{table}", &place)).await?;
        let measured = client
            .query_one(
                &fill("SELECT count(*), pg_total_relation_size($1::text::regclass) FROM {schema}.{table}", &place),
                &[&super::statement::qualified(store, table)],
            )
            .await
            .map_err(|e| fault(&failed(model), &e))?;
        Ok(StoredTable { parent, row_count: measured.get(0), byte_count: measured.get(1) })
    }

    /// A retried build of the same run finds the table of its first try, and on it the run's own views, if a process
    /// died after it made them: they are made anew after their table. Nobody else builds on a table that is not shown.
    pub(super) async fn drop_leftover(&self, client: &Client, table: &str) -> Result<()> {
        let place = [("schema", self.schemas.store.as_str()), ("table", table)];
        let drop = fill("DROP TABLE IF EXISTS {schema}.{table} CASCADE", &place);
        client.batch_execute(&drop).await.map_err(|e| fault(&format!("table \"{table}\" cannot be replaced"), &e))
    }
}

/// Begins a transaction that sees the sources as the run's snapshot of them does.
pub(super) async fn joined<'c>(client: &'c mut Client, model: &str, snapshot: &str) -> Result<Transaction<'c>> {
    client.join_snapshot(snapshot).await.map_err(|e| match e.code() {
        // No fault of the model, and no other try of it would help: the run begins anew.
        Some(&tokio_postgres::error::SqlState::INVALID_PARAMETER_VALUE) => {
            Error::unreachable(format!("{}: the snapshot of the sources is gone", failed(model)))
                .detail("The connection that held it was lost.")
        }
        _ => fault(&failed(model), &e),
    })
}

/// Bounds the statements of a transaction, whatever the role's own settings say; they end when we are gone.
pub(super) async fn set_limits(
    transaction: &Transaction<'_>,
    limits: Limits,
) -> std::result::Result<(), tokio_postgres::Error> {
    transaction.batch_execute(NOTICE_LOST_CLIENT).await?;
    for (name, time) in [("statement_timeout", limits.statement), ("lock_timeout", limits.lock)] {
        if let Some(time) = time {
            transaction.batch_execute(&format!("SET LOCAL {name} = {}", time.as_millis())).await?;
        }
    }
    Ok(())
}

pub(super) fn failed(model: &str) -> String {
    format!("model \"{model}\" failed")
}

/// Runs a statement of ours, which ends when we are gone: both are one message, and so one transaction.
pub(super) async fn execute(client: &Client, model: &str, statement: &str) -> Result<()> {
    let sent = format!("{NOTICE_LOST_CLIENT};\n{statement}");
    client.batch_execute(&sent).await.map_err(|e| fault_within(&failed(model), statement, &sent, &e))
}

/// `rfm_scores__1f2e3d4c`: the model and a hash of what its table looks like.
fn parent_name(model: &str, columns: &[(String, String)], indexes: &[Index]) -> String {
    format!("{model}__{}", shape_of(columns, indexes))
}

/// Eight hexadecimal digits of what a table looks like.
pub(super) fn shape_of(columns: &[(String, String)], indexes: &[Index]) -> String {
    let mut hasher = blake3::Hasher::new();
    for (name, sql_type) in columns {
        hasher.update(format!("{name} {sql_type}\n").as_bytes());
    }
    for index in indexes {
        hasher.update(format!("{} {}\n", index.columns.join(","), index.is_unique).as_bytes());
    }
    hasher.finalize().to_hex()[..8].to_owned()
}

/// Unique indexes of partitioned tables must hold the partition key, so the run's number comes last in them.
fn create_index(store: &str, relation: &str, number: usize, index: &Index) -> String {
    let mut columns: Vec<String> = index.columns.iter().map(|name| quote_identifier(name)).collect();
    if index.is_unique {
        columns.push(quote_identifier("run_id"));
    }
    let name = format!("{relation}_i{}", number + 1);
    splice(
        &fill(
            "CREATE [unique] INDEX IF NOT EXISTS {name} ON {schema}.{relation} ([columns])",
            &[("name", &name), ("schema", store), ("relation", relation)],
        ),
        &[("unique", if index.is_unique { "UNIQUE" } else { "" }), ("columns", &columns.join(", "))],
    )
}

fn check_columns(model: &str, index: &Index, columns: &[(String, String)]) -> Result<()> {
    match index.columns.iter().find(|wanted| columns.iter().all(|(name, _)| name != *wanted)) {
        None => Ok(()),
        Some(missing) => {
            Err(Error::failed(format!("model \"{model}\" has an index on column \"{missing}\", which it has not"))
                .detail(format!(
                    "The columns are: {}.",
                    columns.iter().map(|(n, _)| n.as_str()).collect::<Vec<_>>().join(", ")
                )))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parent_changes_with_the_shape_and_with_nothing_else() {
        let columns = vec![("run_id".to_owned(), "bigint".to_owned()), ("a".to_owned(), "text".to_owned())];
        let index = Index { columns: vec!["a".into()], is_unique: true };
        let name = parent_name("m", &columns, std::slice::from_ref(&index));
        assert_eq!(name, parent_name("m", &columns, std::slice::from_ref(&index)));
        assert_ne!(name, parent_name("m", &columns, &[]));
        assert_ne!(name, parent_name("m", &columns[..1], &[index]));
        assert_eq!(name.len(), "m__".len() + 8);
    }

    #[test]
    fn a_unique_index_ends_with_the_partition_key() {
        let index = Index { columns: vec!["customer_id".into()], is_unique: true };
        assert_eq!(
            create_index("s", "t__r1", 0, &index),
            "CREATE UNIQUE INDEX IF NOT EXISTS \"t__r1_i1\" ON \"s\".\"t__r1\" (\"customer_id\", \"run_id\")"
        );
    }
}
