//! What a load does about persons who were erased: their rows do not come back with the next file that has them.

use super::connect::Client;
use super::entity::Entity;
use super::fault::fault;
use super::statement::fill;
use crate::config::Schemas;
use crate::crash_point;
use crate::error::Result;

/// The load whose rows are tried; they are there already, in the transaction that is open on the client.
pub(super) struct Screened<'a> {
    pub(super) entity: Entity,
    pub(super) source: &'a str,
    pub(super) load_id: i64,
    /// The table that holds its rows: that of the entity, or the load's own stage.
    pub(super) table: &'a str,
}

/// Takes the rows of erased persons out of a load, and their words out of its rejected rows; how many rows went.
///
/// From here to COMMIT an erasure that begins waits for the load, and looks for its rows after it. One that ended before
/// is seen.
pub(super) async fn screen(client: &Client, schemas: &Schemas, load: &Screened<'_>) -> Result<i64> {
    let told = |e: tokio_postgres::Error| fault("load cannot be tried against erased persons", &e);
    client.batch_execute(include_str!("sql/tombstones_lock.sql")).await.map_err(told)?;
    let workspace = &schemas.workspace;
    let row =
        client.query_one(include_str!("sql/tombstones_exist.sql"), &[workspace, &load.source]).await.map_err(told)?;
    if !row.get::<_, bool>(0) {
        return Ok(0);
    }
    let run = async |template: &str| {
        let sql = fill(template, &[("raw", &schemas.raw), ("table", load.table)]);
        client.execute(&sql, &[workspace, &load.source, &load.load_id]).await.map_err(told)
    };
    run(include_str!("sql/tombstones_redact_rejected.sql")).await?;
    crash_point::reach("load: words of erased persons taken out").await?;
    if !load.entity.columns().iter().any(|column| column.name == "customer_id") {
        return Ok(0);
    }
    if load.entity == Entity::Orders {
        run(include_str!("sql/tombstones_unlink_orders.sql")).await?;
    }
    let taken = run(include_str!("sql/tombstones_take_out.sql")).await?;
    crash_point::reach("load: erased persons taken out").await?;
    Ok(i64::try_from(taken).unwrap_or(i64::MAX))
}
