//! The daemon: schedule, leadership, shutdown, health, metrics, dashboard.
