//! Erasure of a person: gone everywhere, kept away, told without the id; and the answer to what is known.

use crate::harness::Database;
use crate::shop;
use quintile::config::Settings;
use quintile::error::{Kind, Result};
use quintile::ingest::{IngestRequest, LoadReport, ingest};
use quintile::pipeline;
use quintile::warehouse::Warehouse;
use quintile::warehouse::erase::{EraseRequest, Erasure};
use quintile::warehouse::person::Person;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Output};
use std::time::Duration;

const MAPPING: &str = r#"
description = "a shop"
[defaults]
currency = "EUR"
timezone = "UTC"
[columns]
order_id = "Order"
customer_id = { column = "Customer", strip_suffix = ".0" }
ordered_at = { column = "Date", format = "%Y-%m-%d" }
quantity = "Qty"
unit_price = "Price"
"#;

/// Ann and Bob buy; one row of each is rejected.
const FILE: &str = "Order,Customer,Date,Qty,Price\n\
    o1,ann-7.0,2024-01-01,1,10\n\
    o2,ann-7.0,2024-02-01,2,10\n\
    o3,bob-8.0,2024-02-02,3,10\n\
    o4,ann-7.0,2024-02-30,1,10\n\
    o5,bob-8.0,never,1,10\n";

/// A database with a mapping `shop` and a project of two models.
struct House {
    warehouse: Warehouse,
    settings: Settings,
    dir: tempfile::TempDir,
    db: Database,
}

impl House {
    async fn new() -> House {
        let db = Database::new().await;
        let dir = tempfile::tempdir().expect("a folder");
        let settings = Settings { project_dir: dir.path().into(), ..db.settings() };
        let house = House { warehouse: db.warehouse().await, settings, dir, db };
        std::fs::create_dir(house.dir.path().join("models")).expect("a folder");
        house.write("shop.toml", MAPPING);
        house.write("models/sources.yml", "sources: [{name: raw, tables: [{name: orders}]}]\n");
        house.write(
            "models/buyers.sql",
            "{{ config(materialized='table') }} SELECT customer_id, count(*) AS order_count FROM {{ source('raw', 'orders') }} GROUP BY customer_id",
        );
        house.write(
            "models/receipts.sql",
            "{{ config(materialized='table', meta={'contains_personal_data': 'buyer'}) }} SELECT order_id, customer_id AS buyer FROM {{ source('raw', 'orders') }}",
        );
        house.write(
            "models/unnamed.sql",
            "{{ config(materialized='table') }} SELECT customer_id AS somebody FROM {{ source('raw', 'orders') }}",
        );
        house
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.dir.path().join(name), text).expect("written");
    }

    async fn load(&self, name: &str, text: &str) -> LoadReport {
        self.load_by("shop", name, text).await
    }

    async fn load_by(&self, mapping: &str, name: &str, text: &str) -> LoadReport {
        self.write(name, text);
        let request = IngestRequest {
            file: self.dir.path().join(name),
            source: mapping.into(),
            mapping_dir: self.dir.path().into(),
            max_rejects: None,
            allow_empty: true,
        };
        ingest(&self.warehouse, &request, &mut |_| {}).await.unwrap_or_else(|e| panic!("{}", e.report()))
    }

    async fn build(&self) -> i64 {
        let report = shop::build(&self.warehouse, &self.settings, &[]).await;
        assert_eq!(report.state, "published", "{:?}", report.failed);
        report.run_id
    }

    async fn erase(&self, customer: &str) -> Result<Erasure> {
        pipeline::erase(&self.warehouse, &self.settings, request(customer)).await
    }

    async fn value(&self, sql: &str) -> String {
        shop::value(&self.warehouse, sql).await
    }

    /// The program with these arguments, with `plan` for its crash point.
    async fn run(&self, arguments: &[&str], plan: Option<&str>) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_quintile"));
        command.args(arguments).arg("--project-dir").arg(self.dir.path()).env("DATABASE_URL", self.db.url());
        command.envs(plan.map(|plan| ("QUINTILE_CRASH_POINT", plan)));
        tokio::task::spawn_blocking(move || command.output()).await.expect("joined").expect("the program runs")
    }
}

fn person(customer: &str) -> Person {
    Person { customer_id: customer.into(), ..Person::default() }
}

fn request(customer: &str) -> EraseRequest {
    EraseRequest { person: person(customer), ..EraseRequest::default() }
}

