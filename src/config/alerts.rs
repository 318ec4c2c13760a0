//! `[alerts]`: where early warnings and failed runs are told outside, and how patiently.

use serde::Deserialize;

/// A shorter secret can be guessed.
const SECRET_MIN: usize = 16;

/// `[alerts]`.
#[derive(Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Alerts {
    /// Where messages are posted to; without it nothing is raised.
    pub webhook_url: Option<String>,
    /// Key of the signature of messages; without it they have none.
    pub secret: Option<String>,
    /// Alerts in one message at most.
    pub batch_size: usize,
    /// Seconds that the receiver may take.
    pub timeout_seconds: u64,
    /// How often a message is tried in all.
    pub max_tries: u32,
    /// Days in which a customer is not told again for the same kind.
    pub repeat_days: u32,
    /// Tell runs that failed too.
    pub run_failures: bool,
    /// Messages say what the warnings say, and not only whom they are about.
    pub with_details: bool,
}

impl Default for Alerts {
    fn default() -> Self {
        Alerts {
            webhook_url: None,
            secret: None,
            batch_size: 100,
            timeout_seconds: 10,
            max_tries: 10,
            repeat_days: 14,
            run_failures: false,
            with_details: false,
        }
    }
}

impl std::fmt::Debug for Alerts {
    /// Never shows the secret, nor the URL: those of chat systems are secrets themselves.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Alerts")
            .field("webhook_url", &self.webhook_url.as_ref().map(|_| "(set)"))
            .finish_non_exhaustive()
    }
}

/// One sentence per wrong value.
pub(super) fn problems(alerts: &Alerts, found: &mut Vec<String>) {
    let numbers = [
        ("batch_size", alerts.batch_size as u64, 1, 1000),
        ("timeout_seconds", alerts.timeout_seconds, 1, 300),
        ("max_tries", alerts.max_tries.into(), 1, 100),
        ("repeat_days", alerts.repeat_days.into(), 0, 3650),
    ];
    for (name, value, least, most) in numbers {
        if !(least..=most).contains(&value) {
            found.push(format!("setting \"alerts.{name}\" is {value}; it must be from {least} to {most}"));
        }
    }
    let is_address = |url: &str| {
        let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
        rest.is_some_and(|rest| !rest.is_empty() && !rest.starts_with(['/', ':', '?']))
            && url.chars().all(|c| c.is_ascii_graphic())
            && !rest.is_some_and(|rest| rest.split(['/', '?']).next().is_some_and(|host| host.contains('@')))
    };
    if alerts.webhook_url.as_deref().is_some_and(|url| !is_address(url)) {
        found.push(
            "setting \"alerts.webhook_url\" is no address; it must be https://HOST/PATH or http://HOST:PORT/PATH, \
             without a user before the host"
                .into(),
        );
    }
    if alerts.secret.as_ref().is_some_and(|secret| secret.len() < SECRET_MIN) {
        found.push(format!("setting \"alerts.secret\" is shorter than {SECRET_MIN} characters"));
    }
}
