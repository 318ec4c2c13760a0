//! Workspaces: their three schemas, the raw tables, and the right of BI readers to the public views.

use super::Warehouse;
use super::connect::Client;
use super::fault::fault;
use super::statement::{fill, quote_literal, splice};
use crate::error::Result;

/// The role that BI logins are members of; owns nothing and cannot log in.
pub const READER_ROLE: &str = "quintile_reader";

impl Warehouse {
    /// Makes what is missing of the workspace: schemas, raw tables, its row in the list, the readers' rights.
    pub async fn prepare_workspace(&self, title: Option<&str>) -> Result<()> {
        let client = self.client().await?;
        let names = &self.schemas;
        let doing = format!("workspace \"{}\" cannot be prepared", names.workspace);
        let known = client
            .query_opt(
                include_str!("sql/find_workspace.sql"),
                &[&names.workspace, &names.raw, &names.store, &names.marts, &title],
            )
            .await
            .map_err(|e| fault(&doing, &e))?;
        if known.is_some() {
            return Ok(());
        }
        let has_reader = ensure_reader_role(&client).await?;
        let mut statements = vec![
            fill("CREATE SCHEMA IF NOT EXISTS {s}", &[("s", &names.raw)]),
            fill("CREATE SCHEMA IF NOT EXISTS {s}", &[("s", &names.store)]),
            fill("CREATE SCHEMA IF NOT EXISTS {s}", &[("s", &names.marts)]),
            fill(include_str!("sql/create_raw_orders.sql"), &[("raw", &names.raw)]),
            fill(include_str!("sql/create_raw_loads.sql"), &[("raw", &names.raw)]),
            fill(include_str!("sql/create_raw_rejected_rows.sql"), &[("raw", &names.raw)]),
            fill(
                "COMMENT ON SCHEMA {s} IS 'Quintile: customer intelligence, one view a relation'",
                &[("s", &names.marts)],
            ),
        ];
        if has_reader {
            let reader = [("s", names.marts.as_str()), ("reader", READER_ROLE)];
            statements.push(fill("GRANT USAGE ON SCHEMA {s} TO {reader}", &reader));
            statements.push(fill(include_str!("sql/grant_future_views.sql"), &reader));
        }
        for statement in statements {
            client.batch_execute(&statement).await.map_err(|e| fault(&doing, &e))?;
        }
        client
            .execute(include_str!("sql/register_workspace.sql"), &[&names.workspace, &title])
            .await
            .map_err(|e| fault(&doing, &e))?;
        Ok(())
    }

    /// Makes or refreshes a login for BI tools that may read the public views and nothing else.
    pub async fn ensure_bi_login(&self, login: &str, password: &str) -> Result<()> {
        let client = self.client().await?;
        let doing = format!("role \"{login}\" cannot be made");
        if !ensure_reader_role(&client).await? {
            return Ok(());
        }
        let exists = client
            .query_opt("SELECT 1 FROM pg_catalog.pg_roles WHERE rolname = $1", &[&login])
            .await
            .map_err(|e| fault(&doing, &e))?;
        let verb = if exists.is_some() { "ALTER" } else { "CREATE" };
        let statement = splice(
            &fill(include_str!("sql/set_bi_login.sql"), &[("login", login)]),
            &[("verb", verb), ("password", &quote_literal(password))],
        );
        client.batch_execute(&statement).await.map_err(|e| fault(&doing, &e))?;
        let grant = fill("GRANT {reader} TO {login}", &[("reader", READER_ROLE), ("login", login)]);
        client.batch_execute(&grant).await.map_err(|e| fault(&doing, &e))
    }
}

/// Whether the reader role is there; makes it where our role may.
async fn ensure_reader_role(client: &Client) -> Result<bool> {
    let doing = "role \"quintile_reader\" cannot be made";
    let row = client
        .query_one(include_str!("sql/find_reader_role.sql"), &[&READER_ROLE])
        .await
        .map_err(|e| fault(doing, &e))?;
    let (exists, may_create): (bool, bool) = (row.get(0), row.get(1));
    if exists || !may_create {
        return Ok(exists);
    }
    let statement = fill("CREATE ROLE {reader} NOLOGIN", &[("reader", READER_ROLE)]);
    match client.batch_execute(&statement).await {
        Ok(()) => Ok(true),
        // Another process made it between our look and our try.
        Err(e) if e.code() == Some(&tokio_postgres::error::SqlState::DUPLICATE_OBJECT) => Ok(true),
        Err(e) if e.code() == Some(&tokio_postgres::error::SqlState::UNIQUE_VIOLATION) => Ok(true),
        Err(e) => Err(fault(doing, &e)),
    }
}
