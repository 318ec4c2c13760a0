//! What the pages read: one consistent look at a workspace's published relations, cheap to take.
//!
//! A project need not have every relation. A section whose relation or column is missing says so, and the page lives.

use super::Warehouse;
use super::connect::{Client, Transaction};
use super::fault::fault;
use crate::error::{Error, Result};
use crate::project::quote_identifier;
use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use tokio_postgres::Row;

/// A look takes no longer than this, connecting included.
pub(super) const WAIT: Duration = Duration::from_secs(10);

/// How fresh a workspace is, for the metrics.
#[derive(Clone, Debug)]
pub struct Freshness {
    /// The workspace.
    pub workspace: String,
    /// Seconds since the last publish.
    pub published_age_seconds: Option<f64>,
    /// Seconds that the run took which was published last.
    pub published_duration_seconds: Option<f64>,
    /// Whether the last run that ended had failed.
    pub is_last_run_failed: bool,
}

/// A workspace of the selector.
#[derive(Clone, Debug, Serialize, PartialEq, Eq)]
pub struct WorkspaceEntry {
    /// Its name.
    pub name: String,
    /// Words for people.
    pub title: Option<String>,
}

/// What is shown, and how the last run went.
#[derive(Clone, Debug, Serialize)]
pub struct Standing {
    /// The database's time of the look.
    pub now: DateTime<Utc>,
    /// The newest run that is shown; none before the first publish.
    pub run_id: Option<i64>,
    /// The instant that its rows are true for.
    pub as_of: Option<DateTime<Utc>>,
    /// When it was published.
    pub published_at: Option<DateTime<Utc>>,
    /// Number of published relations.
    pub relations: i64,
    /// The last run that ended.
    pub last_run_id: Option<i64>,
    /// Its state.
    pub last_state: Option<String>,
    /// When it ended.
    pub last_finished_at: Option<DateTime<Utc>>,
    /// Names of its failed models and data tests.
    pub failed: Vec<String>,
}

/// Rows of a section, or why there are none.
#[derive(Clone, Debug, Serialize)]
pub struct Section<T> {
    /// The rows.
    pub rows: Vec<T>,
    /// Why the section cannot be shown.
    pub missing: Option<String>,
}

/// The key figures of all customers.
#[derive(Clone, Debug, Serialize)]
pub struct Totals {
    /// Customers.
    pub customers: i64,
    /// Net revenue.
    pub revenue: f64,
    /// Revenue before returns.
    pub gross_revenue: f64,
    /// Orders.
    pub orders: i64,
    /// Customers with more than one order.
    pub repeat_customers: i64,
    /// The currency, if all customers have one and the same.
    pub currency: Option<String>,
    /// Whether any customer id is made up.
    pub is_synthetic: bool,
}

/// A persona and what to do for it.
#[derive(Clone, Debug, Serialize)]
#[expect(missing_docs, reason = "the columns of persona_summary, documented there")]
pub struct Persona {
    pub persona: String,
    pub customers: i64,
    pub customer_share: f64,
    pub revenue: f64,
    pub revenue_share: f64,
    pub mean_recency_days: Option<f64>,
    pub mean_frequency: Option<f64>,
    pub mean_monetary: Option<f64>,
    pub predicted_ltv_total: Option<f64>,
    pub predicted_ltv_mean: Option<f64>,
    pub insight: Option<String>,
    pub title: Option<String>,
    pub action: Option<String>,
    pub channel: Option<String>,
}

/// Size and revenue of a segment.
#[derive(Clone, Debug, Serialize)]
pub struct Segment {
    /// Its name; none for customers without scores.
    pub segment: Option<String>,
    /// Customers.
    pub customers: i64,
    /// Net revenue.
    pub revenue: f64,
}

/// One cell of the cohort table.
#[derive(Clone, Debug, Serialize)]
pub struct CohortCell {
    /// First day of the month of the first order.
    pub cohort_month: NaiveDate,
    /// Months since then.
    pub period_n: i32,
    /// Customers of the cohort.
    pub cohort_size: i64,
    /// Share of the cohort that ordered in this month.
    pub active_share: f64,
    /// Whether the month is over.
    pub is_complete: bool,
}

