//! Erasure of a person: rows, rejected texts and quoted errors go in one transaction, and a tombstone takes their place.

use super::Warehouse;
use super::connect::Transaction;
use super::fault::fault;
use super::fence::{Fence, hold};
use super::patience::Patience;
use super::person::{Person, Place};
use super::statement::{fill, qualified};
use crate::crash_point;
use crate::error::{Error, Kind, Result};
use crate::project::quote_identifier;
use std::time::Duration;

const DOING: &str = "customer cannot be erased";

/// A load may hold the tombstones for as long as it ends; we try again rather than let others queue behind us.
const LIMITS: &str = "SET LOCAL lock_timeout = '5s'; SET LOCAL statement_timeout = 0";

/// How often a table may be dropped under us; more often, a table is missing that should be there.
const TABLES_VANISH: u32 = 5;

/// How often a lost answer to COMMIT is read back, a moment apart.
const READ_BACKS: u32 = 100;

/// What is asked for.
#[derive(Clone, Debug, Default)]
pub struct EraseRequest {
    /// Whom.
    pub person: Person,
    /// Keep the lines of raw orders, without the person.
    pub keep_orders: bool,
    /// Words for the audit log.
    pub reason: Option<String>,
    /// Only count.
    pub is_dry_run: bool,
}

/// What was done to the rows of one table.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct ErasedRows {
    /// Schema and name.
    pub relation: String,
    /// `deleted`, `unlinked` (kept without the person) or `redacted` (text taken out).
    pub action: &'static str,
    /// How many.
    pub rows: u64,
}

/// A column of another name in which the same text was found, and left.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Suspect {
    /// Schema and name.
    pub relation: String,
    /// The column.
    pub column: String,
    /// Rows in which it equals the id.
    pub rows: i64,
}

/// What an erasure did, or would do.
#[derive(Clone, Debug, Default, serde::Serialize)]
pub struct Erasure {
    /// Nothing was changed.
    pub is_dry_run: bool,
    /// The person was erased before.
    pub was_erased: bool,
    /// By table.
    pub erased: Vec<ErasedRows>,
    /// Where the id may still be, under another name.
    pub suspects: Vec<Suspect>,
    /// Schemas of dbt projects, which are not looked at.
    pub not_covered: Vec<String>,
}

impl Erasure {
    /// Rows of all tables.
    #[must_use]
    pub fn row_count(&self) -> u64 {
        self.erased.iter().map(|part| part.rows).sum()
    }
}

impl Warehouse {
    /// Erases a person. The pointers stay: readers see the same runs with fewer rows.
    ///
    /// Loads cannot slip between: they try their rows against the tombstones under a lock that ours waits for.
    pub async fn erase(&self, request: &EraseRequest, fence: &Fence, patience: Duration) -> Result<Erasure> {
        let mut patience = Patience::new(patience, "erase");
        let mut vanished = 0;
        crash_point::reach("erase: begin").await?;
        loop {
            let mut sent = None;
            let error = match self.try_erase(request, fence, &mut sent).await {
                Ok(erasure) => return Ok(erasure),
                Err(e) => e,
            };
            // The answer to COMMIT was lost: what the transaction did is told by the server that did it.
            if error.kind == Kind::Unreachable
                && let Some((number, erasure)) = sent
                && self.took_place(&number, &error).await?
            {
                return Ok(erasure);
            }
            // A table that garbage collection dropped between our look and our statement holds nobody any more.
            let is_gone = error.sqlstate.as_deref() == Some("42P01") && vanished < TABLES_VANISH;
            vanished += u32::from(is_gone);
            patience.again(if is_gone { Error { sqlstate: Some("55P03".into()), ..error } } else { error }).await?;
        }
    }

