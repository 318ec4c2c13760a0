//! Alerts: told once, signed, again until they are taken, and no more about anybody than is wanted.

use crate::daemon::{Daemon, wait_for};
use crate::small::Small;
use hmac::{Hmac, KeyInit, Mac};
use quintile::pipeline;
use quintile::warehouse::erase::EraseRequest;
use quintile::warehouse::person::Person;
use serde_json::Value as Json;
use sha2::Sha256;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

const SECRET: &str = "a secret that nobody guesses";

/// A message as it came.
#[derive(Clone, Debug)]
struct Message {
    head: String,
    body: String,
}

impl Message {
    fn header(&self, name: &str) -> Option<&str> {
        let lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.filter(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value).next()
    }

    fn json(&self) -> Json {
        serde_json::from_str(&self.body).expect("JSON")
    }

    /// `kind customer` of each alert.
    fn told(&self) -> Vec<String> {
        let alerts = self.json()["alerts"].as_array().cloned().expect("a list");
        let text = |alert: &Json, key: &str| alert[key].as_str().unwrap_or("-").to_owned();
        alerts.iter().map(|alert| format!("{} {}", text(alert, "kind"), text(alert, "customer_id"))).collect()
    }
}

/// What a receiver answers to its next message; 200 when nothing is left.
#[derive(Clone, Copy)]
enum Answer {
    Status(u16),
    Never,
}

struct Receiver {
    url: String,
    messages: Arc<Mutex<Vec<Message>>>,
}

