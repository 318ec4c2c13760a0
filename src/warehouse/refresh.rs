//! Refreshing a table: the rows of the run before for what did not change, and the SELECT for the keys that did.
//!
//! All of it is one transaction: which keys changed, what the SELECT reads narrowed to them, the new rows. The changed keys
//! stay in the store beside the table, for the models that read it; they go with the run's other tables.

use super::Warehouse;
use super::connect::{Client, Transaction};
use super::fault::{fault, fault_within};
use super::materialize::{Filling, failed, run_relation, set_limits};
use super::statement::{fill, qualified, splice};
use crate::error::Result;
use crate::project::{quote_identifier, quote_literal};

/// Beyond this share of all keys, making everything anew is cheaper than comparing.
const MOST_CHANGED: f64 = 0.25;

/// Rows of a table that is read whole, up to which it is compared with the one before.
pub const SMALL_TABLE: i64 = 100_000;

/// Which keys may have other rows than before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Changes {
    /// Those in a table of the keys of order lines.
    KeysOfLines(String),
    /// Each line of two tables is a key of its own: lines that came, and lines that went.
    Lines {
        /// Table of those that came.
        came: String,
        /// Table of those that went.
        went: String,
    },
    /// Those in the table of changed keys of a model of this run.
    OfModel(String),
    /// Those whose rows differ between two tables of the store.
    Between(String, String),
}

/// What the SELECT reads in place of whole relations, there while the refresh lasts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Narrowed {
    /// The rows of a relation that belong to the changed keys.
    Table {
        /// Name in the store.
        table: String,
        /// Quoted relation.
        relation: String,
    },
    /// A view over such tables, or over order lines that were collected.
    View {
        /// Name in the store.
        view: String,
        /// Its SELECT.
        select: String,
    },
    /// The collected lines as the run before saw them.
    Then {
        /// Name in the store.
        view: String,
        /// Table of the lines that are there.
        lines: String,
        /// Table of those that were updated or went.
        removed: String,
        /// The keys that the lines are collected by, and their table; none where lines are keys of their own.
        keys: Option<(String, String)>,
    },
}

/// How the new rows come about.
#[derive(Clone, Debug)]
pub enum Renewal {
    /// The rows of a key are made from that key's rows alone.
    Keys {
        /// The SELECT over narrowed tables.
        select: String,
    },
    /// Sums over keys: the columns of `group_by` are groups, all others sums.
    Sums {
        /// Columns of the groups.
        group_by: Vec<String>,
        /// The SELECT over what the changed keys had before.
        before: String,
        /// The same over what they have now.
        now: String,
    },
}

/// All that a refresh needs to know.
#[derive(Clone, Debug)]
pub struct Refreshing {
    /// Table of the run before, in the store.
    pub former: String,
    /// Column of the key; empty where each order line is one.
    pub key: String,
    /// Which keys changed; together.
    pub changes: Vec<Changes>,
    /// Tables that are read whole, before and now: they must hold the same rows.
    pub same: Vec<(String, String)>,
    /// Narrowed relations to make, in order.
    pub narrowed: Vec<Narrowed>,
    /// How the new rows come about.
    pub renewal: Renewal,
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refreshed {
    /// The table is filled.
    Done {
        /// How many keys had changed.
        changed_keys: i64,
    },
    /// Nothing was made: the table has to be made anew, for this reason.
    Refused(String),
}

/// Name of the table of a model's changed keys.
#[must_use]
pub fn keys_relation(model: &str, run_id: i64) -> String {
    run_relation(&format!("{model}__keys"), run_id)
}

/// Name of the table of the rows that a model's changed keys had before.
#[must_use]
pub fn before_relation(model: &str, run_id: i64) -> String {
    run_relation(&format!("{model}__was"), run_id)
}

/// Name of the table of the rows that they have now.
#[must_use]
pub fn now_relation(model: &str, run_id: i64) -> String {
    run_relation(&format!("{model}__now"), run_id)
}

impl Warehouse {
    /// Whether an earlier attempt at the run has left the changed keys of a model.
    pub async fn has_changed_keys(&self, model: &str, run_id: i64) -> Result<bool> {
        let client = self.client().await?;
        let table = qualified(&self.schemas.store, &keys_relation(model, run_id));
        let row = client.query_one("SELECT to_regclass($1::text) IS NOT NULL", &[&table]).await;
        Ok(row.map_err(|e| fault("the store cannot be read", &e))?.get(0))
    }

