//! What a model reads besides refs and declared sources: nobody can tell whether such a model's rows would change.

use super::Warehouse;
use super::connect::{Client, Transaction};
use super::fault::fault;
use super::materialize::{Filling, failed};
use super::statement::{fill, qualified, splice};
use crate::error::Result;

impl Warehouse {
    /// What a SELECT reads besides `filling.known`: other relations, and functions of users whose answer their arguments
    /// do not decide.
    pub async fn hidden_reads(&self, client: &mut Client, filling: &Filling<'_>) -> Result<Vec<String>> {
        let transaction = client.transaction().await.map_err(|e| fault(&failed(filling.model), &e))?;
        let hidden = self.hidden_reads_within(&transaction, filling).await;
        // Nothing of it stays.
        drop(transaction);
        hidden
    }

    /// As [`Warehouse::hidden_reads`], leaving the transaction as it was.
    ///
    /// The catalogue tells it of a view made of the SELECT, which is gone again at the end.
    pub(super) async fn hidden_reads_within(
        &self,
        transaction: &Transaction<'_>,
        filling: &Filling<'_>,
    ) -> Result<Vec<String>> {
        let doing = failed(filling.model);
        let (store, view) = (self.schemas.store.as_str(), format!("{}__reads__r{}", filling.model, filling.run_id));
        let create = splice(
            &fill("CREATE VIEW {schema}.{view} AS\n[select]", &[("schema", store), ("view", &view)]),
            &[("select", filling.select)],
        );
        transaction.batch_execute("SAVEPOINT reads").await.map_err(|e| fault(&doing, &e))?;
        // What cannot be a view is a faulty SELECT; the statement that is to run tells that better.
        let hidden = match transaction.execute(&create, &[]).await {
            Err(_) => vec!["what cannot be found out".to_owned()],
            Ok(_) => {
                let place = qualified(store, &view);
                let rows = transaction
                    .query(include_str!("sql/hidden_reads.sql"), &[&place, &filling.known])
                    .await
                    .map_err(|e| fault(&doing, &e))?;
                rows.iter().map(|row| row.get(0)).collect()
            }
        };
        transaction.batch_execute("ROLLBACK TO SAVEPOINT reads").await.map_err(|e| fault(&doing, &e))?;
        Ok(hidden)
    }
}
