//! What the page of data quality reads: one consistent look at the checks of a workspace, its sources, tables and rejects.

use super::Warehouse;
use super::pages::{Look, Section, WAIT};
use crate::error::{Error, Result};
use chrono::NaiveDate;
use tokio_postgres::Row;

/// A check of one source, as `data_quality` tells it.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "the columns of data_quality, documented there")]
pub struct QualityCheck {
    pub source: String,
    pub check_name: String,
    pub failing_lines: i64,
    pub line_count: i64,
    pub failing_share: Option<f64>,
    pub status: String,
    pub treatment: String,
    pub finding: Option<String>,
    pub is_blocking: bool,
}

/// A source of orders, as `data_quality_sources` tells it.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "the columns of data_quality_sources, documented there")]
pub struct QualitySource {
    pub source: String,
    pub line_count: i64,
    pub order_count: i64,
    pub customer_count: i64,
    pub first_order_date: NaiveDate,
    pub last_order_date: NaiveDate,
    pub freshness_days: Option<i32>,
    pub without_customer_share: f64,
    pub synthetic_customer_share: f64,
    pub rows_read: i64,
    pub rows_rejected: i64,
    pub rejected_share: Option<f64>,
    pub newest_rows: Option<i64>,
    pub usual_rows: Option<f64>,
}

/// A raw table beside the orders, as `data_quality_tables` tells it.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "the columns of data_quality_tables, documented there")]
pub struct QualityTable {
    pub source: String,
    pub table_name: String,
    pub row_count: i64,
    pub last_date: Option<NaiveDate>,
    pub freshness_days: Option<i32>,
    pub rows_read: i64,
    pub rows_rejected: i64,
    pub rejected_share: Option<f64>,
    pub ids_without_order: Option<i64>,
    pub id_count: Option<i64>,
}

/// A reason of rejected rows, as `data_quality_rejects` tells it.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "the columns of data_quality_rejects, documented there")]
pub struct QualityReject {
    pub source: String,
    pub table_name: String,
    pub column_name: Option<String>,
    pub reason: String,
    pub row_count: i64,
    pub file_count: i64,
    /// Rejected rows of all reasons, also of those that are not listed.
    pub all_rows: i64,
    /// Reasons, also those that are not listed.
    pub all_reasons: i64,
}

/// All that the page shows of a workspace.
#[derive(Clone, Debug)]
pub struct QualityLook {
    /// Checks, what is wrong first.
    pub checks: Section<QualityCheck>,
    /// Sources of orders.
    pub sources: Section<QualitySource>,
    /// Raw tables beside the orders.
    pub tables: Section<QualityTable>,
    /// Reasons of rejected rows, the most frequent ones.
    pub rejects: Section<QualityReject>,
}

impl Warehouse {
    /// One consistent look at all sections of the page of data quality.
    pub async fn quality(&self) -> Result<QualityLook> {
        let late = || Error::unreachable("page cannot be read: database did not answer in time");
        tokio::time::timeout(WAIT, self.look_at_quality()).await.map_err(|_| late())?
    }

    async fn look_at_quality(&self) -> Result<QualityLook> {
        let mut client = self.client().await?;
        let mut look = Look::open(&mut client, &self.schemas.marts).await?;
        let checks = look.section("data_quality", include_str!("sql/page_quality_checks.sql"), check).await?;
        let sources =
            look.section("data_quality_sources", include_str!("sql/page_quality_sources.sql"), source).await?;
        let tables = look.section("data_quality_tables", include_str!("sql/page_quality_tables.sql"), table).await?;
        let rejects =
            look.section("data_quality_rejects", include_str!("sql/page_quality_rejects.sql"), reject).await?;
        look.close().await?;
        Ok(QualityLook { checks, sources, tables, rejects })
    }
}

fn check(row: &Row) -> QualityCheck {
    QualityCheck {
        source: row.get("source"),
        check_name: row.get("check_name"),
        failing_lines: row.get("failing_lines"),
        line_count: row.get("line_count"),
        failing_share: row.get("failing_share"),
        status: row.get("status"),
        treatment: row.get("treatment"),
        finding: row.get("finding"),
        is_blocking: row.get("is_blocking"),
    }
}

fn source(row: &Row) -> QualitySource {
    QualitySource {
        source: row.get("source"),
        line_count: row.get("line_count"),
        order_count: row.get("order_count"),
        customer_count: row.get("customer_count"),
        first_order_date: row.get("first_order_date"),
        last_order_date: row.get("last_order_date"),
        freshness_days: row.get("freshness_days"),
        without_customer_share: row.get("without_customer_share"),
        synthetic_customer_share: row.get("synthetic_customer_share"),
        rows_read: row.get("rows_read"),
        rows_rejected: row.get("rows_rejected"),
        rejected_share: row.get("rejected_share"),
        newest_rows: row.get("newest_rows"),
        usual_rows: row.get("usual_rows"),
    }
}

fn table(row: &Row) -> QualityTable {
    QualityTable {
        source: row.get("source"),
        table_name: row.get("table_name"),
        row_count: row.get("row_count"),
        last_date: row.get("last_date"),
        freshness_days: row.get("freshness_days"),
        rows_read: row.get("rows_read"),
        rows_rejected: row.get("rows_rejected"),
        rejected_share: row.get("rejected_share"),
        ids_without_order: row.get("ids_without_order"),
        id_count: row.get("id_count"),
    }
}

fn reject(row: &Row) -> QualityReject {
    QualityReject {
        source: row.get("source"),
        table_name: row.get("table_name"),
        column_name: row.get("column_name"),
        reason: row.get("reason"),
        row_count: row.get("row_count"),
        file_count: row.get("file_count"),
        all_rows: row.get("all_rows"),
        all_reasons: row.get("all_reasons"),
    }
}