    /// Whether it can be told which order lines went since a snapshot.
    pub async fn orders_are_followed(&self, seen: &str) -> Result<bool> {
        let client = self.client().await?;
        let asked = self.with_noted(include_str!("sql/orders_are_followed.sql"));
        let row = client.query_one(&asked, &[&self.schemas.raw, &seen]).await;
        Ok(row.map_err(|e| fault("changes of orders cannot be read", &e))?.get(0))
    }

    /// Notes in which snapshot the run saw its sources.
    pub async fn note_sources_seen(&self, run_id: i64, seen: &str) -> Result<()> {
        self.ledger(&self.with_noted(include_str!("sql/note_sources_seen.sql")), &[&run_id, &seen]).await
    }

    /// The statement with the condition that lines which go are noted.
    fn with_noted(&self, template: &str) -> String {
        let noted = include_str!("sql/removals_are_noted.sql").trim_end();
        let noted = splice(noted, &[("raw_name", &quote_literal(&self.schemas.raw))]);
        splice(template, &[("removals_are_noted", &noted)])
    }

    /// Fills the run's own table of a model from that of the run before; `filling` is as for [`Warehouse::store_select`].
    pub async fn refresh_table(
        &self,
        client: &mut Client,
        filling: &Filling<'_>,
        refreshing: &Refreshing,
    ) -> Result<Refreshed> {
        let told = |e: &tokio_postgres::Error| fault(&failed(filling.model), e);
        let (table, keys) = (run_relation(filling.model, filling.run_id), keys_relation(filling.model, filling.run_id));
        let (was, now) = (before_relation(filling.model, filling.run_id), now_relation(filling.model, filling.run_id));
        for leftover in [&table, &keys, &was, &now] {
            self.drop_leftover(client, leftover).await?;
        }
        // Not in the snapshot of the sources: order lines were collected within it, and from there on it would not show them.
        let transaction = client.transaction().await.map_err(|e| told(&e))?;
        set_limits(&transaction, filling.limits).await.map_err(|e| told(&e))?;
        let work = Work { warehouse: self, transaction: &transaction, filling, refreshing, table, keys, was, now };
        let refreshed = work.done().await?;
        match refreshed {
            Refreshed::Done { .. } => transaction.commit().await.map_err(|e| told(&e))?,
            Refreshed::Refused(_) => transaction.rollback().await.map_err(|e| told(&e))?,
        }
        Ok(refreshed)
    }
}

struct Work<'a> {
    warehouse: &'a Warehouse,
    transaction: &'a Transaction<'a>,
    filling: &'a Filling<'a>,
    refreshing: &'a Refreshing,
    table: String,
    keys: String,
    was: String,
    now: String,
}

