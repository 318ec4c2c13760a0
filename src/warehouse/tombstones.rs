//! What a load does about persons who were erased: their rows do not come back with the next file that has them.

use super::connect::Client;
use super::fault::fault;
use super::statement::fill;
use crate::config::Schemas;
use crate::crash_point;
use crate::error::Result;

/// The load whose rows are tried; they must be there already, in the transaction that is open on the client.
pub(super) struct Screened<'a> {
    pub(super) source: &'a str,
    pub(super) file_name: &'a str,
    pub(super) load_id: i64,
    /// The raw table that it fills; must have `customer_id` and `load_id`.
    pub(super) table: &'a str,
}

/// Takes the rows of erased persons out of a load; how many became rejected rows.
///
/// To be called last before COMMIT: an erasure that begins meanwhile waits for the load, one that ended before is seen.
pub(super) async fn screen(client: &Client, schemas: &Schemas, load: &Screened<'_>) -> Result<i64> {
    let told = |e: tokio_postgres::Error| fault("load cannot be tried against erased persons", &e);
    client.batch_execute(include_str!("sql/tombstones_lock.sql")).await.map_err(told)?;
    let workspace = &schemas.workspace;
    let row =
        client.query_one(include_str!("sql/tombstones_exist.sql"), &[workspace, &load.source]).await.map_err(told)?;
    if !row.get::<_, bool>(0) {
        return Ok(0);
    }
    let names = [("raw", schemas.raw.as_str()), ("table", load.table)];
    if load.table == "orders" {
        let unlink = fill(include_str!("sql/tombstones_unlink_orders.sql"), &names);
        client.execute(&unlink, &[workspace, &load.source, &load.load_id]).await.map_err(told)?;
    }
    crash_point::reach("load: erased persons unlinked").await?;
    let redact = fill(include_str!("sql/tombstones_redact_rejected.sql"), &names);
    client.execute(&redact, &[workspace, &load.source, &load.load_id]).await.map_err(told)?;
    let take_out = fill(include_str!("sql/tombstones_take_out.sql"), &names);
    let taken =
        client.execute(&take_out, &[workspace, &load.source, &load.load_id, &load.file_name]).await.map_err(told)?;
    crash_point::reach("load: erased persons taken out").await?;
    Ok(i64::try_from(taken).unwrap_or(i64::MAX))
}