    /// One try; `sent` tells what a COMMIT would keep, and its number, once it is on its way.
    async fn try_erase(
        &self,
        request: &EraseRequest,
        fence: &Fence,
        sent: &mut Option<(String, Erasure)>,
    ) -> Result<Erasure> {
        let told = |e: tokio_postgres::Error| fault(DOING, &e);
        let person = &request.person;
        let workspace = &self.schemas.workspace;
        let mut client = self.client().await?;
        let transaction = client.transaction().await.map_err(told)?;
        transaction.batch_execute(LIMITS).await.map_err(told)?;
        self.refuse_synthetic(&transaction, person).await?;
        let mut done = Erasure { is_dry_run: request.is_dry_run, ..Erasure::default() };
        let before = transaction
            .query_one(include_str!("sql/person_find_tombstone.sql"), &[workspace, &person.customer_id, &person.source])
            .await
            .map_err(told)?;
        done.was_erased = before.get::<_, Option<chrono::DateTime<chrono::Utc>>>(0).is_some();
        // Before anything is held: a load removes the former rejected rows of its file first, and waits for tombstones
        // later. In the other order each would wait for the other.
        let early = self.redact_rejected(&transaction, person).await?;
        // From here on no load ends before us without the rows that we are about to look for.
        transaction
            .execute(
                include_str!("sql/erase_tombstone.sql"),
                &[workspace, &person.source, &person.customer_id, &request.keep_orders],
            )
            .await
            .map_err(told)?;
        crash_point::reach("erase: tombstone set").await?;
        self.erase_rows(&transaction, request, &mut done).await?;
        let ids = self.ids_of(&transaction, person).await?;
        let alerts =
            transaction.execute(include_str!("sql/erase_alerts.sql"), &[workspace, &ids]).await.map_err(told)?;
        note(&mut done, "quintile.alerts".into(), "deleted", alerts);
        transaction.execute(include_str!("sql/erase_removed.sql"), &[&self.schemas.raw, &ids]).await.map_err(told)?;
        let late = self.redact_rejected(&transaction, person).await?;
        note(&mut done, format!("{}.rejected_rows", self.schemas.raw), "redacted", early + late);
        let row = transaction
            .query_one(include_str!("sql/erase_run_errors.sql"), &[workspace, &person.customer_id])
            .await
            .map_err(told)?;
        let errors = u64::try_from(row.get::<_, i64>(0)).unwrap_or_default();
        note(&mut done, "quintile.runs (errors)".into(), "redacted", errors);
        if done.row_count() == 0 && !done.was_erased {
            return Err(self.unknown_person());
        }
        done.suspects = self.suspects(&transaction, person).await?;
        let schemas = transaction.query(include_str!("sql/erase_not_covered.sql"), &[]).await.map_err(told)?;
        done.not_covered = schemas.iter().map(|row| row.get(0)).collect();
        crash_point::reach("erase: rows erased").await?;
        if request.is_dry_run {
            transaction.rollback().await.map_err(told)?;
            return Ok(done);
        }
        self.audit_erasure(&transaction, request, &done).await?;
        let number: String =
            transaction.query_one(include_str!("sql/erase_transaction_id.sql"), &[]).await.map_err(told)?.get(0);
        // Last: it locks the lease's row, which is renewed meanwhile.
        hold(&transaction, fence).await?;
        crash_point::reach("erase: before commit").await?;
        *sent = Some((number, done.clone()));
        transaction.commit().await.map_err(told)?;
        crash_point::reach("erase: committed").await?;
        Ok(done)
    }

    /// Deletes the person's rows, or unlinks those that are to be kept.
    async fn erase_rows(
        &self,
        transaction: &Transaction<'_>,
        request: &EraseRequest,
        done: &mut Erasure,
    ) -> Result<()> {
        let ids = self.ids_of(transaction, &request.person).await?;
        for place in self.person_places(transaction, &request.person).await? {
            let is_kept = request.keep_orders && place.schema == self.schemas.raw && place.relation == "orders";
            let (action, sql) = if is_kept { ("unlinked", unlink(&place)) } else { ("deleted", delete(&place)) };
            let rows =
                transaction.execute(&sql, &[&ids, &request.person.source]).await.map_err(|e| fault(DOING, &e))?;
            note(done, place.name(), action, rows);
        }
        Ok(())
    }

    /// Takes the words of rejected rows that hold the person; how many they were.
    async fn redact_rejected(&self, transaction: &Transaction<'_>, person: &Person) -> Result<u64> {
        let redact = fill(include_str!("sql/erase_rejected_rows.sql"), &[("raw", &self.schemas.raw)]);
        let redacted = transaction.execute(&redact, &[&person.customer_id, &person.source]).await;
        redacted.map_err(|e| fault(DOING, &e))
    }

