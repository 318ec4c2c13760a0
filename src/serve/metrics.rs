//! Metrics in the Prometheus text format: runs, freshness, leadership, requests.

use crate::warehouse::gc_standing::GcStanding;
use crate::warehouse::pages::Freshness;
use prometheus_client::encoding::{EncodeLabelSet, text::encode};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::{Registry, Unit};
use std::sync::atomic::AtomicU64;
use std::time::Duration;

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct State {
    state: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfJob {
    workspace: String,
    job: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfSlots {
    job: String,
    state: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Request {
    class: String,
    status: u16,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct InWorkspace {
    workspace: String,
}

type Seconds = Gauge<f64, AtomicU64>;

/// All metrics of this process.
pub struct Metrics {
    registry: Registry,
    runs: Family<State, Counter>,
    slots: Family<OfSlots, Counter>,
    next_due: Family<OfJob, Seconds>,
    models: Counter,
    run_seconds: Seconds,
    requests: Family<Request, Counter>,
    leading: Gauge,
    age: Family<InWorkspace, Seconds>,
    duration: Family<InWorkspace, Seconds>,
    failed: Family<InWorkspace, Gauge>,
    gc_waiting: Family<InWorkspace, Seconds>,
    store_bytes: Family<InWorkspace, Seconds>,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::with_prefix("quintile");
        let (runs, requests) = (Family::default(), Family::default());
        let (slots, next_due) = (Family::default(), Family::<OfJob, Seconds>::default());
        let (models, leading) = (Counter::default(), Gauge::default());
        let (run_seconds, age, duration) = (Seconds::default(), Family::default(), Family::default());
        let failed = Family::default();
        let (gc_waiting, store_bytes) = (Family::default(), Family::default());
        registry.register("runs", "Runs that this process ended, by state", runs.clone());
        registry.register("slots", "Due times and requests that this process ended, by job and state", slots.clone());
        registry.register_with_unit(
            "job_next_due_timestamp",
            "When each job is due next, in Unix time",
            Unit::Seconds,
            next_due.clone(),
        );
        registry.register("models_built", "Models that this process built", models.clone());
        registry.register_with_unit(
            "last_run_duration",
            "Duration of the last run of this process",
            Unit::Seconds,
            run_seconds.clone(),
        );
        registry.register("http_requests", "Requests, by class of path and status", requests.clone());
        registry.register("leader", "1 while this process leads", leading.clone());
        registry.register_with_unit("published_age", "Time since the last publish", Unit::Seconds, age.clone());
        registry.register_with_unit(
            "published_duration",
            "Duration of the run that was published last",
            Unit::Seconds,
            duration.clone(),
        );
        registry.register("last_run_failed", "1 when the last run failed", failed.clone());
        registry.register_with_unit(
            "gc_waiting",
            "Longest time that superseded tables wait for transactions that are open since before",
            Unit::Seconds,
            gc_waiting.clone(),
        );
        registry.register_with_unit("store", "Size of the tables of all kept runs", Unit::Bytes, store_bytes.clone());
        Metrics {
            registry,
            runs,
            slots,
            next_due,
            models,
            run_seconds,
            requests,
            leading,
            age,
            duration,
            failed,
            gc_waiting,
            store_bytes,
        }
    }
}

impl Metrics {
    /// Counts a run that ended.
    pub fn run_ended(&self, state: &str, elapsed: Duration) {
        self.runs.get_or_create(&State { state: state.into() }).inc();
        self.run_seconds.set(elapsed.as_secs_f64());
    }

    /// Counts a model that was built.
    pub fn model_built(&self) {
        self.models.inc();
    }

    /// Counts slots of a job that ended in this state.
    pub fn slots_ended(&self, job: &str, state: &str, count: u64) {
        self.slots.get_or_create(&OfSlots { job: job.into(), state: state.into() }).inc_by(count);
    }

    /// When a job is due next.
    pub fn next_due(&self, workspace: &str, job: &str, at: chrono::DateTime<chrono::Utc>) {
        let labels = OfJob { workspace: workspace.into(), job: job.into() };
        #[allow(clippy::cast_precision_loss)] // Whole seconds of this millennium.
        self.next_due.get_or_create(&labels).set(at.timestamp() as f64);
    }

    /// Counts a request; `class` is the route, never the path as it was sent.
    pub fn request(&self, class: &str, status: u16) {
        self.requests.get_or_create(&Request { class: class.into(), status }).inc();
    }

    /// The text for a scrape. Without `freshness` and `store` (no database) the metrics about them are left out.
    #[must_use]
    pub fn text(&self, leading: bool, freshness: Option<&[Freshness]>, store: Option<&[GcStanding]>) -> String {
        self.leading.set(i64::from(leading));
        self.age.clear();
        self.duration.clear();
        self.failed.clear();
        for fresh in freshness.unwrap_or_default() {
            let labels = InWorkspace { workspace: fresh.workspace.clone() };
            if let Some(seconds) = fresh.published_age_seconds {
                self.age.get_or_create(&labels).set(seconds);
            }
            if let Some(seconds) = fresh.published_duration_seconds {
                self.duration.get_or_create(&labels).set(seconds);
            }
            self.failed.get_or_create(&labels).set(i64::from(fresh.is_last_run_failed));
        }
        self.gc_waiting.clear();
        self.store_bytes.clear();
        for standing in store.unwrap_or_default() {
            let labels = InWorkspace { workspace: standing.workspace.clone() };
            self.gc_waiting.get_or_create(&labels).set(standing.waiting_seconds);
            self.store_bytes.get_or_create(&labels).set(standing.store_bytes);
        }
        let mut text = String::new();
        // Writing to a string does not fail.
        let _ = encode(&mut text, &self.registry);
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scrape_holds_runs_requests_and_freshness() {
        let metrics = Metrics::default();
        metrics.run_ended("published", Duration::from_millis(1500));
        (0..12).for_each(|_| metrics.model_built());
        metrics.slots_ended("nightly", "skipped", 3);
        metrics.next_due("default", "nightly", chrono::DateTime::UNIX_EPOCH + chrono::TimeDelta::days(1));
        metrics.request("/", 200);
        let fresh = Freshness {
            workspace: "default".into(),
            published_age_seconds: Some(60.0),
            published_duration_seconds: Some(2.5),
            is_last_run_failed: true,
        };
        let store = GcStanding { workspace: "default".into(), waiting_seconds: 7.5, store_bytes: 8192.0 };
        let text = metrics.text(true, Some(&[fresh]), Some(&[store]));
        for line in [
            "quintile_runs_total{state=\"published\"} 1",
            "quintile_models_built_total 12",
            "quintile_slots_total{job=\"nightly\",state=\"skipped\"} 3",
            "quintile_job_next_due_timestamp_seconds{workspace=\"default\",job=\"nightly\"} 86400.0",
            "quintile_last_run_duration_seconds 1.5",
            "quintile_http_requests_total{class=\"/\",status=\"200\"} 1",
            "quintile_leader 1",
            "quintile_published_age_seconds{workspace=\"default\"} 60.0",
            "quintile_last_run_failed{workspace=\"default\"} 1",
            "quintile_gc_waiting_seconds{workspace=\"default\"} 7.5",
            "quintile_store_bytes{workspace=\"default\"} 8192.0",
        ] {
            assert!(text.lines().any(|known| known == line), "{line} is missing in\n{text}");
        }
        assert!(!metrics.text(false, None, None).contains("age_seconds{"), "no database, no freshness");
    }
}