impl Receiver {
    async fn start(answers: &[Answer]) -> Receiver {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}/hook?from=quintile", listener.local_addr().expect("an address"));
        let messages: Arc<Mutex<Vec<Message>>> = Arc::default();
        let (kept, mut answers) = (messages.clone(), VecDeque::from(answers.to_vec()));
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut text = String::new();
                let (head, body) = loop {
                    let mut part = [0; 4096];
                    let count = stream.read(&mut part).await.expect("bytes");
                    assert!(count > 0, "the message broke off: {text}");
                    text.push_str(std::str::from_utf8(&part[..count]).expect("text"));
                    let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
                    let length =
                        head.to_lowercase().lines().find_map(|l| l.strip_prefix("content-length: ").map(str::to_owned));
                    if body.len() >= length.and_then(|l| l.parse().ok()).expect("a length") {
                        break (head.to_owned(), body.to_owned());
                    }
                };
                kept.lock().expect("no panic").push(Message { head, body });
                match answers.pop_front().unwrap_or(Answer::Status(200)) {
                    Answer::Status(code) => {
                        let answer =
                            format!("HTTP/1.1 {code} So\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n");
                        stream.write_all(answer.as_bytes()).await.expect("answered");
                    }
                    Answer::Never => {
                        tokio::spawn(async move {
                            tokio::time::sleep(Duration::from_secs(3600)).await;
                            drop(stream);
                        });
                    }
                }
            }
        });
        Receiver { url, messages }
    }

    fn all(&self) -> Vec<Message> {
        self.messages.lock().expect("no panic").clone()
    }

    async fn wait_for(&self, count: usize) -> Vec<Message> {
        for _ in 0..600 {
            if self.all().len() >= count {
                return self.all();
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("{count} messages did not come, but {:?}", self.all());
    }
}

/// A project whose warnings are these customers, all overdue.
async fn warned(receiver: &Receiver, customers: &[&str]) -> Small {
    let mut small = Small::new().await;
    small.settings.serve.lease_seconds = 3;
    small.settings.alerts.webhook_url = Some(receiver.url.clone());
    small.settings.alerts.secret = Some(SECRET.into());
    small.settings.alerts.batch_size = 2;
    warn(&small, customers);
    small
}

fn warn(small: &Small, customers: &[&str]) {
    let rows: Vec<String> = customers
        .iter()
        .zip(1..)
        .map(|(id, rank)| format!("('{id}', 'overdue', {rank}, 'Silent.', 7.5, 'EUR')"))
        .collect();
    small.table(
        "early_warnings",
        &format!(
            "SELECT * FROM (VALUES {}) AS w (customer_id, kind, rank, message, value_at_stake, currency)",
            rows.join(", ")
        ),
    );
}

const STATES: &str = "SELECT string_agg(format('%s %s', state, number), ', ' ORDER BY state)
    FROM (SELECT state, count(*) AS number FROM quintile.alerts GROUP BY state) AS counted";

#[tokio::test(flavor = "multi_thread")]
async fn warnings_are_told_once_signed_and_without_more_than_the_id() {
    let receiver = Receiver::start(&[]).await;
    let small = warned(&receiver, &["a", "b", "c"]).await;
    let first = small.publish(&[]).await;
    let client = small.db.client().await;
    let delivered = "SELECT count(*) FROM quintile.alerts WHERE state = 'delivered'";
    let daemon = Daemon::start(&small.db, &small.settings).await;
    wait_for(&client, delivered, 3).await;
    let messages = receiver.all();
    assert_eq!(
        messages.iter().map(Message::told).collect::<Vec<_>>(),
        [vec!["overdue a", "overdue b"], vec!["overdue c"]]
    );
    assert!(messages[0].head.starts_with("POST /hook?from=quintile HTTP/1.1"), "{}", messages[0].head);
    for message in &messages {
        let mut mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).expect("a key");
        mac.update(message.body.as_bytes());
        let digits: String = mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(message.header("x-quintile-signature"), Some(&*format!("sha256={digits}")));
        assert!(!message.body.contains("Silent") && !message.body.contains("7.5"), "{}", message.body);
    }
    let keys: Vec<&str> = messages.iter().filter_map(|m| m.header("idempotency-key")).collect();
    assert!(keys.len() == 2 && keys[0] != keys[1] && keys[0].starts_with("quintile-default-"), "{keys:?}");
    let of_run = &messages[0].json()["alerts"][0];
    assert_eq!((of_run["run_id"].as_i64(), of_run.get("message")), (Some(first), None));

    // The next run warns of two of them again, and of another customer.
    warn(&small, &["a", "b", "d"]);
    small.publish(&[]).await;
    wait_for(&client, delivered, 4).await;
    daemon.stop().await;
    let daemon = Daemon::start(&small.db, &small.settings).await;
    tokio::time::sleep(Duration::from_secs(5)).await;
    daemon.stop().await;
    let messages = receiver.all();
    assert_eq!(messages.len(), 3, "nothing comes twice");
    assert_eq!(messages[2].told(), ["overdue d"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_taken_is_told_again_under_its_key_and_given_up_in_the_end() {
    let receiver = Receiver::start(&[Answer::Status(503), Answer::Status(302)]).await;
    let mut small = warned(&receiver, &["a"]).await;
    small.publish(&[]).await;
    let client = small.db.client().await;
    let daemon = Daemon::start(&small.db, &small.settings).await;
    wait_for(&client, "SELECT count(*) FROM quintile.alerts WHERE state = 'delivered' AND tries = 3", 1).await;
    daemon.stop().await;
    let messages = receiver.all();
    assert_eq!(messages.len(), 3, "refused, sent elsewhere, taken");
    let same =
        |name: &str| messages.iter().all(|m| m.header(name).is_some() && m.header(name) == messages[0].header(name));
    assert!(same("idempotency-key") && same("x-quintile-signature"), "{messages:?}");

    let gone = Receiver::start(&[Answer::Status(410), Answer::Status(410)]).await;
    small.settings.alerts.webhook_url = Some(gone.url.clone());
    small.settings.alerts.max_tries = 2;
    warn(&small, &["a", "b"]);
    small.publish(&[]).await;
    let daemon = Daemon::start(&small.db, &small.settings).await;
    wait_for(&client, "SELECT count(*) FROM quintile.alerts WHERE state = 'failed'", 1).await;
    daemon.stop().await;
    assert_eq!(gone.all().len(), 2);
    let why = "SELECT tries || ' ' || last_error FROM quintile.alerts WHERE state = 'failed'";
    assert!(small.value(why).await.starts_with("2 the receiver answered 410"));
    assert_eq!(small.value(STATES).await, "delivered 1, failed 1");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_daemon_that_dies_before_the_answer_leaves_the_message_to_the_next() {
    let receiver = Receiver::start(&[Answer::Never]).await;
    let small = warned(&receiver, &["a"]).await;
    small.publish(&[]).await;
    let daemon = Daemon::start(&small.db, &small.settings).await;
    receiver.wait_for(1).await;
    assert_eq!(small.value(STATES).await, "waiting 1", "sent, but nobody knows whether it was taken");
    daemon.crash();
    small.execute("UPDATE quintile.leases SET expires_at = clock_timestamp()").await;
    let daemon = Daemon::start(&small.db, &small.settings).await;
    let messages = receiver.wait_for(2).await;
    wait_for(&small.db.client().await, "SELECT count(*) FROM quintile.alerts WHERE state = 'delivered'", 1).await;
    daemon.stop().await;
    assert_eq!(messages[0].header("idempotency-key"), messages[1].header("idempotency-key"));
    assert_eq!(messages[0].body, messages[1].body);
}

#[tokio::test(flavor = "multi_thread")]
async fn details_and_failed_runs_are_told_where_that_is_wanted_and_an_erasure_reaches_alerts() {
    let receiver = Receiver::start(&[]).await;
    let mut small = warned(&receiver, &["a"]).await;
    small.settings.alerts.with_details = true;
    small.settings.alerts.run_failures = true;
    small.publish(&[]).await;
    small.table("broken", "SELECT 1 / 0 AS n");
    let failed = small.build(&[]).await;
    assert_eq!(failed.state, "failed");
    let client = small.db.client().await;
    let daemon = Daemon::start(&small.db, &small.settings).await;
    wait_for(&client, "SELECT count(*) FROM quintile.alerts WHERE state = 'delivered'", 2).await;
    daemon.stop().await;
    let messages = receiver.all();
    assert_eq!(messages[0].told(), ["overdue a", "run_failed -"]);
    let alerts = messages[0].json()["alerts"].clone();
    assert_eq!(alerts[0]["message"], "Silent.");
    assert_eq!((alerts[0]["value_at_stake"].as_str(), alerts[0]["currency"].as_str()), (Some("7.5"), Some("EUR")));
    assert_eq!(alerts[1]["run_id"].as_i64(), Some(failed.run_id));
    assert!(!messages[0].body.contains("zero"), "errors quote values: {}", messages[0].body);

    let person = Person { customer_id: "a".into(), ..Person::default() };
    let found = pipeline::export_person(&small.warehouse, &small.settings, person.clone()).await.expect("rows");
    assert!(found.iter().any(|part| part.relation == "quintile.alerts"), "{found:?}");
    let request = EraseRequest { person, ..EraseRequest::default() };
    let erased = pipeline::erase(&small.warehouse, &small.settings, request).await.expect("erased");
    assert!(erased.erased.iter().any(|part| part.relation == "quintile.alerts" && part.rows == 1), "{erased:?}");
    assert_eq!(small.value("SELECT string_agg(kind, ' ') FROM quintile.alerts").await, "run_failed");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_webhook_nothing_is_raised() {
    let receiver = Receiver::start(&[]).await;
    let mut small = warned(&receiver, &["a"]).await;
    small.settings.alerts.webhook_url = None;
    small.settings.jobs = vec![quintile::config::Job::new("nightly", "0 3 1 1 *")];
    small.publish(&[]).await;
    let daemon = Daemon::start(&small.db, &small.settings).await;
    tokio::time::sleep(Duration::from_secs(4)).await;
    daemon.stop().await;
    assert_eq!(small.value("SELECT count(*) FROM quintile.alerts").await, "0");
}
