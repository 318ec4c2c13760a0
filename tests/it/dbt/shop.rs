//! The shop as a whole: built, built again, changed, selected.

use super::support::Place;

#[tokio::test(flavor = "multi_thread")]
async fn the_shop_is_built_and_a_second_build_does_only_what_is_new() {
    let place = Place::shop().await;
    place.good(&["build"]);
    let customers =
        "SELECT customer_id, name, first_month, order_count, revenue, currency FROM shop.customers ORDER BY 1";
    assert_eq!(
        place.rows(customers).await,
        "1|Ada|2024-01-01|2|35.50|EUR\n2|Grace|2024-02-01|2|9.00|EUR\n3|O'Neil, Ed|2024-03-01|1|120.00|EUR"
    );
    assert_eq!(place.rows("SELECT customer_id, paid_count FROM shop.status_counts ORDER BY 1").await, "1|2\n2|0\n3|1");
    assert_eq!(
        place.rows("SELECT min(day), max(greeting), max(label) FROM shop_tools.tools_calendar").await,
        "2024-01-01|hello|shop_x"
    );
    let kinds = "SELECT relname, relkind FROM pg_class WHERE relnamespace = 'shop'::regnamespace
        AND relname IN ('stg_orders', 'customers', 'cleaned_orders') ORDER BY 1";
    assert_eq!(place.rows(kinds).await, "customers|r\nstg_orders|v", "an ephemeral model is no relation");
    let comment = "SELECT obj_description('shop.customers'::regclass), col_description('shop.customers'::regclass, 1)";
    assert_eq!(place.rows(comment).await, "One row a customer.|Number of the customer.");
    let oids = "SELECT 'shop.stg_orders'::regclass::oid, 'shop.raw_orders'::regclass::oid,
        (SELECT xmin FROM shop.raw_orders LIMIT 1), (SELECT xmin FROM pg_class WHERE oid = 'shop.stg_orders'::regclass)";
    let (before, events) = (place.rows(oids).await, place.rows("SELECT count(*) FROM shop.order_events").await);
    assert_eq!(events, "5");
    let told = place.good(&["build"]);
    assert_eq!(place.rows(oids).await, before, "seeds and views that did not change are left alone");
    assert!(told.contains("unchanged"), "{told}");
    assert_eq!(
        place.rows("SELECT count(*), count(DISTINCT xmin::text) FROM shop.order_events").await,
        "5|2",
        "only the last day came again"
    );
    assert_eq!(place.rows("SELECT what FROM shop.run_log ORDER BY at").await, "start\nend\nstart\nend");
    assert_eq!(place.rows("SELECT count(*) FROM shop_history.customers_history").await, "3");
    let state = place.artifact("run_results.json");
    assert!(state["results"].as_array().expect("a list").len() > 15);
}

#[tokio::test(flavor = "multi_thread")]
async fn new_rows_of_a_seed_flow_through_and_a_full_refresh_makes_all_anew() {
    let place = Place::shop().await;
    place.good(&["build"]);
    place.edit("seeds/raw_orders.csv", "5,2,2024-03-09,open,", "5,2,2024-03-09,paid,100\n6,1,2024-04-01,paid,500");
    place.edit("seeds/raw_customers.csv", "Grace", "Hopper");
    place.good(&["build"]);
    assert_eq!(
        place.rows("SELECT order_id, status FROM shop.order_events WHERE order_id > 4 ORDER BY 1").await,
        "5|paid\n6|paid"
    );
    assert_eq!(place.rows("SELECT revenue FROM shop.customers ORDER BY customer_id").await, "40.50\n10.00\n120.00");
    let versions = "SELECT name, dbt_valid_to IS NULL FROM shop_history.customers_history WHERE customer_id = 2 ORDER BY dbt_valid_from";
    assert_eq!(place.rows(versions).await, "Grace|f\nHopper|t");
    place.sql("UPDATE shop.order_events SET status = 'wrong' WHERE order_id = 1").await;
    place.good(&["run", "--select", "order_events"]);
    assert_eq!(place.rows("SELECT status FROM shop.order_events WHERE order_id = 1").await, "wrong");
    place.good(&["run", "--select", "order_events", "--full-refresh"]);
    assert_eq!(place.rows("SELECT status FROM shop.order_events WHERE order_id = 1").await, "paid");
}

#[tokio::test(flavor = "multi_thread")]
async fn selectors_pick_as_dbt_does() {
    let place = Place::shop().await;
    let picked = |arguments: &[&str]| {
        // Whether their rows are there does not matter to what is picked; an ephemeral model is no result.
        place.run(&[&["run", "--empty"], arguments].concat());
        let results = place.artifact("run_results.json");
        let ids =
            results["results"].as_array().expect("a list").iter().filter_map(|result| result["unique_id"].as_str());
        let names = ids.filter_map(|id| id.strip_prefix("model."));
        let names: std::collections::BTreeSet<&str> = names.filter_map(|id| id.split('.').nth(1)).collect();
        names.into_iter().collect::<Vec<_>>().join(" ")
    };
    assert_eq!(picked(&["--select", "tag:marts"]), "customers customers_copy status_counts");
    assert_eq!(picked(&["--select", "+stg_orders"]), "stg_orders");
    assert_eq!(picked(&["--select", "customers+1"]), "customers customers_copy");
    assert_eq!(picked(&["--select", "config.materialized:ephemeral", "package:tools"]), "tools_calendar");
    assert_eq!(picked(&["--select", "models/marts,status_*"]), "status_counts");
    assert_eq!(picked(&["--select", "1+customers", "--exclude", "stg_customers"]), "customers stg_orders");
    assert_eq!(picked(&["--select", "@stg_customers"]), "customers customers_copy stg_customers stg_orders");
    assert_eq!(picked(&["--selector", "marts"]), "customers customers_copy status_counts stg_customers stg_orders");
}
