//! Shops of too few or too equal customers: the bundled models give their documented answer, and never a NaN.

use crate::harness::Database;
use crate::shop;
use quintile::config::Settings;
use quintile::pipeline::RunReport;
use quintile::warehouse::Warehouse;

/// A database with orders and the bundled project.
struct Shop {
    warehouse: Warehouse,
    settings: Settings,
    _database: Database,
    _folder: tempfile::TempDir,
}

impl Shop {
    /// `orders` gives customer, day in 2023 from 0, and price of each order, as a SELECT.
    async fn of(orders: &str) -> Shop {
        let database = Database::new().await;
        let warehouse = database.warehouse().await;
        let folder = tempfile::tempdir().expect("a folder");
        shop::copy_project(folder.path());
        let fill = format!(
            "INSERT INTO raw.orders (source, order_id, line, customer_id, ordered_at, product_id, category, quantity, \
                unit_price, unit_cost, discount, country, currency, load_id) \
             SELECT 'degenerate', row_number() OVER (), 1, customer, timestamptz '2023-01-01 00:00+00' + make_interval(days => day), \
                'FUR-1', 'Furniture', 2, price, 10, 0.05, 'West', 'USD', 0 FROM ({orders}) AS o (customer, day, price)"
        );
        shop::execute(&warehouse, &fill).await;
        let settings = Settings { project_dir: folder.path().to_path_buf(), ..database.settings() };
        Shop { warehouse, settings, _database: database, _folder: folder }
    }

    async fn build(&self) -> RunReport {
        shop::build(&self.warehouse, &self.settings, &[]).await
    }

    /// Builds and publishes, and looks for a number that is none in every published column.
    async fn publish(&self) {
        let report = self.build().await;
        assert_eq!(report.state, "published", "{:?}", report.failed);
        let columns = "SELECT format('SELECT %L, count(*) FROM marts.%I WHERE %I::float8 IN (''NaN'', ''Infinity'', ''-Infinity'')', \
                table_name || '.' || column_name, table_name, column_name) \
            FROM information_schema.columns WHERE table_schema = 'marts' AND data_type IN ('double precision', 'numeric', 'real')";
        let client = self.warehouse.client().await.expect("a connection");
        let statements = client.query(columns, &[]).await.expect("columns");
        assert!(statements.len() > 50, "{} columns", statements.len());
        let union: Vec<String> = statements.iter().map(|row| row.get(0)).collect();
        let bad = format!(
            "SELECT string_agg(name || ': ' || bad, ', ') FROM ({}) AS t (name, bad) WHERE bad > 0",
            union.join(" UNION ALL ")
        );
        assert_eq!(self.value(&bad).await, "");
    }

    async fn value(&self, sql: &str) -> String {
        shop::value(&self.warehouse, sql).await
    }

    /// Customers, different scores, and how many clusters there are.
    async fn scores(&self) -> String {
        self.value(
            "SELECT concat_ws(' ', count(*), count(DISTINCT (r_score, f_score, m_score)), \
                (SELECT count(*) FROM marts.cluster_profiles)) FROM marts.rfm_scores",
        )
        .await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_customer_is_one_cluster() {
    let shop = Shop::of("SELECT 'C1', n % 28, 12.5 FROM generate_series(0, 49) AS n").await;
    shop.publish().await;
    assert_eq!(shop.scores().await, "1 1 1");
}

#[tokio::test(flavor = "multi_thread")]
async fn customers_that_are_alike_have_one_score_and_one_cluster() {
    let shop = Shop::of("SELECT 'C' || n, 59, 12.5 FROM generate_series(1, 500) AS n").await;
    shop.publish().await;
    assert_eq!(shop.scores().await, "500 1 1");
    assert_eq!(shop.value("SELECT count(DISTINCT persona) FROM marts.customer_360").await, "1");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_kinds_of_customers_are_two_clusters_and_two_scores() {
    let shop =
        Shop::of("SELECT 'C' || n, 59, CASE WHEN n % 2 = 1 THEN 1 ELSE 1000 END FROM generate_series(1, 500) AS n");
    let shop = shop.await;
    shop.publish().await;
    assert_eq!(shop.scores().await, "500 2 2");
}

#[tokio::test(flavor = "multi_thread")]
async fn fewer_customers_than_fifths_are_no_fault() {
    let shop = Shop::of("SELECT 'C' || n, 59, n FROM generate_series(1, 4) AS n").await;
    shop.publish().await;
    assert!(shop.scores().await.starts_with("4 "), "{}", shop.scores().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_who_spent_a_trillion_leaves_the_others_their_clusters() {
    let shop = Shop::of(
        "SELECT 'C' || n % 37, n % 360, 12.5 FROM generate_series(1, 400) AS n UNION ALL SELECT 'WHALE', 60, 1000000000000",
    )
    .await;
    shop.publish().await;
    let clusters = "SELECT count(DISTINCT cluster_id) FROM marts.customer_360 WHERE customer_id <> 'WHALE'";
    assert!(shop.value(clusters).await.parse::<u32>().unwrap() > 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shop_of_refunds_only_has_no_customers_and_publishes_nothing() {
    let shop = Shop::of("SELECT 'C' || n, 59, -5 FROM generate_series(1, 60) AS n").await;
    let report = shop.build().await;
    assert_eq!(report.state, "failed");
    let (model, reason) = &report.failed[0];
    assert_eq!(model, "customer_clusters");
    assert!(reason.contains("a price do not count"), "{reason}");
    assert_eq!(shop.value("SELECT count(*) FROM quintile.live").await, "0");
}

#[tokio::test(flavor = "multi_thread")]
async fn orders_that_are_gone_leave_what_was_published() {
    let shop = Shop::of("SELECT 'C' || n, 59, n FROM generate_series(1, 4) AS n").await;
    shop.publish().await;
    shop::execute(&shop.warehouse, "DELETE FROM raw.orders").await;
    let error = shop::try_build(&shop.warehouse, &shop.settings, &[]).await.expect_err("nothing to build from");
    assert_eq!(error.message, "table \"raw.orders\" has no orders before now");
    assert_eq!(shop.value("SELECT count(*) FROM marts.rfm_scores").await, "4");
}
