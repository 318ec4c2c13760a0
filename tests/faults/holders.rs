//! Sessions that hold what others want: a forgotten transaction, a long query, an old snapshot, a prepared transaction.

use crate::lab::Server;
use std::time::Duration;
use tokio_postgres::Client;

/// All that readers see, read once.
const READ_ALL: &str = "SELECT count(*) FROM marts.customer_360 JOIN marts.rfm_scores USING (customer_id)
    JOIN (SELECT customer_id FROM marts.persona_loyalists UNION ALL SELECT customer_id FROM marts.persona_vips) AS p
    USING (customer_id)";

/// A way to hold on to the public views.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holder {
    /// Read, and then forgot to end the transaction.
    IdleInTransaction,
    /// Reads for minutes.
    LongQuery,
    /// Reads one snapshot over and over.
    RepeatableRead,
    /// `PREPARE TRANSACTION`, and nobody comes back.
    PreparedTransaction,
}

/// All of them.
pub const ALL: [Holder; 4] =
    [Holder::IdleInTransaction, Holder::LongQuery, Holder::RepeatableRead, Holder::PreparedTransaction];

/// One that holds until it is released.
pub struct Held {
    holder: Holder,
    client: Client,
}

impl Holder {
    /// Takes hold.
    pub async fn hold(self, server: &Server) -> Held {
        let client = server.client().await;
        let run = async |sql: &str| client.batch_execute(sql).await.unwrap_or_else(|e| panic!("{sql}: {e:?}"));
        match self {
            Holder::IdleInTransaction => run(&format!("BEGIN; {READ_ALL}")).await,
            Holder::RepeatableRead => run(&format!("BEGIN ISOLATION LEVEL REPEATABLE READ; {READ_ALL}")).await,
            Holder::PreparedTransaction => run(&format!("BEGIN; {READ_ALL}; PREPARE TRANSACTION 'forgotten'")).await,
            Holder::LongQuery => {
                let sql = format!("SELECT pg_sleep(600), r.* FROM ({READ_ALL}) AS r");
                // In a session of its own, because this one must be free to end it.
                let busy = server.client().await;
                tokio::spawn(async move { drop(busy.batch_execute(&sql).await) });
                for _ in 0..100 {
                    let waiting = "SELECT count(*) > 0 FROM pg_stat_activity WHERE wait_event = 'PgSleep'";
                    if server.value::<bool>(waiting).await {
                        break;
                    }
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
            }
        }
        Held { holder: self, client }
    }
}

impl Held {
    /// Lets go.
    pub async fn release(self) {
        let sql = match self.holder {
            Holder::IdleInTransaction | Holder::RepeatableRead => "ROLLBACK",
            Holder::PreparedTransaction => "ROLLBACK PREPARED 'forgotten'",
            Holder::LongQuery => {
                "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND query ~ 'pg_sleep'"
            }
        };
        self.client.batch_execute(sql).await.unwrap_or_else(|e| panic!("{sql}: {e:?}"));
    }
}
