//! `quintile explain`: what is told of a customer is what is published, and adds up.

use crate::harness::Database;
use crate::shop;
use crate::small::Small;
use quintile::config::Settings;
use quintile::pipeline::{self, BuildRequest};
use quintile::warehouse::Warehouse;
use serde_json::Value;
use std::path::Path;
use std::process::Command;
use tokio::sync::watch;

/// Exit code, standard output, standard error.
fn run(url: &str, project: &Path, arguments: &[&str]) -> (i32, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_quintile"))
        .arg("explain")
        .args(arguments)
        .arg("--project-dir")
        .arg(project)
        .env("DATABASE_URL", url)
        .output()
        .expect("the program runs");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
    (output.status.code().expect("a code"), text(output.stdout), text(output.stderr))
}

/// Publishes what is explained; other tests run the data tests.
async fn publish(warehouse: &Warehouse, settings: &Settings, select: &[&str]) {
    let (_keep, stop) = watch::channel(false);
    let request = BuildRequest {
        select: select.iter().map(|one| (*one).to_owned()).collect(),
        trigger: "test".into(),
        skip_tests: true,
        ..BuildRequest::default()
    };
    let report = pipeline::build(warehouse, settings, &request, stop).await.expect("a run");
    assert_eq!(report.state, "published", "{:?}", report.failed);
}

/// The word with `#` for each number in it; names such as `customer_360` stay.
fn mask(word: &str) -> String {
    if word.contains(char::is_alphabetic) {
        return word.to_owned();
    }
    let mut text = String::new();
    for (place, c) in word.char_indices() {
        let goes_on = word[place + c.len_utf8()..].starts_with(|next: char| next.is_ascii_digit());
        match c {
            '0'..='9' if text.ends_with('#') => {}
            '0'..='9' => text.push('#'),
            ',' | '.' if text.ends_with('#') && goes_on => {}
            c => text.push(c),
        }
    }
    text
}

/// The page, a line a paragraph, with `#` for every number: figures hang on the fit, words do not.
fn words(page: &str) -> String {
    let mut paragraphs: Vec<String> = Vec::new();
    for line in page.lines() {
        match paragraphs.last_mut() {
            Some(paragraph) if line.starts_with("   ") => {
                paragraph.push(' ');
                paragraph.push_str(line.trim_start());
            }
            _ => paragraphs.push(line.to_owned()),
        }
    }
    let masked = |paragraph: &String| -> String {
        let indent = paragraph.len() - paragraph.trim_start().len();
        format!("{}{}", " ".repeat(indent), paragraph.split_whitespace().map(mask).collect::<Vec<_>>().join(" "))
    };
    paragraphs.iter().map(masked).collect::<Vec<_>>().join("\n")
}