impl Work<'_> {
    async fn done(&self) -> Result<Refreshed> {
        for (before, now) in &self.refreshing.same {
            if !self.are_same(before, now).await? {
                return Ok(Refreshed::Refused(format!("{now} is not what {before} was")));
            }
        }
        let changed_keys = self.collect_keys().await?;
        if changed_keys as f64 > MOST_CHANGED * self.all_keys().await? {
            return Ok(Refreshed::Refused(format!("{changed_keys} keys have changed")));
        }
        self.narrow().await?;
        let columns = self.columns(&self.refreshing.former).await?;
        let place = self.place();
        self.execute(&fill("CREATE TABLE {schema}.{table} (LIKE {schema}.{former})", &place)).await?;
        let own = &columns[2..];
        match &self.refreshing.renewal {
            Renewal::Keys { select } => {
                let statements = [
                    self.fill_keys(include_str!("sql/refresh_now.sql"), own, select),
                    self.fill_keys(include_str!("sql/refresh_was.sql"), own, select),
                    self.fill_keys(include_str!("sql/refresh_keys.sql"), own, select),
                ];
                for statement in &statements {
                    self.execute(statement).await?;
                }
                // Who reads the table is refreshed from these.
                self.execute(&fill("ANALYZE {schema}.{now}", &self.place())).await?;
                self.execute(&fill("ANALYZE {schema}.{was}", &self.place())).await?;
            }
            Renewal::Sums { group_by, before, now } => {
                self.execute(&self.fill_sums(own, group_by, before, now)).await?;
            }
        }
        for narrowed in self.refreshing.narrowed.iter().rev() {
            let (drop, name) = match narrowed {
                Narrowed::Table { table, .. } => ("DROP TABLE {schema}.{name}", table),
                Narrowed::View { view, .. } | Narrowed::Then { view, .. } => ("DROP VIEW {schema}.{name}", view),
            };
            self.execute(&fill(drop, &[("schema", self.warehouse.schemas.store.as_str()), ("name", name)])).await?;
        }
        Ok(Refreshed::Done { changed_keys })
    }

    fn place(&self) -> [(&str, &str); 6] {
        [
            ("schema", &self.warehouse.schemas.store),
            ("table", &self.table),
            ("keys", &self.keys),
            ("former", &self.refreshing.former),
            ("was", &self.was),
            ("now", &self.now),
        ]
    }

    /// Makes the table of changed keys; how many there are.
    async fn collect_keys(&self) -> Result<i64> {
        let key = quote_identifier(&self.refreshing.key);
        let mut parts = Vec::new();
        for changes in &self.refreshing.changes {
            parts.push(match changes {
                Changes::KeysOfLines(table) => {
                    format!("SELECT line_key AS {key} FROM {}", qualified(&self.warehouse.schemas.store, table))
                }
                Changes::Lines { came, went } => {
                    let store = self.warehouse.schemas.store.as_str();
                    let place = [("schema", store), ("came", came.as_str()), ("went", went.as_str())];
                    let asked =
                        "SELECT (SELECT count(*) FROM {schema}.{came}) + (SELECT count(*) FROM {schema}.{went})";
                    let count = self.transaction.query_one(&fill(asked, &place), &[]).await;
                    return Ok(count.map_err(|e| fault(&failed(self.filling.model), &e))?.get(0));
                }
                Changes::OfModel(model) => {
                    let table = keys_relation(model, self.filling.run_id);
                    format!("SELECT {key} FROM {}", qualified(&self.warehouse.schemas.store, &table))
                }
                Changes::Between(before, now) => self.between(before, now, &key).await?,
            });
        }
        if parts.is_empty() {
            parts.push(format!("SELECT NULL::text AS {key} WHERE false"));
        }
        let select = parts.join("\nUNION\n");
        let create = include_str!("sql/create_keys.sql");
        self.execute(&splice(&fill(create, &self.place()), &[("key", &key), ("select", &select)])).await?;
        self.execute(&fill("ANALYZE {schema}.{keys}", &self.place())).await?;
        let count = self.transaction.query_one(&fill("SELECT count(*) FROM {schema}.{keys}", &self.place()), &[]).await;
        Ok(count.map_err(|e| fault(&failed(self.filling.model), &e))?.get(0))
    }

    async fn between(&self, before: &str, now: &str, key: &str) -> Result<String> {
        let columns = self.columns(now).await?;
        let of = |alias: &str| {
            columns[2..]
                .iter()
                .map(|(name, _)| format!("{alias}.{}", quote_identifier(name)))
                .collect::<Vec<_>>()
                .join(", ")
        };
        let place = [("schema", self.warehouse.schemas.store.as_str()), ("before", before), ("now", now)];
        let parts = [("key", key), ("before_columns", &of("b")), ("now_columns", &of("n"))];
        Ok(splice(&fill(include_str!("sql/compare_by_key.sql"), &place), &parts))
    }

    /// How many keys there are in all, by the statistics of the table before; none known is no limit.
    async fn all_keys(&self) -> Result<f64> {
        let asked = include_str!("sql/count_keys.sql");
        let Refreshing { former, key, .. } = self.refreshing;
        let row = self.transaction.query_opt(asked, &[&self.warehouse.schemas.store, former, key]).await;
        let row = row.map_err(|e| fault(&failed(self.filling.model), &e))?;
        Ok(row.map_or(f64::INFINITY, |row| row.get(0)))
    }

    async fn narrow(&self) -> Result<()> {
        let (key, store) = (quote_identifier(&self.refreshing.key), self.warehouse.schemas.store.as_str());
        for narrowed in &self.refreshing.narrowed {
            match narrowed {
                Narrowed::Table { table, relation } => {
                    let place = [("schema", store), ("table", table.as_str()), ("keys", self.keys.as_str())];
                    let create = fill(include_str!("sql/narrow_to_keys.sql"), &place);
                    self.execute(&splice(&create, &[("relation", relation), ("key", &key)])).await?;
                    self.execute(&fill("ANALYZE {schema}.{table}", &place)).await?;
                }
                Narrowed::View { view, select } => {
                    let create = fill("CREATE VIEW {schema}.{view} AS\n[select]", &[("schema", store), ("view", view)]);
                    self.execute(&splice(&create, &[("select", select)])).await?;
                }
                Narrowed::Then { view, lines, removed, keys } => {
                    let place = [("schema", store), ("lines", lines), ("removed", removed), ("then", view)];
                    let create = fill(include_str!("sql/lines_that_were_there.sql"), &place);
                    let of_keys = keys.as_ref().map_or_else(String::new, |(line_key, table)| {
                        let keys =
                            fill("SELECT k.line_key FROM {schema}.{keys} AS k", &[("schema", store), ("keys", table)]);
                        format!("WHERE {line_key} IN ({keys})")
                    });
                    self.execute(&splice(&create, &[("of_keys", &of_keys)])).await?;
                }
            }
        }
        Ok(())
    }

    /// Whether two small tables hold the same rows; tables of other columns do not.
    async fn are_same(&self, before: &str, now: &str) -> Result<bool> {
        let (columns, former) = (self.columns(now).await?, self.columns(before).await?);
        if columns != former {
            return Ok(false);
        }
        let names: Vec<String> = columns[2..].iter().map(|(name, _)| quote_identifier(name)).collect();
        let asked = include_str!("sql/compare_rows.sql");
        let place = [("schema", self.warehouse.schemas.store.as_str()), ("before", before), ("now", now)];
        let row =
            self.transaction.query_one(&splice(&fill(asked, &place), &[("columns", &names.join(", "))]), &[]).await;
        Ok(row.map_err(|e| fault(&failed(self.filling.model), &e))?.get(0))
    }

    fn fill_keys(&self, template: &str, own: &[(String, String)], select: &str) -> String {
        let of = |alias: &str| {
            own.iter().map(|(name, _)| format!("{alias}.{}", quote_identifier(name))).collect::<Vec<_>>().join(", ")
        };
        splice(
            &fill(template, &self.place()),
            &[
                ("columns", &all_names(own)),
                ("former_columns", &of("f")),
                ("model_columns", &of("m")),
                ("key", &quote_identifier(&self.refreshing.key)),
                ("run_id", &self.filling.run_id.to_string()),
                ("as_of", &quote_literal(&self.filling.as_of.to_rfc3339())),
                ("select", select),
            ],
        )
    }

    fn fill_sums(&self, own: &[(String, String)], group_by: &[String], before: &str, now: &str) -> String {
        let (groups, sums): (Vec<_>, Vec<_>) = own.iter().partition(|(name, _)| group_by.contains(name));
        let list = |columns: &[&(String, String)], shape: &dyn Fn(&str, &str) -> String| {
            columns
                .iter()
                .map(|(name, sql_type)| shape(&quote_identifier(name), sql_type))
                .collect::<Vec<_>>()
                .join(", ")
        };
        let signed = |alias: &str, sign: &str| {
            let plain = list(&groups, &|name, _| format!("{alias}.{name}"));
            let sums = list(&sums, &|name, _| format!("{sign}{alias}.{name} AS {name}"));
            format!("{plain}, {sums}")
        };
        let ordered: Vec<(String, String)> = groups.iter().chain(&sums).map(|column| (*column).clone()).collect();
        // Behind the run's number and instant.
        let positions = (3..3 + groups.len()).map(|n| n.to_string()).collect::<Vec<_>>().join(", ");
        splice(
            &fill(include_str!("sql/refresh_sums.sql"), &self.place()),
            &[
                ("columns", &all_names(&ordered)),
                ("group_columns", &list(&groups, &|name, _| format!("t.{name}"))),
                ("sum_columns", &list(&sums, &|name, sql_type| format!("sum(t.{name})::{sql_type}"))),
                ("plain_columns", &signed("f", "")),
                ("negative_columns", &signed("b", "-")),
                ("positive_columns", &signed("n", "")),
                ("group_positions", &positions),
                ("run_id", &self.filling.run_id.to_string()),
                ("as_of", &quote_literal(&self.filling.as_of.to_rfc3339())),
                ("select_before", before),
                ("select_now", now),
            ],
        )
    }

    async fn columns(&self, relation: &str) -> Result<Vec<(String, String)>> {
        let rows = self
            .transaction
            .query(include_str!("sql/describe_table.sql"), &[&self.warehouse.schemas.store, &relation])
            .await
            .map_err(|e| fault(&failed(self.filling.model), &e))?;
        Ok(rows.iter().map(|row| (row.get(0), row.get(1))).collect())
    }

    async fn execute(&self, statement: &str) -> Result<()> {
        let done = self.transaction.execute(statement, &[]).await;
        done.map(drop).map_err(|e| fault_within(&failed(self.filling.model), self.filling.select, statement, &e))
    }
}

fn all_names(own: &[(String, String)]) -> String {
    let names = own.iter().map(|(name, _)| quote_identifier(name));
    ["run_id".to_owned(), "as_of".to_owned()].into_iter().chain(names).collect::<Vec<_>>().join(", ")
}
