//! Personas by the rules of the seed, concentration and Lorenz curves, against definitions written down a second time.

use crate::harness::Database;
use crate::shop;
use crate::small::Small;
use quintile::config::Settings;
use quintile::warehouse::Warehouse;

/// What a cluster is like, as far as the rules look at it.
#[derive(Clone, Copy, Debug)]
struct Profile {
    customers: i32,
    recency_days: f64,
    frequency: f64,
    monetary: f64,
    profit: Option<f64>,
    recency_z: f64,
    frequency_z: f64,
}

/// The bundled rules in Rust: which persona each profile goes by.
fn ladder(profiles: &[Profile]) -> Vec<&'static str> {
    let mut names = vec![""; profiles.len()];
    let unnamed = |names: &[&str], by: fn(&Profile) -> f64| {
        let mut left: Vec<usize> = (0..profiles.len()).filter(|i| names[*i].is_empty()).collect();
        left.sort_by(|a, b| by(&profiles[*b]).total_cmp(&by(&profiles[*a])));
        left
    };
    let by_recency = unnamed(&names, |p| p.recency_days);
    for (rank, cluster) in by_recency.iter().enumerate() {
        let behind = by_recency.len() - rank - 1;
        if (rank == 0 && behind >= 1) || (profiles[*cluster].recency_z > 0.5 && behind >= 3) {
            names[*cluster] = "At Risk";
        }
    }
    if let Some(best) = unnamed(&names, |p| p.monetary).first() {
        names[*best] = "VIPs";
    }
    let by_frequency = unnamed(&names, |p| p.frequency);
    for (rank, cluster) in by_frequency.iter().enumerate() {
        let is_last = rank + 1 == by_frequency.len();
        let is_often = rank == 0 || (profiles[*cluster].frequency_z > 0.5 && !is_last);
        names[*cluster] = if is_often { "Loyalists" } else { "Casual Shoppers" };
    }
    names
}

/// Profiles that differ from call to call and are the same in every test run.
fn profiles(count: usize, seed: u64) -> Vec<Profile> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 40) as f64 / f64::from(1 << 24)
    };
    (0..count)
        .map(|_| Profile {
            customers: 1 + (next() * 1000.0) as i32,
            recency_days: (next() * 4000.0).round() / 10.0,
            frequency: 1.0 + (next() * 200.0).round() / 10.0,
            monetary: (next() * 10_000.0).round() / 4.0,
            profit: Some((next() * 10_000.0).round() / 8.0),
            recency_z: next() * 3.0 - 1.5,
            frequency_z: next() * 3.0 - 1.5,
        })
        .collect()
}

/// The bundled model and rules over profiles that a test makes up.
struct Naming(Small);