    /// An id that was made up stands for people whom nobody knows: to erase it would erase strangers.
    async fn refuse_synthetic(&self, transaction: &Transaction<'_>, person: &Person) -> Result<()> {
        let sql = fill(include_str!("sql/erase_is_synthetic.sql"), &[("raw", &self.schemas.raw)]);
        let row =
            transaction.query_one(&sql, &[&person.customer_id, &person.source]).await.map_err(|e| fault(DOING, &e))?;
        if !row.get::<_, bool>(0) {
            return Ok(());
        }
        Err(Error::usage("customer id is made up: it stands for no person")
            .detail("The source has no customers; such an id gathers order lines of people whom nobody knows.")
            .hint("erase by the order in the source's own system, and load its file again"))
    }

    /// Columns of text that equal the id: nobody said that they hold customers, so they are told and left.
    async fn suspects(&self, transaction: &Transaction<'_>, person: &Person) -> Result<Vec<Suspect>> {
        let told = |e: tokio_postgres::Error| fault("columns that may hold the person cannot be read", &e);
        let (models, named) = person.named();
        let tables = transaction
            .query(include_str!("sql/person_text_columns.sql"), &[&self.person_schemas(), &models, &named])
            .await
            .map_err(told)?;
        let mut suspects = Vec::new();
        for table in tables {
            let (schema, relation): (&str, &str) = (table.get("schema_name"), table.get("relation_name"));
            let columns: Vec<String> = table.get("column_names");
            let equal: Vec<String> =
                columns.iter().map(|column| format!("t.{}::text = $1", quote_identifier(column))).collect();
            let counts: Vec<String> = equal.iter().map(|e| format!("count(*) FILTER (WHERE {e})")).collect();
            let sql = format!(
                "SELECT ARRAY[{}] FROM {} AS t WHERE {}",
                counts.join(", "),
                qualified(schema, relation),
                equal.join(" OR ")
            );
            let row = transaction.query_one(&sql, &[&person.customer_id]).await.map_err(told)?;
            let counts: Vec<i64> = row.get(0);
            let found = columns.into_iter().zip(counts).filter(|(_, rows)| *rows > 0);
            suspects.extend(found.map(|(column, rows)| Suspect {
                relation: format!("{schema}.{relation}"),
                column,
                rows,
            }));
        }
        Ok(suspects)
    }

    /// Who was erased is not told: the log would keep what was to go.
    async fn audit_erasure(&self, transaction: &Transaction<'_>, request: &EraseRequest, done: &Erasure) -> Result<()> {
        let facts = serde_json::json!({
            "source": request.person.source,
            "keep_orders": request.keep_orders,
            "reason": request.reason,
            "erased": done.erased,
        });
        transaction
            .execute(include_str!("sql/audit.sql"), &[&self.schemas.workspace, &"quintile", &"erase", &facts])
            .await
            .map_err(|e| fault(DOING, &e))?;
        Ok(())
    }

    /// Whether the transaction of this number took place; `lost` is told when the server cannot say.
    async fn took_place(&self, number: &str, lost: &Error) -> Result<bool> {
        for _ in 0..READ_BACKS {
            if let Ok(client) = self.client().await
                && let Ok(row) = client.query_one(include_str!("sql/erase_transaction_status.sql"), &[&number]).await
            {
                match row.get::<_, Option<&str>>(0) {
                    Some("committed") => return Ok(true),
                    Some("aborted") => return Ok(false),
                    _ => {}
                }
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        Err(Error::unreachable("erasure may or may not have taken place: the database does not tell")
            .detail(lost.message.clone())
            .hint("run the command again: what is erased already is not found any more"))
    }
}

fn note(done: &mut Erasure, relation: String, action: &'static str, rows: u64) {
    if rows > 0 {
        done.erased.push(ErasedRows { relation, action, rows });
    }
}

fn delete(place: &Place) -> String {
    format!("DELETE FROM {} WHERE {}", place.table(), place.condition())
}

/// The rows stay without the person.
fn unlink(place: &Place) -> String {
    let column = quote_identifier(&place.column);
    format!("UPDATE {} SET {column} = NULL WHERE {}", place.table(), place.condition())
}
