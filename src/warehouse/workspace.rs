//! Workspaces: their three schemas, the raw tables, and the right of BI readers to the public views.

use super::Warehouse;
use super::connect::Client;
use super::copy::Transaction;
use super::fault::fault;
use super::raw_tables::{RAW_TABLES, lock};
use super::statement::{fill, splice};
use crate::error::Result;
use crate::project::quote_literal;

/// The role that BI logins are members of; owns nothing and cannot log in.
pub const READER_ROLE: &str = "quintile_reader";

impl Warehouse {
    /// Makes what is missing of the workspace: schemas, raw tables, its row in the list, the readers' rights.
    pub async fn prepare_workspace(&self, title: Option<&str>) -> Result<()> {
        let client = self.client().await?;
        let names = &self.schemas;
        let doing = format!("workspace \"{}\" cannot be prepared", names.workspace);
        if self.is_prepared(&client, title).await? {
            // Those of an older version lack columns that models read.
            return self.create_raw_tables(&client).await;
        }
        let has_reader = ensure_reader_role(&client).await?;
        let mut statements = vec![
            fill("CREATE SCHEMA IF NOT EXISTS {s}", &[("s", &names.raw)]),
            fill("CREATE SCHEMA IF NOT EXISTS {s}", &[("s", &names.store)]),
            fill("CREATE SCHEMA IF NOT EXISTS {s}", &[("s", &names.marts)]),
            fill(
                "COMMENT ON SCHEMA {s} IS 'Quintile: customer intelligence, one view a relation'",
                &[("s", &names.marts)],
            ),
        ];
        statements.extend(RAW_TABLES.map(|table| fill(table, &[("raw", &names.raw)])));
        if has_reader {
            let reader = [("s", names.marts.as_str()), ("reader", READER_ROLE)];
            statements.push(fill("GRANT USAGE ON SCHEMA {s} TO {reader}", &reader));
            statements.push(fill(include_str!("sql/grant_future_views.sql"), &reader));
        }
        let transaction = Transaction::begin(&client).await?;
        // Two at once would both find nothing and then collide in the catalogue. The second looks again: only a look at
        // a table makes its session notice what the first has made.
        lock(&client, &format!("quintile raw tables {}", names.raw)).await?;
        if self.is_prepared(&client, title).await? {
            return transaction.commit().await;
        }
        for statement in statements {
            client.batch_execute(&statement).await.map_err(|e| fault(&doing, &e))?;
        }
        client
            .execute(include_str!("sql/register_workspace.sql"), &[&names.workspace, &title])
            .await
            .map_err(|e| fault(&doing, &e))?;
        transaction.commit().await
    }

    /// Whether the workspace is registered under this title and its schemas are there.
    async fn is_prepared(&self, client: &Client, title: Option<&str>) -> Result<bool> {
        let names = &self.schemas;
        let known = client
            .query_opt(
                include_str!("sql/find_workspace.sql"),
                &[&names.workspace, &names.raw, &names.store, &names.marts, &title],
            )
            .await
            .map_err(|e| fault(&format!("workspace \"{}\" cannot be prepared", names.workspace), &e))?;
        Ok(known.is_some())
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
