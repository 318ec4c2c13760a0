//! Readers as BI tools have them: they poll the public views all the time, and every answer is judged.
//!
//! Their orders are all multiplied by one number, the generation, in one transaction. So the sum of any published
//! relation tells which generation its rows were made from, and relations read in one statement must agree on it,
//! whichever runs they come from.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_postgres::{Client, NoTls, Row};

/// Customers and sums of three relations, in one statement.
const CHECK: &str = "
    SELECT c.n AS customers, s.n AS scored, p.n AS of_personas,
        c.m::float8 AS monetary, coalesce(c.m = s.m AND c.m = p.m, false) AS agrees,
        c.run_id AS newest_run, c.run_id = c.first_run AS is_one_run
    FROM (
        SELECT count(*) AS n, sum(monetary) AS m, max(run_id) AS run_id, min(run_id) AS first_run FROM marts.customer_360
    ) AS c
    CROSS JOIN (SELECT count(*) AS n, sum(monetary) AS m FROM marts.rfm_scores) AS s
    CROSS JOIN (
        SELECT count(*) AS n, sum(monetary) AS m
        FROM (
            SELECT monetary FROM marts.persona_vips
            UNION ALL SELECT monetary FROM marts.persona_loyalists
            UNION ALL SELECT monetary FROM marts.persona_casual_shoppers
            UNION ALL SELECT monetary FROM marts.persona_at_risk
        ) AS of_any
    ) AS p";

/// The same through a view that a user made on top of ours.
const THROUGH_OWN_VIEW: &str = "
    SELECT count(*) AS customers, count(*) AS scored, count(*) AS of_personas,
        sum(monetary)::float8 AS monetary, coalesce(bool_and(monetary = scored_monetary), false) AS agrees,
        max(run_id) AS newest_run, max(run_id) = min(run_id) AS is_one_run
    FROM public.own_view";

/// A user's own view, which must live through everything.
pub const OWN_VIEW: &str = "
    CREATE VIEW public.own_view AS
    SELECT c.customer_id, c.run_id, c.monetary, s.monetary AS scored_monetary
    FROM marts.customer_360 AS c JOIN marts.rfm_scores AS s USING (customer_id)";

/// Pause between two reads of one reader.
const PAUSE: Duration = Duration::from_millis(10);
/// Answers that are told word for word; more would say nothing new.
const SAMPLES: usize = 3;

/// How a reader reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Habit {
    /// A statement of its own each time.
    Plain,
    /// One prepared statement for the whole connection.
    Prepared,
    /// Through [`OWN_VIEW`].
    OwnView,
    /// One repeatable-read transaction over many publishes: every answer in it must be the same.
    Repeatable,
    /// A repeatable-read transaction that first looks at the views when its snapshot is old.
    Late,
}

impl Habit {
    fn name(self) -> &'static str {
        match self {
            Habit::Plain => "plain",
            Habit::Prepared => "prepared",
            Habit::OwnView => "own view",
            Habit::Repeatable => "repeatable",
            Habit::Late => "late",
        }
    }

    /// Half prepare; one each has one of the other habits.
    fn of(number: usize) -> Habit {
        match number {
            1 => Habit::OwnView,
            3 => Habit::Repeatable,
            5 => Habit::Late,
            even if even % 2 == 0 => Habit::Prepared,
            _ => Habit::Plain,
        }
    }
}

/// What readers saw.
#[derive(Debug, Default)]
pub struct Seen {
    /// Answers.
    pub reads: u64,
    /// Errors by SQLSTATE; `io` for a connection that broke, `connect` for one that could not be had.
    pub errors: BTreeMap<String, u64>,
    /// Wrong answers.
    pub torn: u64,
    /// Answers older than an earlier one.
    pub back: u64,
    /// Wrong answers in words.
    pub samples: Vec<String>,
    /// Time of each answer in microseconds.
    pub waits: Vec<u32>,
    /// The longest of them in microseconds, by the habit of the reader.
    pub longest: BTreeMap<&'static str, u32>,
}

impl Seen {
    /// The longest wait.
    pub fn stall(&self) -> Duration {
        self.waits.iter().max().map_or(Duration::ZERO, |most| Duration::from_micros(u64::from(*most)))
    }

    /// The wait that this share of the answers stayed within.
    pub fn wait(&self, share: f64) -> Duration {
        let mut sorted = self.waits.clone();
        sorted.sort_unstable();
        let place = ((sorted.len() as f64 * share) as usize).min(sorted.len().saturating_sub(1));
        sorted.get(place).map_or(Duration::ZERO, |wait| Duration::from_micros(u64::from(*wait)))
    }

    fn note(&mut self, sample: String) {
        if self.samples.len() < SAMPLES {
            self.samples.push(sample);
        }
    }
}

/// Readers at work.
pub struct Readers {
    tasks: JoinSet<()>,
    stop: watch::Sender<bool>,
    seen: Arc<Mutex<Seen>>,
}

