//! Checks the values of settings that were read, and tells all that is wrong at once.

use super::{Schemas, Settings, alerts};
use std::collections::BTreeSet;

/// One for a run's snapshot of its sources, one for a model at work, one for the lease and the ledger, one for a page.
const FEWEST_CONNECTIONS: u64 = 4;
/// A shorter secret can be guessed.
const API_TOKEN_MIN: usize = 16;

/// One sentence per wrong value. Schedules are checked by the scheduler, which can read them.
pub(super) fn problems(settings: &Settings) -> Vec<String> {
    let mut found = Vec::new();
    let mut within = |name: &str, value: u64, least: u64, most: u64| {
        if !(least..=most).contains(&value) {
            found.push(format!("setting \"{name}\" is {value}; it must be from {least} to {most}"));
        }
    };
    within("database.max_connections", settings.database.max_connections as u64, FEWEST_CONNECTIONS, 1000);
    within("database.connect_timeout_seconds", settings.database.connect_timeout_seconds, 1, 600);
    within("run.threads", settings.run.threads as u64, 1, 64);
    within("run.keep_runs", settings.run.keep_runs as u64, 1, 1000);
    within("serve.grace_seconds", settings.serve.grace_seconds, 0, 3600);
    within("serve.start_patience_seconds", settings.serve.start_patience_seconds, 0, 86_400);
    within("run.lease_seconds", settings.run.lease_seconds, 2, 3600);
    within("run.publish_patience_seconds", settings.run.publish_patience_seconds, 1, 86_400);
    within("serve.lease_seconds", settings.serve.lease_seconds, 3, 3600);
    for job in &settings.jobs {
        let mut within = |key: &str, value: u64, least: u64, most: u64| {
            within(&format!("{key} of job \"{}\"", job.name), value, least, most);
        };
        within("catch_up_limit", job.catch_up_limit as u64, 1, 1000);
        within("start_deadline_seconds", job.start_deadline_seconds.unwrap_or(1), 1, 31_536_000);
        within("timeout_seconds", job.timeout_seconds.unwrap_or(1), 1, 604_800);
        within("model_timeout_seconds", job.model_timeout_seconds.unwrap_or(1), 1, 604_800);
        within("retries", job.retries.into(), 0, 20);
    }
    if let Some(share) = settings.run.max_row_loss_share.filter(|share| !(0.0..=1.0).contains(share)) {
        found.push(format!("setting \"run.max_row_loss_share\" is {share}; it must be from 0 to 1"));
    }
    if settings.serve.api_token.as_ref().is_some_and(|token| token.len() < API_TOKEN_MIN) {
        // How long it is stays with its owner.
        found.push(format!(
            "setting \"serve.api_token\" is shorter than {API_TOKEN_MIN} characters; write a random one, such as that of openssl rand -hex 32"
        ));
    }
    if settings.database.url.as_ref().is_some_and(|url| url.trim().is_empty()) {
        found.push("setting \"database.url\" is empty; remove it to use the embedded PostgreSQL".into());
    }
    if settings.embedded.dir.as_os_str().is_empty() {
        found.push("setting \"embedded.dir\" is empty; it must name a folder".into());
    }
    if !is_host_and_port(&settings.serve.listen) {
        found.push(format!(
            "setting \"serve.listen\" is \"{}\"; it must be HOST:PORT, such as 127.0.0.1:8080",
            settings.serve.listen
        ));
    }
    workspace_problem("workspace", &settings.workspace, &mut found);
    for name in settings.workspaces.keys() {
        workspace_problem(&format!("workspaces.{name}"), name, &mut found);
    }
    alerts::problems(&settings.alerts, &mut found);
    jobs(settings, &mut found);
    found
}

fn jobs(settings: &Settings, found: &mut Vec<String>) {
    let mut names = BTreeSet::new();
    for job in &settings.jobs {
        let name = &job.name;
        if name.trim().is_empty() {
            found.push("a job has an empty name; the name is what the run ledger shows".into());
        }
        if !names.insert(name) {
            found.push(format!(
                "job \"{name}\" is there twice; names must be unique, because a name and a time are a job's slot"
            ));
        }
        if job.schedule.trim().is_empty() {
            found.push(format!("job \"{name}\" has an empty schedule; write a crontab line such as \"0 3 * * *\""));
        }
        if job.timezone.parse::<chrono_tz::Tz>().is_err() {
            found.push(format!(
                "job \"{name}\" has the unknown time zone \"{}\"; write an IANA name such as Europe/Berlin",
                job.timezone
            ));
        }
        if let Some(workspace) = &job.workspace {
            workspace_problem(&format!("jobs.{name}.workspace"), workspace, found);
        }
    }
}

fn workspace_problem(setting: &str, name: &str, found: &mut Vec<String>) {
    if let Err(e) = Schemas::of(name) {
        found.push(format!("setting \"{setting}\": {e}; {}", e.hint.as_deref().unwrap_or_default()));
    }
}

fn is_host_and_port(text: &str) -> bool {
    text.rsplit_once(':').is_some_and(|(host, port)| {
        let bracketed = host.starts_with('[') == host.ends_with(']');
        let host_is_plain = host.starts_with('[') || !host.contains(':');
        !host.is_empty() && bracketed && host_is_plain && port.parse::<u16>().is_ok()
    })
}
