//! What the "Key Findings" of the first project that Quintile follows say of its data set, against what its own rules give.

use crate::harness::Database;
use crate::shop;
use quintile::config::Settings;
use quintile::ingest::{self, IngestRequest};

/// Its customers (hash of the order id), its features (not logarithms), its k, and profit as what makes a VIP.
fn its_rules(folder: &std::path::Path) {
    let edit = |file: &str, from: &str, to: &str| {
        let path = folder.join(file);
        let text = std::fs::read_to_string(&path).expect("a file");
        assert!(text.contains(from), "{file} has no {from}");
        std::fs::write(path, text.replace(from, to)).expect("written");
    };
    edit(
        "config/sources/retail_orders.toml",
        "\n[synthetic_customer]\n",
        "\n[synthetic_customer]\nrule = \"hashtext\"\n",
    );
    edit("seeds/persona_rules.csv", "VIPs,mean_monetary", "VIPs,mean_profit");
    let clusters = "{{ config(materialized='cluster', key='customer_id', k=4, log=false, starts=10, seed=42) }}\n\
        SELECT c.customer_id, s.recency_days::float8 AS recency_days, s.frequency::float8 AS frequency, c.profit::float8 AS monetary\n\
        FROM {{ ref('customers') }} AS c INNER JOIN {{ ref('rfm_scores') }} AS s ON s.customer_id = c.customer_id\n";
    std::fs::write(folder.join("models/analytics/customer_clusters.sql"), clusters).expect("written");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_claims_about_retail_orders_are_those_of_the_table_in_the_documentation() {
    let db = Database::new().await;
    let warehouse = db.warehouse().await;
    let folder = tempfile::tempdir().expect("a folder");
    shop::copy_project(folder.path());
    its_rules(folder.path());
    let settings = Settings { project_dir: folder.path().into(), ..db.settings() };
    let request = IngestRequest {
        file: shop::project_folder().join("seeds/demo/retail_orders.csv.gz"),
        source: "retail_orders".into(),
        mapping_dir: folder.path().join("config/sources"),
        ..IngestRequest::default()
    };
    ingest::ingest(&warehouse, &request, &mut |_| {}).await.unwrap_or_else(|e| panic!("{}", e.report()));
    let run = shop::build(&warehouse, &settings, &["+insights", "+persona_summary"]).await;
    assert_eq!((run.state.as_str(), &run.failed), ("published", &Vec::new()));
    let personas = "SELECT string_agg(concat_ws(' | ', persona, customers, round(mean_profit), round(mean_frequency::numeric, 1),
            round(mean_recency_days), round(mean_profit / mean_frequency::numeric), id_is_synthetic), E'\\n' ORDER BY priority)
        FROM marts.persona_summary";
    // Persona, customers, profit each, orders, days away, profit per order, made-up ids. Claimed are 10 VIPs with over 11,000,
    // Loyalists with 13.3 orders, and 208 days and about 7 orders of those at risk.
    assert_eq!(
        shop::value(&warehouse, personas).await,
        "VIPs | 9 | 11972 | 10.8 | 41 | 1111 | t\n\
         At Risk | 159 | 658 | 7.5 | 209 | 88 | t\n\
         Loyalists | 346 | 1452 | 13.3 | 46 | 109 | t\n\
         Casual Shoppers | 486 | 669 | 8.4 | 45 | 79 | t"
    );
    let told = "SELECT string_agg(concat_ws(' ', insight, confidence), ', ' ORDER BY priority) FROM marts.insights";
    assert_eq!(shop::value(&warehouse, told).await, "churn_warning low, whale_effect low, growth_opportunity low");
    // Loyalists bring less per order than VIPs, who were picked by profit, and not less than everybody else.
    let reason = "SELECT concat_ws(' ', reason, round((figures ->> 'per_order_amount')::numeric), round((figures ->> 'other_per_order_amount')::numeric),
        figures ->> 'best_persona') FROM marts.insight_tests WHERE insight = 'loyalty_trap'";
    assert_eq!(shop::value(&warehouse, reason).await, "it may well be chance 113 100 VIPs");
    // 5 % more orders are worth more with the Loyalists than with the casual majority.
    let worth = "SELECT concat_ws(' ', round((figures ->> 'worth_amount')::numeric), figures ->> 'other_persona',
        round((figures ->> 'other_worth_amount')::numeric)) FROM marts.insight_tests WHERE insight = 'growth_opportunity'";
    assert_eq!(shop::value(&warehouse, worth).await, "92240 Loyalists 133040");
}