impl Readers {
    /// Starts `count` readers on `url`, who expect `customers` customers.
    pub fn start(url: &str, count: usize, customers: i64) -> Readers {
        let (stop, stopping) = watch::channel(false);
        let seen = Arc::new(Mutex::new(Seen::default()));
        let mut tasks = JoinSet::new();
        for number in 0..count {
            let reader = Reader {
                url: url.to_owned(),
                habit: Habit::of(number),
                customers,
                seen: Arc::clone(&seen),
                stop: stopping.clone(),
                newest: (0.0, 0),
            };
            tasks.spawn(reader.poll());
        }
        Readers { tasks, stop, seen }
    }

    /// Ends them and returns what they saw.
    pub async fn stop(mut self) -> Seen {
        self.stop.send_replace(true);
        while let Some(ended) = self.tasks.join_next().await {
            ended.expect("a reader's own code does not break");
        }
        std::mem::take(&mut *self.seen.lock().expect("no reader panicked"))
    }
}

struct Reader {
    url: String,
    habit: Habit,
    customers: i64,
    seen: Arc<Mutex<Seen>>,
    stop: watch::Receiver<bool>,
    /// The newest generation and run that this reader saw; kept over connections.
    newest: (f64, i64),
}

impl Reader {
    async fn poll(mut self) {
        while !*self.stop.borrow() {
            let connecting = tokio_postgres::connect(&self.url, NoTls);
            match tokio::time::timeout(Duration::from_secs(3), connecting).await {
                Ok(Ok((client, connection))) => {
                    tokio::spawn(connection);
                    if let Err(e) = self.read(&client).await {
                        let code = e.code().map_or("io", tokio_postgres::error::SqlState::code).to_owned();
                        self.count(code);
                    }
                }
                Ok(Err(_)) | Err(_) => {
                    self.count("connect".into());
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            }
        }
    }

    fn count(&self, code: String) {
        *self.seen.lock().expect("no reader panicked").errors.entry(code).or_default() += 1;
    }

    async fn read(&mut self, client: &Client) -> Result<(), tokio_postgres::Error> {
        let sql = if self.habit == Habit::OwnView { THROUGH_OWN_VIEW } else { CHECK };
        let prepared = match self.habit {
            Habit::Prepared => Some(client.prepare(sql).await?),
            _ => None,
        };
        while !*self.stop.borrow() {
            match self.habit {
                Habit::Repeatable | Habit::Late => self.read_repeatably(client).await?,
                _ => {
                    let asked = Instant::now();
                    let row = match &prepared {
                        Some(statement) => client.query_one(statement, &[]).await?,
                        None => client.query_one(sql, &[]).await?,
                    };
                    self.judge(&row, asked.elapsed());
                }
            }
            tokio::time::sleep(PAUSE).await;
        }
        Ok(())
    }

    /// A few seconds in one snapshot.
    async fn read_repeatably(&mut self, client: &Client) -> Result<(), tokio_postgres::Error> {
        client.batch_execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SELECT 1").await?;
        if self.habit == Habit::Late {
            tokio::time::sleep(Duration::from_secs(3)).await;
        }
        let mut first = None;
        for _ in 0..20 {
            let asked = Instant::now();
            let row = client.query_one(CHECK, &[]).await?;
            self.judge(&row, asked.elapsed());
            let answer: (Option<f64>, Option<i64>) = (row.get("monetary"), row.get("newest_run"));
            if *first.get_or_insert(answer) != answer {
                let mut seen = self.seen.lock().expect("no reader panicked");
                seen.torn += 1;
                seen.note(format!("{first:?} and then {answer:?} in one snapshot"));
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        client.batch_execute("COMMIT").await
    }

    fn judge(&mut self, row: &Row, wait: Duration) {
        let counts: [i64; 3] = [row.get("customers"), row.get("scored"), row.get("of_personas")];
        let agrees: bool = row.get("agrees");
        let is_one_run: Option<bool> = row.get("is_one_run");
        let now = (row.get::<_, Option<f64>>("monetary"), row.get::<_, Option<i64>>("newest_run"));
        let mut seen = self.seen.lock().expect("no reader panicked");
        seen.reads += 1;
        let micros = u32::try_from(wait.as_micros()).unwrap_or(u32::MAX);
        seen.waits.push(micros);
        let longest = seen.longest.entry(self.habit.name()).or_default();
        *longest = micros.max(*longest);
        if counts != [self.customers; 3] || !agrees || is_one_run != Some(true) {
            seen.torn += 1;
            seen.note(format!("{counts:?} rows in three relations, sums equal: {agrees}, {now:?} ({:?})", self.habit));
        }
        // An old snapshot is no step back.
        if matches!(self.habit, Habit::Repeatable | Habit::Late) {
            return;
        }
        let now = (now.0.unwrap_or_default(), now.1.unwrap_or_default());
        if now.0 < self.newest.0 || now.1 < self.newest.1 {
            seen.back += 1;
            let newest = self.newest;
            seen.note(format!("{now:?} after {newest:?}"));
        }
        self.newest = (self.newest.0.max(now.0), self.newest.1.max(now.1));
    }
}