/// How good a number of clusters is.
#[derive(Clone, Debug, Serialize)]
pub struct ClusterQuality {
    /// The number of clusters.
    pub k: i32,
    /// Mean squared distance to the centroid.
    pub inertia_mean: Option<f64>,
    /// Silhouette, -1 to 1.
    pub silhouette: Option<f64>,
    /// Whether this number was taken.
    pub is_chosen: bool,
    /// Why, for the one taken.
    pub reason: Option<String>,
}

/// An estimator of lifetime value that was tried.
#[derive(Clone, Debug, Serialize)]
pub struct Estimator {
    /// Its name.
    pub estimator: String,
    /// Whether the money shown is its.
    pub is_chosen: bool,
    /// Whether purchases and probabilities are its.
    pub tells_purchases: bool,
    /// Log-likelihood of the fit.
    pub log_likelihood: Option<f64>,
    /// Whether the data tell when customers stop buying.
    pub is_dropout_identified: Option<bool>,
    /// The fitted parameters.
    pub parameters: Option<serde_json::Value>,
    /// What the fit warns of.
    pub warnings: Option<serde_json::Value>,
    /// Share of the variance of later revenue that it foresaw at past cuts.
    pub r2: Option<f64>,
    /// How well it put customers in order there, 0 to 1.
    pub normalized_gini: Option<f64>,
    /// How far its totals were off there, as a share.
    pub total_bias: Option<f64>,
    /// Why it gave no numbers, or may not win.
    pub refusal_reason: Option<String>,
}

/// How lifetime values were made.
#[derive(Clone, Debug, Default, Serialize)]
pub struct LtvFacts {
    /// Days that the values look ahead.
    pub horizon_days: Option<f64>,
    /// Yearly discount rate.
    pub discount_rate_annual: Option<f64>,
    /// Share of revenue that counts as value.
    pub margin_share: Option<f64>,
    /// What the estimator assumes.
    pub story: Option<String>,
    /// Why it was taken.
    pub reason: Option<String>,
    /// What the R2 of a prediction of the past is worth.
    pub leaky: Option<String>,
    /// The R2 of a prediction that could not see ahead.
    pub honest: Option<String>,
}

/// All that the first page shows of a workspace.
#[derive(Clone, Debug, Serialize)]
pub struct Overview {
    /// Key figures; at most one row.
    pub totals: Section<Totals>,
    /// Personas.
    pub personas: Section<Persona>,
    /// Segments.
    pub segments: Section<Segment>,
    /// Cohorts.
    pub cohorts: Section<CohortCell>,
    /// Choice of the number of clusters.
    pub cluster_quality: Section<ClusterQuality>,
    /// Estimators of lifetime value.
    pub estimators: Section<Estimator>,
    /// How the lifetime values were made, where the fit tells it.
    pub ltv: LtvFacts,
}

impl Warehouse {
    /// Whether the control tables are there.
    pub async fn is_migrated(&self, wait: Duration) -> Result<bool> {
        let sql = include_str!("sql/page_ready.sql");
        let row = self
            .answer_within(wait, "control tables cannot be seen", async |client| client.query_one(sql, &[]).await)
            .await?;
        Ok(row.get("migrated"))
    }

    /// Freshness of every workspace.
    pub async fn freshness(&self, wait: Duration) -> Result<Vec<Freshness>> {
        let sql = include_str!("sql/page_freshness.sql");
        let rows =
            self.answer_within(wait, "freshness cannot be read", async |client| client.query(sql, &[]).await).await?;
        Ok(rows
            .iter()
            .map(|row| Freshness {
                workspace: row.get("workspace"),
                published_age_seconds: row.get("published_age_seconds"),
                published_duration_seconds: row.get("published_duration_seconds"),
                is_last_run_failed: row.get("is_last_run_failed"),
            })
            .collect())
    }

