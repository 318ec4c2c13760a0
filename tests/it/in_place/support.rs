//! A schema to build in, and short ways to look at it.

use crate::harness::Database;
use quintile::project::RelationName;
use quintile::warehouse::Warehouse;
use quintile::warehouse::in_place::table::{self, TableDefinition};
use quintile::warehouse::in_place::view::{self, ViewDefinition};
use quintile::warehouse::in_place::{Catalog, Limits, Outcome, Session};

/// A database with the empty schema `shop`, a session in it and the catalogue of that schema.
pub struct Place {
    pub db: Database,
    pub warehouse: Warehouse,
    pub session: Session,
    pub catalog: Catalog,
    pub other: tokio_postgres::Client,
}

impl Place {
    pub async fn new() -> Place {
        let db = Database::new().await;
        let other = db.client().await;
        other.batch_execute("CREATE SCHEMA shop").await.expect("a schema");
        let warehouse = db.warehouse().await;
        let session = Session::open(&warehouse, Some("model.shop.test"), Limits::default()).await.expect("a session");
        let catalog = load(&session).await;
        Place { db, warehouse, session, catalog, other }
    }

    /// As at the start of the next run.
    pub async fn next_run(&mut self) {
        self.catalog = load(&self.session).await;
    }

    /// Builds a table and commits.
    pub async fn table(&self, identifier: &str, select: &str) -> Outcome {
        let definition =
            TableDefinition { name: name(identifier), select: select.into(), ..TableDefinition::default() };
        let outcome = told(table::build(&self.session, &self.catalog, &definition).await);
        told(self.session.commit().await);
        outcome
    }

    /// Builds a view and commits.
    pub async fn view(&self, identifier: &str, select: &str) -> Outcome {
        let definition = ViewDefinition { name: name(identifier), select: select.into(), ..ViewDefinition::default() };
        let outcome = told(view::build(&self.session, &self.catalog, &definition).await);
        told(self.session.commit().await);
        outcome
    }

    /// Runs statements on another connection.
    pub async fn sql(&self, sql: &str) {
        self.other.batch_execute(sql).await.unwrap_or_else(|e| panic!("{sql}: {e:?}"));
    }

    /// The rows of a query on another connection, `a|b` each, one a line.
    pub async fn rows(&self, sql: &str) -> String {
        let messages = self.other.simple_query(sql).await.unwrap_or_else(|e| panic!("{sql}: {e:?}"));
        let lines = messages.iter().filter_map(|message| match message {
            tokio_postgres::SimpleQueryMessage::Row(row) => {
                Some((0..row.len()).map(|i| row.get(i).unwrap_or("-")).collect::<Vec<_>>().join("|"))
            }
            _ => None,
        });
        lines.collect::<Vec<_>>().join("\n")
    }

    /// Names of all relations of the schema.
    pub async fn relations(&self) -> String {
        let sql = "SELECT string_agg(relname::text || ':' || relkind::text, ' ' ORDER BY relname) FROM pg_class
            WHERE relnamespace = 'shop'::regnamespace AND relkind IN ('r', 'v', 'm')";
        self.rows(sql).await
    }
}

async fn load(session: &Session) -> Catalog {
    told(Catalog::load(session, &["shop".to_owned()]).await)
}

/// A name in the schema `shop`.
pub fn name(identifier: &str) -> RelationName {
    RelationName { schema: "shop".into(), identifier: identifier.into(), ..RelationName::default() }
}

/// The value, or a panic with the whole story.
#[track_caller]
pub fn told<T>(result: quintile::error::Result<T>) -> T {
    result.unwrap_or_else(|e| panic!("{}", e.report()))
}
