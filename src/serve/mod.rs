//! The daemon: schedule, leadership, shutdown, health, metrics, dashboard.

mod crontab;
pub mod schedule;
