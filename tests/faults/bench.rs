//! A server with orders, a project and the program on it: where a scenario begins.

use crate::lab::{Lab, Server};
use crate::program::{Ended, Program};
use crate::readers::{OWN_VIEW, Readers};
use quintile::config::{Database, Settings};
use quintile::warehouse::Warehouse;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

/// Customers of every bench; each has an order in each generation.
pub const CUSTOMERS: i64 = 200;
/// Jobs of the daemon, all due every minute: so it always has work.
pub const JOBS: usize = 40;
/// Readers, as the promise says.
const READERS: usize = 20;

/// Which models are built.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Project {
    /// Ten small models of all kinds, for many rounds.
    Till,
    /// The models of this repository.
    Bundled,
}

/// Server, orders, project, program.
pub struct Bench {
    /// The server.
    pub server: Server,
    /// The program, with a direct connection.
    pub program: Program,
    /// Changes of the orders so far.
    generation: AtomicU32,
}

impl Bench {
    /// A bench whose first generation is published.
    pub async fn new(lab: &Lab, name: &str, project: Project) -> Bench {
        Bench::on(lab, name, project, lab.server(name).await).await
    }

    /// As [`Bench::new`], on this server.
    pub async fn on(lab: &Lab, name: &str, project: Project, server: Server) -> Bench {
        let folder = lab.folder.join(format!("{name}-project"));
        copy_project(project, &folder);
        write_settings(&folder, "");
        let logs = lab.folder.join(format!("{name}-logs"));
        std::fs::create_dir_all(&logs).expect("a folder");
        let url = server.url("quintile", "shop");
        let program = Program { url, project: folder, logs, lease_seconds: 3, environment: Vec::new() };
        let bench = Bench { server, program, generation: AtomicU32::new(1) };
        bench.fill().await;
        let built = bench.program.build().await;
        assert!(built.is_good(), "the first build: {}", built.tail());
        bench.server.execute(OWN_VIEW).await;
        bench.server.execute("GRANT SELECT ON public.own_view TO reader").await;
        bench
    }

    /// The orders, each customer between one and eight of them.
    async fn fill(&self) {
        let settings = Settings {
            database: Database { url: Some(self.program.url.clone()), ..Database::default() },
            ..Settings::default()
        };
        let warehouse =
            Warehouse::connect(&settings, &self.program.url).await.unwrap_or_else(|e| panic!("{}", e.report()));
        warehouse.migrate().await.unwrap_or_else(|e| panic!("{}", e.report()));
        warehouse.prepare_workspace(None).await.unwrap_or_else(|e| panic!("{}", e.report()));
        let client = self.server.client().await;
        client.execute(include_str!("orders.sql"), &[&i32::try_from(CUSTOMERS).expect("few")]).await.expect("orders");
        client.batch_execute("CREATE TABLE public.first_orders AS SELECT * FROM raw.orders").await.expect("a copy");
    }

    /// Multiplies every order anew, in one transaction: the next generation.
    pub async fn change_orders(&self) -> u32 {
        self.change_orders_on(&self.server).await
    }

    /// As [`Bench::change_orders`], on a server that took over.
    pub async fn change_orders_on(&self, server: &Server) -> u32 {
        let generation = self.generation.fetch_add(1, Ordering::Relaxed) + 1;
        let sql = "UPDATE raw.orders AS o SET quantity = f.quantity * $1::int FROM public.first_orders AS f
            WHERE f.source = o.source AND f.order_id = o.order_id AND f.line = o.line";
        let times = i32::try_from(generation).expect("few");
        server.client().await.execute(sql, &[&times]).await.expect("changed orders");
        generation
    }

    /// The generation that readers see: the sum of a public relation over that of the first orders.
    pub async fn published_generation(&self) -> u32 {
        let sql = "SELECT ((SELECT sum(monetary) FROM marts.customer_360)
            / (SELECT sum(quantity * unit_price) FROM public.first_orders))::int";
        u32::try_from(self.server.value::<i32>(sql).await).expect("a generation")
    }

    /// How long the publish of a build took, as its report says.
    pub fn publish_time(&self, built: &Ended) -> Option<Duration> {
        let (_, rest) = built.text.split_once("relations at once in ")?;
        let seconds: f64 = rest.split_whitespace().next()?.parse().ok()?;
        rest.split_whitespace().nth(1)?.starts_with('s').then(|| Duration::from_secs_f64(seconds))
    }

    /// Twenty readers.
    pub fn readers(&self) -> Readers {
        self.some_readers(READERS)
    }

    /// So many readers.
    pub fn some_readers(&self, count: usize) -> Readers {
        Readers::start(&self.server.url("reader", "shop"), count, CUSTOMERS)
    }

    /// Gives the project jobs that are due every minute, known for `minutes` minutes already. One job in ten makes up for
    /// the newest of what it missed, the others for the last due time only.
    pub async fn schedule(&self, minutes: i32) {
        let jobs: String = (1..=JOBS).map(|n| job(&format!("refresh_{n}"), n % 10 == 0)).collect();
        write_settings(&self.program.project, &jobs);
        let sql = "INSERT INTO quintile.slots (workspace, job, scheduled_for, state, fence, finished_at)
            SELECT 'default', 'refresh_' || n, date_trunc('minute', now()) - make_interval(mins => $2), 'skipped', 0, now()
            FROM generate_series(1, $1::int) AS n";
        let count = i32::try_from(JOBS).expect("few");
        self.server.client().await.execute(sql, &[&count, &minutes]).await.expect("slots");
    }

    /// Ends all leases. Only when their holders are known to be dead: it spares the wait for what would come anyway.
    pub async fn expire_leases(&self) {
        self.server.execute("UPDATE quintile.leases SET expires_at = clock_timestamp()").await;
    }
}

/// One `[[jobs]]` entry, due every minute.
fn job(name: &str, makes_up_for_all: bool) -> String {
    let catch_up = if makes_up_for_all { "catch_up = \"all\"\ncatch_up_limit = 50\n" } else { "" };
    format!("\n[[jobs]]\nname = \"{name}\"\nschedule = \"* * * * *\"\ntimezone = \"UTC\"\n{catch_up}")
}

/// Writes the project's settings.
fn write_settings(project: &Path, text: &str) {
    let folder = project.join("config");
    std::fs::create_dir_all(&folder).expect("a folder");
    std::fs::write(folder.join("quintile.toml"), text).expect("settings");
}

fn copy_project(project: Project, to: &Path) {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let from = match project {
        Project::Till => root.join("tests/faults/till"),
        Project::Bundled => root,
    };
    for folder in ["models", "macros", "seeds"] {
        if from.join(folder).is_dir() {
            copy_folder(&from.join(folder), &to.join(folder));
        }
    }
}

fn copy_folder(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a folder");
    for entry in std::fs::read_dir(from).expect("a folder").flatten() {
        let target = to.join(entry.file_name());
        match entry.path().is_dir() {
            // The bundled real orders are no seeds of a model.
            true if entry.file_name() == "demo" => {}
            true => copy_folder(&entry.path(), &target),
            false => drop(std::fs::copy(entry.path(), target).expect("a copy")),
        }
    }
}