/// `section.name` of all that a document has, in order.
fn names(document: &Value) -> String {
    let mut names = Vec::new();
    for (name, value) in document.as_object().expect("an object") {
        match value {
            Value::Object(section) if name != "relations" => {
                names.extend(section.keys().map(|key| format!("{name}.{key}")));
            }
            _ => names.push(name.clone()),
        }
    }
    names.join("\n")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_is_explained_by_what_is_published() {
    let db = Database::new().await;
    let warehouse = db.warehouse().await;
    shop::fill_orders(&warehouse, 160).await;
    // A process that differs between these few customers, so that there is something to explain.
    let folder = tempfile::tempdir().expect("a folder");
    let project = folder.path().to_path_buf();
    shop::copy_project(&project);
    let model = project.join("models/analytics/customer_ltv.sql");
    let text = std::fs::read_to_string(&model).expect("the model");
    std::fs::write(&model, text.replace("estimator='auto'", "estimator='bg_nbd'")).expect("written");
    let mut settings = Settings { project_dir: project.clone(), ..db.settings() };
    settings.vars.insert("ltv_season".into(), "own".into());
    let (code, _, told) = run(db.url(), &project, &["c1"]);
    assert_eq!(code, 1);
    insta::assert_snapshot!("nothing_is_published", told);
    publish(&warehouse, &settings, &["+customer_segments", "+ltv_calibration", "+ltv_importance"]).await;

    let looked_for = "SELECT facts -> 'season' ->> 'is_used' FROM quintile.fits WHERE model = 'customer_ltv'";
    assert_eq!(shop::value(&warehouse, looked_for).await, "false", "these orders have no season");
    let busy = "SELECT customer_id FROM quintile_store.customer_purchases WHERE repeat_count >= 3 ORDER BY customer_id";
    let id = shop::value(&warehouse, busy).await;
    let (code, page, told) = run(db.url(), &project, &[&id]);
    assert_eq!(code, 0, "{told}");
    assert!(page.lines().all(|line| line.chars().count() <= 100), "{page}");
    assert!(!page.contains('\u{1b}') && !page.contains("NaN") && !page.contains("null"), "{page}");
    insta::assert_snapshot!("page", words(&page));

    let (code, json, told) = run(db.url(), &project, &[&id, "--format", "json"]);
    assert_eq!(code, 0, "{told}");
    let document: Value = serde_json::from_str(&json).expect("JSON");
    insta::assert_snapshot!("names", names(&document));
    let published = format!("SELECT to_jsonb(l) FROM marts.customer_ltv AS l WHERE customer_id = '{id}'");
    let published: Value = serde_json::from_str(&shop::value(&warehouse, &published).await).expect("JSON");
    let number =
        |section: &str, name: &str| document[section][name].as_f64().unwrap_or_else(|| panic!("{section}.{name}"));
    let (ahead, worth) = ("purchases_ahead", "lifetime_value");
    let near = |left: f64, right: f64| assert!((left - right).abs() <= 1e-6 * right.abs(), "{left} and {right}");
    for (section, name) in [(ahead, "predicted_purchases"), (worth, "predicted_ltv"), (worth, "expected_order_value")] {
        near(number(section, name), published[name].as_f64().expect(name));
    }
    assert_eq!(document[ahead]["is_reproduced"], true, "{document}");
    near(
        number(ahead, "predicted_purchases")
            * number(worth, "discount_factor")
            * number(worth, "purchase_value")
            * number(worth, "margin_share"),
        number(worth, "predicted_ltv"),
    );
    let below = format!(
        "SELECT (count(*) FILTER (WHERE l.predicted_ltv < c.predicted_ltv))::float8 / (count(*) - 1)
         FROM marts.customer_ltv AS l CROSS JOIN (SELECT predicted_ltv FROM marts.customer_ltv WHERE customer_id = '{id}') AS c"
    );
    near(number(worth, "predicted_ltv_share_below"), shop::value(&warehouse, &below).await.parse().expect("a share"));

    let (code, _, told) = run(db.url(), &project, &["C7"]);
    assert_eq!(code, 1);
    insta::assert_snapshot!("near_matches", told);
    let (code, _, told) = run(db.url(), &project, &["o'nobody"]);
    assert_eq!(code, 1);
    insta::assert_snapshot!("nobody", told);
    let (code, _, told) = run(db.url(), &project, &["c1", "--workspace", "shop_b"]);
    assert_eq!(code, 1, "{told}");
    assert!(told.contains("nothing is published in workspace \"shop_b\""), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn too_few_repeat_customers_are_told_by_their_code() {
    let db = Database::new().await;
    let warehouse = db.warehouse().await;
    shop::fill_orders(&warehouse, 40).await;
    publish(&warehouse, &db.settings(), &["+customer_ltv", "+rfm_scores"]).await;
    let (code, page, told) = run(db.url(), &shop::project_folder(), &["c3"]);
    assert_eq!(code, 0, "{told}");
    insta::assert_snapshot!("refused", words(&page));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_project_of_ones_own_need_not_have_all_relations() {
    let small = Small::new().await;
    small.table("totals", "SELECT 1 AS customer_id");
    small.publish(&[]).await;
    let folder = &small.settings.project_dir;
    let (code, _, told) = run(small.db.url(), folder, &["7"]);
    assert_eq!(code, 1);
    insta::assert_snapshot!("no_customers", told);
    // Ids may be numbers, columns may be fewer, and a column of another kind costs its relation only.
    small.table("customers", "SELECT 7::bigint AS customer_id, 12.5 AS net_revenue");
    small.table("rfm_scores", "SELECT 7::bigint AS customer_id, 'many' AS frequency");
    small.table("customer_ltv", "SELECT 7::bigint AS customer_id, 3.0::float8 AS predicted_ltv");
    small.table("customer_clusters", "SELECT 7::bigint AS person");
    small.publish(&[]).await;
    let (code, page, told) = run(small.db.url(), folder, &["7"]);
    assert_eq!(code, 0, "{told}");
    insta::assert_snapshot!("own_project", words(&page));
    let (_, _, told) = run(small.db.url(), folder, &["007.0"]);
    assert!(told.contains("There is \"7\"."), "{told}");
}
