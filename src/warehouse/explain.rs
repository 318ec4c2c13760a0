//! What is published of one customer: one look at a workspace's relations, all at the same moment.
//!
//! Rows come as JSON, so that a relation of an own project may have other columns: what is absent there is absent here. A
//! relation that is not published, may not be read or has another shape is left out with the reason.

use super::Warehouse;
use super::connect::{Client, Parameter, Transaction};
use super::fault::fault;
use super::statement::fill;
use crate::analytics::explain::facts::{Facts, Rank, Run};
use crate::error::{Error, Result};
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::collections::BTreeMap;
use tokio_postgres::{Error as Fault, Row};

const DOING: &str = "customer cannot be explained";

/// Relations that have a row a customer; any of them knows who is one.
const OF_CUSTOMERS: [&str; 6] =
    ["customers", "customer_purchases", "rfm_scores", "customer_clusters", "customer_ltv", "customer_360"];

/// A relation that may be read.
struct Place {
    schema: String,
    columns: Vec<String>,
    run: Run,
}

/// A look in progress.
struct Look<'a> {
    transaction: Transaction<'a>,
    places: BTreeMap<String, Place>,
    facts: Facts,
}

impl Warehouse {
    /// All that the workspace publishes of the customer.
    ///
    /// # Errors
    /// Nothing is published, nobody has this id.
    pub async fn customer_facts(&self, customer_id: &str) -> Result<Facts> {
        let told = |e: Fault| fault(DOING, &e);
        let mut client: Client = self.client().await?;
        let transaction = client.snapshot().await.map_err(told)?;
        let schemas = &self.schemas;
        let sql = include_str!("sql/explain_relations.sql");
        let rows = transaction.query(sql, &[&schemas.workspace, &schemas.marts, &schemas.store]).await.map_err(told)?;
        if rows.is_empty() {
            return Err(Error::failed(format!("nothing is published in workspace \"{}\"", schemas.workspace))
                .hint("run quintile build, or name another workspace with --workspace"));
        }
        let place = |row: &Row| {
            let run = Run { run_id: row.get("run_id"), as_of: row.get("as_of") };
            let columns = row.get::<_, Option<Vec<String>>>("columns").unwrap_or_default();
            (row.get("relation"), Place { schema: row.get("schema"), columns, run })
        };
        let facts =
            Facts { workspace: schemas.workspace.clone(), customer_id: customer_id.to_owned(), ..Facts::default() };
        let mut look = Look { transaction, places: rows.iter().map(place).collect(), facts };
        look.customer().await?;
        if !look.facts.is_known() {
            return Err(look.unknown().await?);
        }
        look.around().await?;
        look.transaction.commit().await.map_err(told)?;
        Ok(look.facts)
    }
}

