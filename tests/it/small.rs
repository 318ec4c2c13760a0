//! A project of a few one-line models that a test may change between runs.

use crate::harness::Database;
use crate::shop;
use quintile::config::Settings;
use quintile::pipeline::RunReport;
use quintile::warehouse::Warehouse;

/// A database, and a project of its own.
pub struct Small {
    /// The database.
    pub db: Database,
    /// Its warehouse.
    pub warehouse: Warehouse,
    /// Settings that name the project; a test may change them.
    pub settings: Settings,
    folder: tempfile::TempDir,
}

impl Small {
    /// An empty project on a fresh database.
    pub async fn new() -> Small {
        let db = Database::new().await;
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::create_dir_all(folder.path().join("models")).expect("a folder");
        let mut settings = Settings { project_dir: folder.path().to_path_buf(), ..db.settings() };
        // What is under test is what runs publish, not what they can spare.
        settings.run.skip_unchanged = false;
        Small { warehouse: db.warehouse().await, db, settings, folder }
    }

    /// Writes a model: `config` as in `config(...)`, and its SELECT.
    pub fn model(&self, name: &str, config: &str, select: &str) {
        let text = format!("{{{{ config({config}) }}}}\n{select}");
        std::fs::write(self.folder.path().join(format!("models/{name}.sql")), text).expect("a model");
    }

    /// Writes a table model.
    pub fn table(&self, name: &str, select: &str) {
        self.model(name, "materialized='table'", select);
    }

    /// Removes a model.
    pub fn remove(&self, name: &str) {
        std::fs::remove_file(self.folder.path().join(format!("models/{name}.sql"))).expect("a model");
    }

    /// Builds what is selected, all if nothing is, and asserts that it was published; the run's number.
    pub async fn publish(&self, select: &[&str]) -> i64 {
        let report = self.build(select).await;
        assert_eq!(report.state, "published", "{:?}", report.failed);
        report.run_id
    }

    /// Builds and returns the report.
    pub async fn build(&self, select: &[&str]) -> RunReport {
        shop::build(&self.warehouse, &self.settings, select).await
    }

    /// One value, as text.
    pub async fn value(&self, sql: &str) -> String {
        shop::value(&self.warehouse, sql).await
    }

    /// Runs a statement.
    pub async fn execute(&self, sql: &str) {
        shop::execute(&self.warehouse, sql).await;
    }

    /// Collects garbage; the names of the dropped relations.
    pub async fn collect(&self) -> Vec<String> {
        shop::collect(&self.warehouse, &self.settings).await
    }

    /// Rolls back; the run that is shown.
    pub async fn rollback(&self, to: Option<i64>) -> quintile::error::Result<i64> {
        quintile::pipeline::rollback(&self.warehouse, &self.settings, to).await.map(|done| done.run_id)
    }

    /// `a:1 b:2`: which run's rows each relation shows.
    pub async fn shown(&self) -> String {
        self.value("SELECT string_agg(relation || ':' || run_id, ' ' ORDER BY relation) FROM quintile.live").await
    }

    /// Tables of runs in the store, in order of their names.
    pub async fn tables(&self) -> String {
        self.value(
            "SELECT string_agg(relname, ' ' ORDER BY relname) FROM pg_class
             WHERE relnamespace = 'quintile_store'::regnamespace AND relkind = 'r' AND relname ~ '__r[0-9]+$'",
        )
        .await
    }
}
