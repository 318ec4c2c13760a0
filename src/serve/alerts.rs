//! The leader raises alerts and posts them: each message until it is taken, or given up after so many tries.
//!
//! The database decides what is due, so a restart loses nothing. A message is marked as delivered after the answer: a
//! process that dies between the two posts it again, under the same key.

use super::backoff;
use super::leader::{Leadership, stopped};
use super::webhook::Webhook;
use crate::config::{Alerts, Settings};
use crate::error::Result;
use crate::warehouse::Warehouse;
use crate::warehouse::alerts::DueMessage;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use std::time::Duration;
use tokio::sync::watch;

/// How often it is looked for news.
const TICK: Duration = Duration::from_secs(2);

/// Tells what happens in some workspaces.
pub(super) struct Teller {
    /// One warehouse a workspace.
    pub(super) warehouses: Vec<Warehouse>,
    settings: Alerts,
    webhook: Webhook,
}

impl Teller {
    /// None where no webhook is set.
    pub(super) fn new(settings: &Settings, warehouses: Vec<Warehouse>) -> Result<Option<Teller>> {
        let alerts = settings.alerts.clone();
        let Some(url) = &alerts.webhook_url else { return Ok(None) };
        let webhook = Webhook::new(url, Duration::from_secs(alerts.timeout_seconds))?;
        Ok(Some(Teller { warehouses, settings: alerts, webhook }))
    }

    /// Works while this process leads, until `stop`.
    pub(super) async fn run(self, leadership: watch::Receiver<Option<Leadership>>, mut stop: watch::Receiver<bool>) {
        let leads = || leadership.borrow().as_ref().is_some_and(Leadership::is_trusted);
        loop {
            tokio::select! {
                () = stopped(&mut stop) => return,
                () = tokio::time::sleep(TICK) => {}
            }
            for warehouse in &self.warehouses {
                if leads()
                    && let Err(e) = self.tell(warehouse, &leads, &stop).await
                {
                    tracing::warn!(workspace = warehouse.schemas.workspace, error = %e, "alerts wait");
                }
            }
        }
    }

    /// Raises what is new, and posts what is due.
    async fn tell(
        &self,
        warehouse: &Warehouse,
        leads: &(impl Fn() -> bool + Sync),
        stop: &watch::Receiver<bool>,
    ) -> Result<()> {
        let raised = warehouse.raise_alerts(self.settings.repeat_days, self.settings.run_failures).await?;
        if raised > 0 {
            tracing::info!(workspace = warehouse.schemas.workspace, raised, "alerts raised");
        }
        while leads() && !*stop.borrow() {
            let due = warehouse.due_message(self.settings.batch_size, self.settings.with_details).await?;
            let Some(message) = due else { return Ok(()) };
            self.deliver(warehouse, &message).await?;
        }
        Ok(())
    }

    async fn deliver(&self, warehouse: &Warehouse, message: &DueMessage) -> Result<()> {
        let workspace = &warehouse.schemas.workspace;
        let body =
            serde_json::json!({ "workspace": workspace, "batch_id": message.batch_id, "alerts": message.alerts });
        let body = body.to_string().into_bytes();
        let mut headers = vec![("idempotency-key", format!("quintile-{workspace}-{}", message.batch_id))];
        if let Some(secret) = &self.settings.secret {
            headers.push(("x-quintile-signature", format!("sha256={}", signature(secret.as_bytes(), &body))));
        }
        let why = match self.webhook.post(&headers, body).await {
            Ok(status) if status.is_success() => {
                tracing::info!(
                    workspace,
                    batch_id = message.batch_id,
                    alerts = message.alerts.len(),
                    "alerts delivered"
                );
                return warehouse.alerts_delivered(message.batch_id).await;
            }
            Ok(status) => format!("the receiver answered {status}"),
            Err(why) => why,
        };
        tracing::warn!(workspace, batch_id = message.batch_id, reason = why, "alerts were not taken");
        let tries = u32::try_from(message.tries).unwrap_or(u32::MAX);
        let pause = backoff::pause(tries, (workspace, message.batch_id)).as_secs_f64();
        let most = i32::try_from(self.settings.max_tries).unwrap_or(i32::MAX);
        warehouse.alerts_refused(message.batch_id, &why, pause, most).await
    }
}

/// HMAC-SHA256 of the body, in hexadecimal digits.
fn signature(secret: &[u8], body: &[u8]) -> String {
    // Keys of any length are keys.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret) else { return String::new() };
    mac.update(body);
    mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::signature;

    /// RFC 4231, test case 2.
    #[test]
    fn the_signature_is_the_one_of_the_standard() {
        assert_eq!(
            signature(b"Jefe", b"what do ya want for nothing?"),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        );
    }
}