    /// The workspaces there are.
    pub async fn workspaces(&self) -> Result<Vec<WorkspaceEntry>> {
        let sql = include_str!("sql/page_workspaces.sql");
        let rows =
            self.answer_within(WAIT, "workspaces cannot be read", async |client| client.query(sql, &[]).await).await?;
        Ok(rows.iter().map(|row| WorkspaceEntry { name: row.get("workspace"), title: row.get("title") }).collect())
    }

    /// What the workspace shows now.
    pub async fn standing(&self) -> Result<Standing> {
        let sql = include_str!("sql/page_standing.sql");
        let row = self
            .answer_within(WAIT, "runs cannot be read", async |client| {
                client.query_one(sql, &[&self.schemas.workspace]).await
            })
            .await?;
        let names = |column: &str| row.get::<_, Option<Vec<String>>>(column).unwrap_or_default();
        Ok(Standing {
            now: row.get("now"),
            run_id: row.get("run_id"),
            as_of: row.get("as_of"),
            published_at: row.get("published_at"),
            relations: row.get("relations"),
            last_run_id: row.get("last_run_id"),
            last_state: row.get("last_state"),
            last_finished_at: row.get("last_finished_at"),
            failed: names("failed_models").into_iter().chain(names("failed_tests")).collect(),
        })
    }

    /// One consistent look at all sections of the first page.
    pub async fn overview(&self) -> Result<Overview> {
        let late = || Error::unreachable("page cannot be read: database did not answer in time");
        tokio::time::timeout(WAIT, self.look()).await.map_err(|_| late())?
    }

    async fn look(&self) -> Result<Overview> {
        let mut client = self.client().await?;
        let mut look = Look::open(&mut client, &self.schemas.marts).await?;
        let totals = look.section("customers", include_str!("sql/page_totals.sql"), totals).await?;
        let personas = look.section("persona_summary", include_str!("sql/page_personas.sql"), persona).await?;
        let segments = look.section("rfm_segments", include_str!("sql/page_segments.sql"), segment).await?;
        let cohorts = look.section("cohort_cells", include_str!("sql/page_cohorts.sql"), cohort).await?;
        let quality = look.section("cluster_quality", include_str!("sql/page_cluster_quality.sql"), quality).await?;
        let estimators = look.section("ltv_estimators", include_str!("sql/page_ltv_estimators.sql"), estimator).await?;
        let sql = include_str!("sql/page_ltv_facts.sql");
        let ltv = look.transaction.query_opt(sql, &[&self.schemas.workspace]).await;
        let ltv = ltv.map_err(|e| fault("page cannot be read", &e))?;
        look.close().await?;
        Ok(Overview {
            totals,
            personas,
            segments,
            cohorts,
            cluster_quality: quality,
            estimators,
            ltv: ltv.as_ref().map(ltv_facts).unwrap_or_default(),
        })
    }
}

/// A look in progress, at one moment.
pub(super) struct Look<'a> {
    transaction: Transaction<'a>,
    present: BTreeMap<String, BTreeSet<String>>,
    marts: String,
}