impl Naming {
    async fn new() -> Naming {
        let small = Small::new().await;
        let (from, to) = (shop::project_folder(), small.settings.project_dir.clone());
        shop::copy_folder(&from.join("macros"), &to.join("macros"));
        std::fs::create_dir_all(to.join("seeds")).expect("a folder");
        for file in ["models/cluster_personas.sql", "seeds/persona_rules.csv"] {
            let place = file.replace("models/", "models/personas/");
            std::fs::copy(from.join(place), to.join(file)).expect("a copy");
        }
        small
            .execute(
                "CREATE TABLE public.profiles (cluster_id integer, customers integer, mean_recency_days float8,
            mean_frequency float8, mean_monetary numeric, mean_profit numeric, recency_z float8, frequency_z float8)",
            )
            .await;
        small.table("cluster_profiles", "SELECT * FROM public.profiles");
        Naming(small)
    }

    /// Replaces the rules; the first line names the columns as the bundled file does.
    fn rules(&self, lines: &str) {
        let head =
            "position,persona,measure,takes,leaves,further_measure,further_beyond,further_leaves,reason,further_reason";
        std::fs::write(self.0.settings.project_dir.join("seeds/persona_rules.csv"), format!("{head}\n{lines}\n"))
            .expect("rules");
    }

    /// The personas of the profiles, which get the numbers that `number` gives their places.
    async fn names(&self, profiles: &[Profile], number: impl Fn(usize) -> usize) -> Vec<String> {
        let rows: Vec<String> = profiles
            .iter()
            .enumerate()
            .map(|(place, p)| {
                let profit = p.profit.map_or("NULL".to_owned(), |profit| profit.to_string());
                format!(
                    "({}, {}, {}, {}, {}, {profit}, {}, {})",
                    number(place),
                    p.customers,
                    p.recency_days,
                    p.frequency,
                    p.monetary,
                    p.recency_z,
                    p.frequency_z
                )
            })
            .collect();
        self.0
            .execute(&format!("TRUNCATE public.profiles; INSERT INTO public.profiles VALUES {}", rows.join(", ")))
            .await;
        self.0.publish(&["+cluster_personas"]).await;
        let mut names = Vec::new();
        for place in 0..profiles.len() {
            let sql = format!("SELECT persona FROM marts.cluster_personas WHERE cluster_id = {}", number(place));
            names.push(self.0.value(&sql).await);
        }
        assert_eq!(self.0.value("SELECT count(*) FROM marts.cluster_personas").await, profiles.len().to_string());
        names
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_bundled_rules_give_the_names_whatever_the_numbers_of_the_clusters() {
    let naming = Naming::new().await;
    let mut several_at_risk = 0;
    for seed in 1..=30 {
        let count = 1 + seed % 10;
        let profiles = profiles(count, seed as u64);
        let expected = ladder(&profiles);
        several_at_risk += usize::from(expected.iter().filter(|name| **name == "At Risk").count() > 1);
        assert_eq!(naming.names(&profiles, |place| place + 1).await, expected, "seed {seed}: {profiles:?}");
        assert_eq!(naming.names(&profiles, |place| 40 - place).await, expected, "seed {seed}, numbered backwards");
    }
    assert!(several_at_risk > 3, "the thresholds decided {several_at_risk} times only");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_two_and_three_clusters_have_their_names() {
    let naming = Naming::new().await;
    let profiles = profiles(3, 77);
    assert_eq!(naming.names(&profiles[..1], |place| place + 1).await, ["VIPs"]);
    let mut two = naming.names(&profiles[..2], |place| place + 1).await;
    two.sort();
    assert_eq!(two, ["At Risk", "VIPs"]);
    let mut three = naming.names(&profiles, |place| place + 1).await;
    three.sort();
    assert_eq!(three, ["At Risk", "Loyalists", "VIPs"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn equal_clusters_are_told_apart_by_what_else_they_are_like() {
    let naming = Naming::new().await;
    let one = profiles(1, 5)[0];
    // The same recency everywhere: the largest cluster is the first to be taken, whatever its number.
    let alike: Vec<Profile> = [10, 30, 20].map(|customers| Profile { customers, monetary: 0.0, ..one }).into();
    let forwards = naming.names(&alike, |place| place + 1).await;
    assert_eq!(forwards[1], "At Risk");
    assert_eq!(naming.names(&alike, |place| 9 - place).await, forwards);
}

#[tokio::test(flavor = "multi_thread")]
async fn rules_of_ones_own_name_clusters_and_say_why() {
    let naming = Naming::new().await;
    naming.rules(
        "10,Fresh,mean_recency_days,lowest,0,recency_z,-0.2,1,\"{value} days, rank {rank} of {of}\",\"near: {further_value} below {further_beyond}\"\n\
         20,Dear,mean_profit,highest,0,,,,\"{measure} {value}\",\n\
         30,Others,,,,,,,the rest of {customers} customers,",
    );
    let profile = |recency_days, recency_z, monetary, profit| Profile {
        customers: 1200,
        recency_days,
        frequency: 2.0,
        monetary,
        profit,
        recency_z,
        frequency_z: 0.0,
    };
    let mut four = vec![
        profile(5.0, -1.0, 10.0, Some(1.0)),
        profile(9.0, -0.5, 20.0, Some(2.0)),
        profile(50.0, 0.5, 30.0, Some(9.0)),
        profile(60.0, 0.7, 40.0, Some(8.0)),
    ];
    let number = |place| place + 1;
    assert_eq!(naming.names(&four, number).await, ["Fresh", "Fresh", "Dear", "Others"]);
    let reasons = "SELECT string_agg(reason, '; ' ORDER BY cluster_id) FROM marts.cluster_personas";
    assert_eq!(
        naming.0.value(reasons).await,
        "5.0 days, rank 1 of 4; near: -0.50 below -0.2; mean profit 9.0; the rest of 1,200 customers"
    );
    // The cost is not known for one of them: revenue decides for all.
    four[0].profit = None;
    assert_eq!(naming.names(&four, number).await, ["Fresh", "Fresh", "Others", "Dear"]);
    assert!(naming.0.value(reasons).await.contains("mean net revenue (profit is not known of everybody) 40.0"));
}

/// The whole project in a folder that a test may change, on a shop of so many customers.
async fn project(customers: i32) -> (Database, Warehouse, Settings, tempfile::TempDir) {
    let db = Database::new().await;
    let warehouse = db.warehouse().await;
    let folder = tempfile::tempdir().expect("a folder");
    shop::copy_project(folder.path());
    let settings = Settings { project_dir: folder.path().into(), ..db.settings() };
    shop::fill_orders(&warehouse, customers).await;
    (db, warehouse, settings, folder)
}

#[tokio::test(flavor = "multi_thread")]
async fn rules_that_the_playbook_does_not_know_publish_nothing() {
    let (_db, warehouse, settings, folder) = project(150).await;
    let rules = folder.path().join("seeds/persona_rules.csv");
    let text = std::fs::read_to_string(&rules).expect("rules");
    std::fs::write(
        &rules,
        text.replace("VIPs", "Whales").replace("mean_frequency,highest", "mean_frequencies,highest"),
    )
    .expect("written");
    let run = shop::build(&warehouse, &settings, &[]).await;
    let failed: Vec<&str> = run.failed.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(run.state, "failed");
    for name in [
        "relationships_persona_rules_persona",
        "relationships_persona_playbook_persona",
        "accepted_values_persona_rules_measure",
    ] {
        assert!(failed.contains(&name), "{name} is not among {failed:?}");
    }
    assert_eq!(shop::value(&warehouse, "SELECT count(*) FROM quintile.live").await, "0");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_was_dear_and_is_leaving_gets_an_action_of_his_own() {
    let (_db, warehouse, settings, _folder) = project(400).await;
    // Forty who bought for much three times, and then no more.
    shop::execute(
        &warehouse,
        "INSERT INTO raw.orders (source, order_id, line, customer_id, ordered_at, quantity, unit_price, currency, load_id)
         SELECT 'made_up', 'gone ' || i || ' ' || n, 1, 'gone ' || i, (SELECT min(ordered_at) FROM raw.orders) + make_interval(days => i + 9 * n),
             9, 500, 'EUR', 1
         FROM generate_series(1, 40) AS i CROSS JOIN generate_series(0, 2) AS n",
    )
    .await;
    let run = shop::build(&warehouse, &settings, &[]).await;
    assert_eq!((run.state.as_str(), &run.failed), ("published", &Vec::new()));
    let told = "SELECT concat_ws(' ', count(*) > 0, count(*) < (SELECT count(*) FROM marts.customer_360) / 2) FROM marts.customer_360 AS c
        INNER JOIN marts.next_best_actions AS n ON n.action = c.next_best_action AND n.channel = c.next_best_channel AND n.persona = c.persona
        WHERE c.m_score >= 4 AND c.purchase_probability_90d < 0.5";
    assert_eq!(shop::value(&warehouse, told).await, "t t");
    let others = "SELECT count(*) FROM marts.customer_360 AS c INNER JOIN marts.persona_playbook AS b USING (persona)
        WHERE (c.next_best_action <> b.action)
            <> (c.m_score >= 4 AND c.purchase_probability_90d < 0.5 AND c.persona <> 'Casual Shoppers')";
    assert_eq!(shop::value(&warehouse, others).await, "0");
}

#[tokio::test(flavor = "multi_thread")]
async fn concentration_and_gini_are_those_of_their_definitions() {
    let (_db, warehouse, settings, _folder) = project(173).await;
    // Somebody who sent back more than he bought, and a cost that makes some customers a loss.
    let more = "UPDATE raw.orders SET unit_cost = CASE WHEN hashtext(customer_id) % 3 = 0 THEN unit_price * 2 ELSE unit_price / 2 END;
        INSERT INTO raw.orders (source, order_id, line, customer_id, ordered_at, product_id, quantity, unit_price, unit_cost, currency, load_id)
        SELECT source, 'back', 1, customer_id, ordered_at, product_id, -40, 100, 60, currency, load_id FROM raw.orders WHERE customer_id = 'c7' LIMIT 1";
    shop::execute(&warehouse, more).await;
    let run = shop::build(&warehouse, &settings, &[]).await;
    assert_eq!((run.state.as_str(), &run.failed), ("published", &Vec::new()));
    let amounts = "SELECT v.basis, v.x FROM marts.customer_360 AS c CROSS JOIN LATERAL (VALUES
        ('revenue', c.monetary::float8), ('profit', c.profit::float8), ('predicted_ltv', round(c.predicted_ltv::numeric, 4)::float8)) AS v (basis, x)
        WHERE v.x IS NOT NULL";
    // The mean difference of all pairs over twice the mean of the absolute amounts.
    let wrong_gini = format!(
        "WITH a AS ({amounts}), d AS (SELECT a.basis, sum(abs(a.x - b.x)) AS pairs FROM a INNER JOIN a AS b USING (basis) GROUP BY 1),
            m AS (SELECT basis, count(*) AS n, sum(abs(x)) AS total FROM a GROUP BY 1)
        SELECT count(*) FROM marts.concentration AS c INNER JOIN d USING (basis) INNER JOIN m USING (basis)
        WHERE abs(c.gini - d.pairs / (2 * m.n * m.total)) > 1e-9 OR c.gini NOT BETWEEN 0 AND 1"
    );
    assert_eq!(shop::value(&warehouse, &wrong_gini).await, "0");
    let wrong_tops = format!(
        "WITH a AS ({amounts}), r AS (SELECT basis, x, row_number() OVER (PARTITION BY basis ORDER BY x DESC) AS place,
                count(*) OVER (PARTITION BY basis) AS n, sum(x) OVER (PARTITION BY basis) AS total FROM a),
            t AS (SELECT c.basis, c.top_share, sum(r.x) AS amount, count(*) AS n, max(r.total) AS total
                FROM marts.concentration AS c INNER JOIN r ON r.basis = c.basis AND r.place <= ceil(round(c.top_share::numeric, 4) * r.n)
                GROUP BY 1, 2)
        SELECT count(*) FROM marts.concentration AS c INNER JOIN t USING (basis, top_share)
        WHERE abs(c.top_amount::float8 - t.amount) > 1e-3 OR c.top_customers <> t.n OR abs(c.top_amount_share - t.amount / t.total) > 1e-6"
    );
    assert_eq!(shop::value(&warehouse, &wrong_tops).await, "0");
    assert_eq!(shop::value(&warehouse, "SELECT count(*) FROM marts.concentration").await, "12");
    let negative =
        "SELECT bool_and(negative_customers > 0)::text FROM marts.concentration WHERE basis <> 'predicted_ltv'";
    assert_eq!(shop::value(&warehouse, negative).await, "true");
    let curve = "SELECT string_agg(concat_ws(' ', basis, n, lowest, highest, bends), ', ' ORDER BY basis) FROM (
        SELECT basis, count(*) AS n, min(amount_share) FILTER (WHERE customers = 0) AS lowest, max(amount_share) FILTER (WHERE customer_share = 1) AS highest,
            count(*) FILTER (WHERE slope < former - 1e-9) AS bends
        FROM (SELECT *, lag(slope) OVER (PARTITION BY basis ORDER BY customers) AS former
            FROM (SELECT *, ((amount - lag(amount) OVER w) / (customers - lag(customers) OVER w))::float8 AS slope
                FROM marts.lorenz_curve WINDOW w AS (PARTITION BY basis ORDER BY customers)) AS s) AS t
        GROUP BY basis) AS u";
    assert_eq!(shop::value(&warehouse, curve).await, "predicted_ltv 101 0 1 0, profit 101 0 1 0, revenue 101 0 1 0");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_order_of_the_rows_changes_no_byte() {
    let (_db, warehouse, settings, _folder) = project(400).await;
    let relations = [
        "cluster_personas",
        "persona_summary",
        "customer_360",
        "concentration",
        "lorenz_curve",
        "insight_tests",
        "insights",
    ];
    let all: Vec<String> = relations
        .iter()
        .map(|name| format!("(SELECT string_agg((to_jsonb(r) - 'run_id')::text, E'\\n' ORDER BY (to_jsonb(r) - 'run_id')::text) FROM marts.{name} AS r)"))
        .collect();
    let digest = format!("SELECT concat_ws(E'\\n\\n', {})", all.join(", "));
    assert_eq!(shop::build(&warehouse, &settings, &[]).await.state, "published");
    let before = shop::value(&warehouse, &digest).await;
    shop::execute(
        &warehouse,
        "CREATE TABLE copied AS SELECT * FROM raw.orders ORDER BY hashtext(order_id); TRUNCATE raw.orders;
        INSERT INTO raw.orders SELECT * FROM copied",
    )
    .await;
    assert_eq!(shop::build(&warehouse, &settings, &[]).await.state, "published");
    let after = shop::value(&warehouse, &digest).await;
    assert!(before.len() > 100_000, "{} bytes were compared", before.len());
    if let Some((a, b)) = before.lines().zip(after.lines()).find(|(a, b)| a != b) {
        panic!("{a}\nbecame\n{b}");
    }
    assert_eq!(before.len(), after.len());
}