impl Look<'_> {
    /// The rows of the customer.
    async fn customer(&mut self) -> Result<()> {
        self.facts.customer = self.first("customers").await?;
        self.facts.purchases = self.first("customer_purchases").await?;
        self.facts.scores = self.first("rfm_scores").await?;
        self.facts.cluster = self.first("customer_clusters").await?;
        self.facts.ltv = self.first("customer_ltv").await?;
        self.facts.wide = self.first("customer_360").await?;
        Ok(())
    }

    /// What these rows came from, and how they compare.
    async fn around(&mut self) -> Result<()> {
        let id = self.facts.customer_id.clone();
        self.facts.segments = self
            .rows("customer_segments", include_str!("sql/explain_rows.sql"), &[("key", "customer_id")], &[&id])
            .await?;
        self.facts.cut_points = self.rows("rfm_cut_points", include_str!("sql/explain_all_rows.sql"), &[], &[]).await?;
        if let Some(cluster) = self.facts.cluster.as_ref().and_then(|cluster| cluster.cluster_id) {
            let sql = include_str!("sql/explain_rows.sql");
            let found = self.rows("cluster_personas", sql, &[("key", "cluster_id")], &[&cluster.to_string()]).await?;
            self.facts.persona = found.into_iter().next();
        }
        if self.facts.customer.is_some() {
            self.facts.revenue_rank = self.rank("customers", "net_revenue").await?;
        }
        if self.facts.ltv.is_none() {
            return Ok(());
        }
        self.facts.ltv_rank = self.rank("customer_ltv", "predicted_ltv").await?;
        self.fit().await?;
        if let Some(repeats) = self.facts.purchases.as_ref().and_then(|purchases| purchases.repeat_count) {
            let sql = include_str!("sql/explain_calibration.sql");
            self.facts.calibration = self.rows("ltv_calibration", sql, &[], &[&repeats]).await?;
        }
        self.facts.importance = self.rows("ltv_importance", include_str!("sql/explain_all_rows.sql"), &[], &[]).await?;
        Ok(())
    }

    async fn first<T: DeserializeOwned>(&mut self, relation: &str) -> Result<Option<T>> {
        let id = self.facts.customer_id.clone();
        let sql = include_str!("sql/explain_rows.sql");
        Ok(self.rows(relation, sql, &[("key", "customer_id")], &[&id]).await?.into_iter().next())
    }

    /// Rows of a relation, as JSON in the column `row`; none with a reason where it has none to give.
    async fn rows<T: DeserializeOwned>(
        &mut self,
        relation: &str,
        sql: &str,
        names: &[(&str, &str)],
        values: &[&dyn Parameter],
    ) -> Result<Vec<T>> {
        let Some(rows) = self.ask(relation, sql, names, values).await? else { return Ok(Vec::new()) };
        let read: std::result::Result<Vec<T>, serde_json::Error> =
            rows.iter().map(|row| serde_json::from_value(row.get::<_, Value>("row"))).collect();
        match read {
            Ok(read) => Ok(read),
            Err(e) => {
                self.leave_out(
                    relation,
                    format!("Relation \"{relation}\" has columns of another kind than the bundled one: {e}."),
                );
                Ok(Vec::new())
            }
        }
    }

    async fn rank(&mut self, relation: &str, column: &str) -> Result<Option<Rank>> {
        if self.places.get(relation).is_none_or(|place| !place.columns.iter().any(|known| known == column)) {
            return Ok(None);
        }
        let id = self.facts.customer_id.clone();
        let rows = self.ask(relation, include_str!("sql/explain_rank.sql"), &[("column", column)], &[&id]).await?;
        Ok(rows.unwrap_or_default().first().map(|row| Rank {
            customers: row.get("customers"),
            below: row.get("below"),
            equal: row.get("equal"),
            mean: row.get("mean"),
            median: row.get("median"),
        }))
    }

    /// The facts of the fit; a role that only reads what is public may not see them.
    async fn fit(&mut self) -> Result<()> {
        let workspace = self.facts.workspace.clone();
        match self.guarded(include_str!("sql/explain_fit.sql"), &[&workspace]).await? {
            Ok(rows) => match rows.first().map(|row| serde_json::from_value(row.get::<_, Value>("row"))) {
                Some(Ok(fit)) => self.facts.fit = Some(fit),
                Some(Err(e)) => self.leave_out(
                    "quintile.fits",
                    format!("The facts of the fit behind \"customer_ltv\" cannot be read: {e}."),
                ),
                None => self.leave_out(
                    "quintile.fits",
                    "Relation \"customer_ltv\" is not made by a fit, so nothing tells where its numbers come from."
                        .into(),
                ),
            },
            Err(why) => self.leave_out(
                "quintile.fits",
                format!("The fit behind \"customer_ltv\" cannot be read: {}.", why.message),
            ),
        }
        Ok(())
    }

    /// Asks a relation; none where it is not there or does not suit.
    async fn ask(
        &mut self,
        relation: &str,
        sql: &str,
        names: &[(&str, &str)],
        values: &[&dyn Parameter],
    ) -> Result<Option<Vec<Row>>> {
        let workspace = &self.facts.workspace;
        let Some(place) = self.places.get(relation) else {
            let why = format!("Relation \"{relation}\" is not published in workspace \"{workspace}\".");
            self.leave_out(relation, why);
            return Ok(None);
        };
        if place.columns.is_empty() {
            self.leave_out(relation, format!("Relation \"{relation}\" may not be read by this role."));
            return Ok(None);
        }
        let run = place.run;
        let mut filled = vec![("schema", place.schema.as_str()), ("relation", relation)];
        filled.extend(names);
        let sql = fill(sql, &filled);
        match self.guarded(&sql, values).await? {
            Ok(rows) => {
                self.facts.runs.insert(relation.to_owned(), run);
                Ok(Some(rows))
            }
            Err(why) => {
                self.leave_out(relation, format!("Relation \"{relation}\" does not suit: {}.", why.message));
                Ok(None)
            }
        }
    }

    /// Runs a statement that the server may refuse without ending the look; only a lost connection is an error.
    async fn guarded(&mut self, sql: &str, values: &[&dyn Parameter]) -> Result<Result<Vec<Row>>> {
        let told = |e: Fault| fault(DOING, &e);
        let savepoint = self.transaction.transaction().await.map_err(told)?;
        match savepoint.query(sql, values).await {
            Ok(rows) => {
                savepoint.commit().await.map_err(told)?;
                Ok(Ok(rows))
            }
            Err(e) => match e.as_db_error().map(|db| db.message().to_owned()) {
                Some(message) => {
                    savepoint.rollback().await.map_err(told)?;
                    Ok(Err(Error::failed(message)))
                }
                None => Err(told(e)),
            },
        }
    }

    fn leave_out(&mut self, relation: &str, why: String) {
        self.facts.missing.insert(relation.to_owned(), why);
    }

    /// Nobody has this id: who is meant, or what to do.
    async fn unknown(&mut self) -> Result<Error> {
        let (id, workspace) = (self.facts.customer_id.clone(), self.facts.workspace.clone());
        let read: Vec<&str> = OF_CUSTOMERS.into_iter().filter(|name| self.facts.runs.contains_key(*name)).collect();
        if read.is_empty() {
            let missing: Vec<&str> =
                OF_CUSTOMERS.iter().filter_map(|name| self.facts.missing.get(*name)).map(String::as_str).collect();
            return Ok(Error::failed(format!("workspace \"{workspace}\" publishes nothing about customers"))
                .detail(missing.join("\n"))
                .hint("publish the bundled models: quintile build --select +customer_360"));
        }
        let error = Error::failed(format!("customer \"{id}\" is not found in workspace \"{workspace}\""));
        let near = match self.ask(read[0], include_str!("sql/explain_near.sql"), &[], &[&id]).await? {
            Some(rows) => rows.iter().map(|row| row.get::<_, String>("customer_id")).collect(),
            None => Vec::new(),
        };
        Ok(match near.is_empty() {
            false => {
                let near: Vec<String> = near.iter().map(|id| format!("\"{id}\"")).collect();
                error.detail(format!("An id is compared letter by letter. There is {}.", near.join(", "))).hint("give the id as it is written there")
            }
            true => error
                .detail("No published relation has a row of this customer: never there, erased, without a purchase, or newer than the last run.")
                .hint(format!("take an id from the relation {}; after a load, run quintile build", read[0])),
        })
    }
}