/// `relation action rows`, of what was erased.
fn told(erasure: &Erasure) -> Vec<String> {
    erasure.erased.iter().map(|part| format!("{} {} {}", part.relation, part.action, part.rows)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_leaves_raw_tables_rejected_rows_and_every_kept_run() {
    let house = House::new().await;
    house.load("a.csv", FILE).await;
    let (first, second) = (house.build().await, house.build().await);
    let pointers = "SELECT string_agg(relation || run_id, ' ' ORDER BY relation) FROM quintile.live";
    let before = house.value(pointers).await;
    let done = house.erase("ann-7").await.expect("erased");
    let expected = [
        format!("quintile_store.buyers__r{first} deleted 1"),
        format!("quintile_store.buyers__r{second} deleted 1"),
        format!("quintile_store.receipts__r{first} deleted 2"),
        format!("quintile_store.receipts__r{second} deleted 2"),
        "raw.orders deleted 2".to_owned(),
        "raw.rejected_rows redacted 1".to_owned(),
    ];
    assert_eq!(told(&done), expected);
    let suspects: Vec<String> =
        done.suspects.iter().map(|s| format!("{}.{} {}", s.relation, s.column, s.rows)).collect();
    let unnamed = |run: i64| format!("quintile_store.unnamed__r{run}.somebody 2");
    assert_eq!(suspects, [unnamed(first), unnamed(second)], "what nobody named is told and left");
    assert_eq!(house.value(pointers).await, before, "pointers stay");
    assert_eq!(house.value("SELECT string_agg(customer_id, ' ') FROM marts.buyers").await, "bob-8");
    assert_eq!(
        house.value("SELECT string_agg(raw_text, ' / ' ORDER BY line) FROM raw.rejected_rows").await,
        "(erased) / o5,bob-8.0,never,1,10"
    );
    assert_eq!(house.value("SELECT rows_read - rows_loaded - rows_rejected FROM raw.loads").await, "0");
    pipeline::rollback(&house.warehouse, &house.settings, Some(first)).await.expect("back");
    assert_eq!(house.value("SELECT count(*) FROM marts.buyers WHERE customer_id = 'ann-7'").await, "0");
    // Neither the log nor the tombstone tells who it was.
    let kept = house.value("SELECT string_agg(a::text, ' ') || (SELECT string_agg(t::text, ' ') FROM quintile.tombstones AS t) FROM quintile.audit_log AS a").await;
    assert!(kept.contains("\"raw.orders\"") && !kept.contains("ann-7"), "{kept}");
    assert!(!kept.contains(&hex("ann-7")), "{kept}");
    let again = house.erase("ann-7").await.expect("once more");
    assert!(again.was_erased && again.erased.is_empty(), "{again:?}");
}

fn hex(text: &str) -> String {
    text.bytes().map(|byte| format!("{byte:02x}")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_does_not_bring_the_person_back() {
    let house = House::new().await;
    house.load("a.csv", FILE).await;
    house.erase("ann-7").await.expect("erased");
    let again = house.load("b.csv", FILE).await;
    assert_eq!(
        (again.counts.rows_read, again.counts.rows_unchanged, again.counts.rows_rejected, again.counts.rows_erased),
        (5, 1, 2, 2)
    );
    assert_eq!(house.value("SELECT count(*) FROM raw.orders WHERE customer_id = 'ann-7'").await, "0");
    assert_eq!(
        house.value("SELECT count(*) FROM raw.rejected_rows AS r WHERE r::text LIKE '%ann-7%'").await,
        "0",
        "rejected rows do not bring the text back either"
    );
    // Who is erased from one source may come with another.
    let elsewhere = EraseRequest { person: Person { source: Some("other".into()), ..person("bob-8") }, ..request("") };
    let unknown = pipeline::erase(&house.warehouse, &house.settings, elsewhere).await.expect_err("not there");
    assert_eq!(unknown.message, "customer is not found in workspace \"default\"");
    let rest = house.load("c.csv", FILE).await;
    assert_eq!(rest.counts.rows_unchanged, 1, "an erasure that found nobody leaves no tombstone");
}

#[tokio::test(flavor = "multi_thread")]
async fn books_may_keep_the_lines_without_the_person() {
    let house = House::new().await;
    house.load("a.csv", FILE).await;
    let keeping = EraseRequest { keep_orders: true, ..request("ann-7") };
    let done = pipeline::erase(&house.warehouse, &house.settings, keeping).await.expect("erased");
    assert_eq!(told(&done), ["raw.orders unlinked 2", "raw.rejected_rows redacted 1"]);
    let money = "SELECT sum(quantity * unit_price)::float8 FROM raw.orders WHERE customer_id IS NULL";
    assert_eq!(house.value(money).await, "30");
    let again = house.load("b.csv", FILE).await;
    assert_eq!(
        (again.counts.rows_unchanged, again.counts.rows_erased),
        (3, 0),
        "the next file's lines are unlinked too"
    );
    assert_eq!(house.value(money).await, "30");
    // A later wish to erase all of it wins.
    house.load("c.csv", "Order,Customer,Date,Qty,Price\no9,ann-7.0,2024-03-01,1,1\n").await;
    assert_eq!(house.value("SELECT count(*) FROM raw.orders WHERE customer_id = 'ann-7'").await, "0");
    house.erase("ann-7").await.expect("known by its tombstone");
    let last = house.load("d.csv", "Order,Customer,Date,Qty,Price\no10,ann-7.0,2024-03-02,1,1\n").await;
    assert_eq!((last.counts.rows_loaded, last.counts.rows_erased), (0, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_counts_and_changes_nothing() {
    let house = House::new().await;
    house.load("a.csv", FILE).await;
    let dry = EraseRequest { is_dry_run: true, ..request("ann-7") };
    let would = pipeline::erase(&house.warehouse, &house.settings, dry).await.expect("counted");
    assert_eq!(told(&would), ["raw.orders deleted 2", "raw.rejected_rows redacted 1"]);
    assert_eq!(house.value("SELECT count(*) FROM raw.orders WHERE customer_id = 'ann-7'").await, "2");
    assert_eq!(house.value("SELECT count(*) FROM quintile.tombstones").await, "0");
    assert_eq!(house.value("SELECT count(*) FROM quintile.audit_log").await, "0");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_erased_is_told_with_the_next_step() {
    let house = House::new().await;
    house.load("a.csv", FILE).await;
    let told = EraseRequest { reason: Some("asked by ann-7".into()), ..request("ann-7") };
    let refused = pipeline::erase(&house.warehouse, &house.settings, told).await.expect_err("would stay in the log");
    assert_eq!((refused.kind, refused.message.as_str()), (Kind::Usage, "reason holds the customer's id"));
    let empty = house.erase(" ").await.expect_err("nobody");
    assert_eq!(empty.message, "customer id is empty");
    shop::execute(&house.warehouse, "UPDATE raw.orders SET id_is_synthetic = true WHERE customer_id = 'bob-8'").await;
    let made_up = house.erase("bob-8").await.expect_err("nobody's id");
    assert_eq!(made_up.message, "customer id is made up: it stands for no person");
    assert_eq!(house.value("SELECT count(*) FROM raw.orders").await, "3");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_erasure_waits_for_a_run_and_is_refused_while_one_goes_on() {
    let house = House::new().await;
    house.load("a.csv", FILE).await;
    let mut settings = house.settings.clone();
    settings.run.lease_seconds = 1;
    let lasting = Duration::from_secs(600);
    let wait = Duration::from_secs(5);
    let held = house.warehouse.acquire_lease("run:default", "a run", lasting, wait).await.expect("asked");
    let (lease, _) = held.expect("free");
    let busy = pipeline::erase(&house.warehouse, &settings, request("ann-7")).await.expect_err("a run is at work");
    assert_eq!(busy.message, "a run of workspace \"default\" is under way");
    assert_eq!(house.value("SELECT count(*) FROM raw.orders WHERE customer_id = 'ann-7'").await, "2");
    house.warehouse.release_lease(&lease, wait).await.expect("released");
    house.erase("ann-7").await.expect("now it may");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_load_that_is_under_way_cannot_slip_past_an_erasure() {
    let house = House::new().await;
    house.load("a.csv", FILE).await;
    // What a load does before it ends: its rows are there, unseen, and the tombstones are held.
    let mut loader = house.db.client().await;
    let load = loader.transaction().await.expect("begun");
    load.batch_execute(
        "INSERT INTO raw.orders (source, order_id, line, customer_id, ordered_at, quantity, unit_price, currency, load_id)
         VALUES ('shop', 'o8', 1, 'ann-7', now(), 1, 1, 'EUR', 77);
         LOCK TABLE quintile.tombstones IN SHARE MODE",
    )
    .await
    .expect("loaded");
    let erasing = {
        let (warehouse, settings) = (house.warehouse.clone(), house.settings.clone());
        tokio::spawn(async move { pipeline::erase(&warehouse, &settings, request("ann-7")).await })
    };
    while !house.db.shows("FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%tombstones%'").await {
        assert!(!erasing.is_finished(), "an erasure went past a load");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    load.commit().await.expect("the load ends");
    let done = erasing.await.expect("joined").expect("erased");
    assert_eq!(told(&done), ["raw.orders deleted 3", "raw.rejected_rows redacted 1"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_known_of_a_person_is_exported_and_nothing_of_others() {
    let house = House::new().await;
    house.load("a.csv", FILE).await;
    let run = house.build().await;
    let found = pipeline::export_person(&house.warehouse, &house.settings, person("ann-7")).await.expect("found");
    let counts: Vec<String> = found.iter().map(|part| format!("{} {}", part.relation, part.rows.len())).collect();
    let expected = [
        format!("quintile_store.buyers__r{run} 1"),
        format!("quintile_store.receipts__r{run} 2"),
        "raw.orders 2".to_owned(),
        "raw.rejected_rows 1".to_owned(),
    ];
    assert_eq!(counts, expected);
    let text = serde_json::to_string(&found).expect("JSON");
    assert!(text.contains("\"ordered_at\":\"2024-01-01T00:00:00") && !text.contains("bob"), "{text}");
    let log = house.value("SELECT facts::text FROM quintile.audit_log WHERE action = 'export_person'").await;
    assert!(log.contains("raw.rejected_rows") && !log.contains("ann-7"), "{log}");
    let unknown = pipeline::export_person(&house.warehouse, &house.settings, person("nobody")).await;
    assert_eq!(unknown.expect_err("nobody").kind, Kind::Failed);
}

/// Raw tables other than orders are found by their columns.
#[tokio::test(flavor = "multi_thread")]
async fn customers_and_members_of_campaigns_go_as_well() {
    let house = House::new().await;
    house.load("a.csv", FILE).await;
    shop::execute(
        &house.warehouse,
        "INSERT INTO raw.customers (source, customer_id, email, load_id) SELECT 'crm', id, id || '@example.com', 1 FROM unnest('{ann-7,bob-8}'::text[]) AS id;
         INSERT INTO raw.campaign_members (source, campaign_id, customer_id, arm, load_id) SELECT 'crm', 'spring', id, 'treated', 1 FROM unnest('{ann-7,bob-8}'::text[]) AS id",
    )
    .await;
    let of_crm = EraseRequest { person: Person { source: Some("crm".into()), ..person("ann-7") }, ..request("") };
    let done = pipeline::erase(&house.warehouse, &house.settings, of_crm).await.expect("erased");
    assert_eq!(told(&done), ["raw.campaign_members deleted 1", "raw.customers deleted 1"]);
    assert_eq!(
        house.value("SELECT count(*) FROM raw.orders WHERE customer_id = 'ann-7'").await,
        "2",
        "of another source"
    );
    assert_eq!(house.value("SELECT string_agg(email, ' ') FROM raw.customers").await, "bob-8@example.com");
    let done = house.erase("ann-7").await.expect("erased");
    assert_eq!(told(&done), ["raw.orders deleted 2", "raw.rejected_rows redacted 1"]);
}

/// The person stays away from tables other than orders too, and everybody else comes with the file.
#[tokio::test(flavor = "multi_thread")]
async fn files_of_customers_and_members_do_not_bring_the_person_back() {
    let house = House::new().await;
    let mapping = |table: &str, columns: &str| {
        format!(
            "description = \"a crm\"\nsource = \"crm\"\ntable = \"{table}\"\n[defaults]\ncurrency = \"EUR\"\ntimezone = \"UTC\"\n[columns]\n{columns}"
        )
    };
    let born = "customer_id = \"Customer\"\nemail = \"Mail\"\nbirth_date = \"Born\"\n";
    house.write("people.toml", &mapping("customers", born));
    let arms = "customer_id = \"Customer\"\ncampaign_id = \"Campaign\"\narm = \"Arm\"\n";
    house.write("members.toml", &mapping("campaign_members", arms));
    // Once with good rows, once with a row that is rejected.
    let people = "Customer,Mail,Born\nann-7,ann@example.com,1980-01-01\nbob-8,bob@example.com,1981-01-01\nann-7,a@example.com,never\n";
    let members = "Customer,Campaign,Arm\nann-7,spring,treated\nann-7,summer,control\nbob-8,spring,control\nann-7,autumn,absent\n";
    for (mapping, text) in [("people", people), ("members", members)] {
        let first = house.load_by(mapping, &format!("{mapping}.csv"), text).await;
        assert_eq!((first.counts.rows_rejected, first.counts.rows_erased), (1, 0), "{mapping}");
    }
    let done = house.erase("ann-7").await.expect("erased");
    let expected = ["raw.campaign_members deleted 2", "raw.customers deleted 1", "raw.rejected_rows redacted 2"];
    assert_eq!(told(&done), expected);
    let more = |text: &str, row: &str| format!("{text}{row}\n");
    let (people, members) = (more(people, "eve-9,eve@example.com,1982-01-01"), more(members, "eve-9,spring,treated"));
    // The grown file under its own name, and the same rows under another one.
    for (turn, name) in ["", "again_"].into_iter().enumerate() {
        let new = i64::from(turn == 0);
        let of_people = house.load_by("people", &format!("{name}people.csv"), &people).await.counts;
        let of_members = house.load_by("members", &format!("{name}members.csv"), &members).await.counts;
        for (counts, erased) in [(of_people, 1), (of_members, 2)] {
            let parts = (counts.rows_loaded, counts.rows_unchanged, counts.rows_rejected, counts.rows_erased);
            assert_eq!(parts, (new, 2 - new, 1, erased), "{name}: {counts:?}");
        }
        let there = "SELECT string_agg(customer_id, ' ' ORDER BY customer_id) FROM raw.";
        assert_eq!(house.value(&format!("{there}customers")).await, "bob-8 eve-9");
        assert_eq!(house.value(&format!("{there}campaign_members")).await, "bob-8 eve-9");
        let words = "SELECT count(*) FROM raw.rejected_rows AS r WHERE r::text LIKE '%ann-7%'";
        assert_eq!(house.value(words).await, "0", "{name}");
    }
}

/// Killed at each point in turn: all of the person is there, or nothing is and the tombstone stands.
#[tokio::test(flavor = "multi_thread")]
async fn an_erasure_killed_at_any_point_is_whole_or_has_not_been() {
    let house = House::new().await;
    house.load("a.csv", FILE).await;
    let state = "SELECT (SELECT count(*) FROM raw.orders WHERE customer_id = 'ann-7') || ' ' || (SELECT count(*) FROM quintile.tombstones) || ' ' || (SELECT count(*) FROM quintile.audit_log WHERE action = 'erase')";
    let (mut undone, mut done) = (0, 0);
    for number in 1..100 {
        let ended = house.run(&["erase", "--customer", "ann-7"], Some(&format!("{number}:kill"))).await;
        if ended.status.signal().is_none() {
            assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
            break;
        }
        match house.value(state).await.as_str() {
            "2 0 0" => undone += 1,
            "0 1 1" => done += 1,
            other => panic!("point {number} left {other}"),
        }
        shop::execute(
            &house.warehouse,
            "UPDATE quintile.leases SET expires_at = clock_timestamp(); DELETE FROM quintile.tombstones;
             DELETE FROM quintile.audit_log; DELETE FROM raw.orders; DELETE FROM raw.loads",
        )
        .await;
        house.load("a.csv", FILE).await;
    }
    assert!(undone >= 4 && done == 1, "{undone} points before COMMIT, {done} after it");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_commands_tell_what_they_did_and_keep_files_private() {
    let house = House::new().await;
    house.load("a.csv", FILE).await;
    let out = house.dir.path().join("ann.json");
    let path = out.to_str().expect("text");
    let exported = house.run(&["export-person", "--customer", "ann-7", "--out", path], None).await;
    assert!(exported.status.success(), "{}", String::from_utf8_lossy(&exported.stderr));
    assert_eq!(std::fs::metadata(&out).expect("a file").permissions().mode() & 0o777, 0o600);
    let document: serde_json::Value = serde_json::from_slice(&std::fs::read(&out).expect("text")).expect("JSON");
    assert_eq!(
        (&document["customer_id"], &document["relations"][0]["rows"][1]["order_id"]),
        (&"ann-7".into(), &"o2".into())
    );
    let again = house.run(&["export-person", "--customer", "ann-7", "--out", path], None).await;
    assert_eq!(again.status.code(), Some(1), "a file that is there is left alone");
    let dry = house.run(&["erase", "--customer", "ann-7", "--dry-run", "--format", "json"], None).await;
    let would: serde_json::Value = serde_json::from_slice(&dry.stdout).expect("JSON");
    assert_eq!((&would["is_dry_run"], &would["erased"][0]["rows"]), (&true.into(), &2.into()));
    let erased = house.run(&["erase", "--customer", "ann-7", "--rebuild"], None).await;
    let (results, notes) = (String::from_utf8_lossy(&erased.stdout), String::from_utf8_lossy(&erased.stderr));
    assert!(erased.status.success(), "{notes}");
    assert!(
        results.starts_with("table") && results.contains("raw.orders") && results.contains("published"),
        "{results}"
    );
    assert_eq!(house.value("SELECT string_agg(customer_id, ' ') FROM marts.buyers").await, "bob-8");
    let unknown = house.run(&["erase", "--customer", "nobody-9"], None).await;
    let notes = String::from_utf8_lossy(&unknown.stderr);
    assert!(unknown.status.code() == Some(1) && !notes.contains("nobody-9"), "logs do not keep ids: {notes}");
}

/// The whole project: no published relation, fit or sample names an erased customer.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_of_the_bundled_project_names_an_erased_customer() {
    let db = Database::new().await;
    let warehouse = db.warehouse().await;
    shop::fill_orders(&warehouse, 150).await;
    let report = shop::build(&warehouse, &db.settings(), &[]).await;
    assert_eq!(report.state, "published", "{:?}", report.failed);
    // The customer of the first sample, so that a pseudonym has to go as well.
    let id =
        shop::value(&warehouse, "SELECT customer_id FROM raw.orders ORDER BY load_id, line, order_id LIMIT 1").await;
    let pseudonym = shop::value(&warehouse, &format!("SELECT quintile.pseudonym('{id}')")).await;
    let sampled = format!("SELECT count(*) FROM marts.data_quality_samples WHERE customer_id = '{pseudonym}'");
    assert_ne!(shop::value(&warehouse, &sampled).await, "0", "the macro and the function make the same pseudonym");
    let done = pipeline::erase(&warehouse, &db.settings(), request(&id)).await.expect("erased");
    assert_eq!(done.suspects, [], "no column of another name holds customers");
    assert_eq!(shop::value(&warehouse, &sampled).await, "0");
    for place in told(&done) {
        assert!(!place.starts_with("marts."), "{place}");
    }
    let words = format!("'\"' || '{id}' || '\"'");
    let fits = format!("SELECT count(*) FROM quintile.fits WHERE position({words} IN facts::text) > 0");
    assert_eq!(shop::value(&warehouse, &fits).await, "0", "fits hold no persons");
    assert_ne!(shop::value(&warehouse, "SELECT count(*) FROM quintile.fits").await, "0");
    let report = shop::build(&warehouse, &db.settings(), &[]).await;
    assert_eq!(report.state, "published", "{:?}", report.failed);
    let left = format!("SELECT count(*) FROM marts.customers WHERE customer_id = '{id}'");
    assert_eq!(shop::value(&warehouse, &left).await, "0");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_file_after_an_erasure_tells_what_is_there_now() {
    let house = House::new().await;
    let before = house.load("a.csv", FILE).await;
    let done = house.erase("ann-7").await.expect("erased");
    let gone = done.erased.iter().find(|part| part.relation == "raw.orders").expect("orders of hers").rows;
    let there = before.counts.rows_loaded - i64::try_from(gone).expect("few");
    let compared = house.load("a.csv", FILE).await;
    assert!(!compared.is_unchanged, "{compared:?}");
    assert_eq!((compared.counts.rows_unchanged, compared.counts.rows_loaded), (there, 0), "{compared:?}");
    assert!(compared.counts.rows_erased > 0, "{compared:?}");
    let again = house.load("a.csv", FILE).await;
    assert!(again.is_unchanged && again.counts.rows_unchanged == there, "{again:?}");
    let words = "SELECT count(*) FROM raw.rejected_rows WHERE raw_text LIKE '%ann-7%'";
    assert_eq!(house.value(words).await, "0", "her rejected row does not come back either");
}