impl<'a> Look<'a> {
    /// Begins a look at the relations of schema `marts`.
    pub(super) async fn open(client: &'a mut Client, marts: &str) -> Result<Look<'a>> {
        let told = |e: tokio_postgres::Error| fault("page cannot be read", &e);
        let transaction = client.snapshot().await.map_err(told)?;
        transaction.batch_execute("SET LOCAL statement_timeout = '8s'").await.map_err(told)?;
        let rows = transaction.query(include_str!("sql/page_relations.sql"), &[&marts]).await.map_err(told)?;
        let columns = |row: &Row| row.get::<_, Vec<String>>("columns").into_iter().collect();
        let present = rows.iter().map(|row| (row.get("relation"), columns(row))).collect();
        Ok(Look { transaction, present, marts: quote_identifier(marts) })
    }

    /// Ends the look.
    pub(super) async fn close(self) -> Result<()> {
        self.transaction.commit().await.map_err(|e| fault("page cannot be read", &e))
    }

    /// Reads one section; only a lost connection is an error.
    pub(super) async fn section<T>(&mut self, relation: &str, sql: &str, read: fn(&Row) -> T) -> Result<Section<T>> {
        let without = |missing: String| Section { rows: Vec::new(), missing: Some(missing) };
        if !self.present.contains_key(relation) {
            return Ok(without(format!("The relation \"{relation}\" is not published in this workspace.")));
        }
        let told = |e: tokio_postgres::Error| fault("page cannot be read", &e);
        let sql = sql.replace("{marts}", &self.marts);
        let savepoint = self.transaction.transaction().await.map_err(told)?;
        match savepoint.query(&sql, &[]).await {
            Ok(rows) => {
                savepoint.commit().await.map_err(told)?;
                Ok(Section { rows: rows.iter().map(read).collect(), missing: None })
            }
            Err(e) if e.as_db_error().is_some() => {
                savepoint.rollback().await.map_err(told)?;
                tracing::warn!(relation, error = %fault("section cannot be read", &e), "page goes without a section");
                Ok(without(format!(
                    "The relation \"{relation}\" does not have the columns or rights that this section needs."
                )))
            }
            Err(e) => Err(told(e)),
        }
    }
}

fn totals(row: &Row) -> Totals {
    Totals {
        customers: row.get("customers"),
        revenue: row.get("revenue"),
        gross_revenue: row.get("gross_revenue"),
        orders: row.get("orders"),
        repeat_customers: row.get("repeat_customers"),
        currency: row.get("currency"),
        is_synthetic: row.get("is_synthetic"),
    }
}

fn persona(row: &Row) -> Persona {
    Persona {
        persona: row.get("persona"),
        customers: row.get("customers"),
        customer_share: row.get("customer_share"),
        revenue: row.get("revenue"),
        revenue_share: row.get("revenue_share"),
        mean_recency_days: row.get("mean_recency_days"),
        mean_frequency: row.get("mean_frequency"),
        mean_monetary: row.get("mean_monetary"),
        predicted_ltv_total: row.get("predicted_ltv_total"),
        predicted_ltv_mean: row.get("predicted_ltv_mean"),
        insight: row.get("insight"),
        title: row.get("title"),
        action: row.get("action"),
        channel: row.get("channel"),
    }
}

fn segment(row: &Row) -> Segment {
    Segment { segment: row.get("segment"), customers: row.get("customers"), revenue: row.get("revenue") }
}

fn cohort(row: &Row) -> CohortCell {
    CohortCell {
        cohort_month: row.get("cohort_month"),
        period_n: row.get("period_n"),
        cohort_size: row.get("cohort_size"),
        active_share: row.get("active_share"),
        is_complete: row.get("is_complete"),
    }
}

fn quality(row: &Row) -> ClusterQuality {
    ClusterQuality {
        k: row.get("k"),
        inertia_mean: row.get("inertia_mean"),
        silhouette: row.get("silhouette"),
        is_chosen: row.get("is_chosen"),
        reason: row.get("reason"),
    }
}

fn estimator(row: &Row) -> Estimator {
    Estimator {
        estimator: row.get("estimator"),
        is_chosen: row.get("is_chosen"),
        tells_purchases: row.get("tells_purchases"),
        log_likelihood: row.get("log_likelihood"),
        is_dropout_identified: row.get("is_dropout_identified"),
        parameters: row.get("parameters"),
        warnings: row.get("warnings"),
        r2: row.get("r2"),
        normalized_gini: row.get("normalized_gini"),
        total_bias: row.get("total_bias"),
        refusal_reason: row.get("refusal_reason"),
    }
}

fn ltv_facts(row: &Row) -> LtvFacts {
    LtvFacts {
        horizon_days: row.get("horizon_days"),
        discount_rate_annual: row.get("discount_rate_annual"),
        margin_share: row.get("margin_share"),
        story: row.get("story"),
        reason: row.get("reason"),
        leaky: row.get("leaky"),
        honest: row.get("honest"),
    }
}
