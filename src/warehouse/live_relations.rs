//! What is published before a run, as templates compare with it: relations, their columns, and what histories saw.

use super::Warehouse;
use super::fault::fault;
use super::runs::Live;
use crate::error::Result;
use crate::project::{LiveRelation, RelationName};
use std::collections::BTreeMap;

impl Warehouse {
    /// The published relations of these models (`live` is by model), with all that `live()` tells of them.
    pub async fn live_relations(
        &self,
        live: &BTreeMap<String, Live>,
        models: &[&String],
    ) -> Result<BTreeMap<String, LiveRelation>> {
        let told = |e: tokio_postgres::Error| fault("published relations cannot be read", &e);
        let wanted: Vec<(&String, &Live)> =
            models.iter().filter_map(|model| Some((*model, live.get(*model)?))).collect();
        let schema = |live: &Live| match live.access.as_str() {
            "public" => self.schemas.marts.clone(),
            _ => self.schemas.store.clone(),
        };
        let schemas: Vec<String> = wanted.iter().map(|(_, live)| schema(live)).collect();
        let names: Vec<&str> = wanted.iter().map(|(_, live)| live.relation.as_str()).collect();
        let client = self.client().await?;
        let columns = client.query(include_str!("sql/live_columns.sql"), &[&schemas, &names]).await.map_err(told)?;
        let seen = client.query(include_str!("sql/live_seen.sql"), &[&self.schemas.workspace]).await.map_err(told)?;
        let numbered = wanted.iter().zip(1i64..).zip(&schemas);
        Ok(numbered
            .map(|(((model, live), number), schema)| {
                let relation =
                    RelationName { database: String::new(), schema: schema.clone(), identifier: live.relation.clone() };
                let own = columns.iter().filter(|row| row.get::<_, i64>("number") == number);
                let saw = seen.iter().filter(|row| row.get::<_, &str>("history") == model.as_str());
                let found = LiveRelation {
                    relation,
                    columns: own.map(|row| row.get("column_name")).collect(),
                    run_id: live.run_id,
                    saw: saw.map(|row| (row.get("model"), row.get("run_id"))).collect(),
                };
                ((*model).clone(), found)
            })
            .collect())
    }
}
