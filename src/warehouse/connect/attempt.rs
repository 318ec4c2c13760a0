//! One attempt: one address of one server, in the ways that `sslmode` allows, up to a session of the wanted kind.

use super::dial::{Dialed, Dialer};
use super::refusal::Refusal;
use super::transport::{Address, Handshake, Peer, Standing};
use super::unnamed::Unnamed;
use crate::config::libpq::{ChannelBinding, Endpoint, SslMode, TargetSession};
use crate::error::Error;
use tokio_postgres::config::{ChannelBinding as DriverBinding, SslMode as DriverMode, SslNegotiation};
use tokio_postgres::{Client, SimpleQueryMessage};

impl Dialer {
    /// One address, in the ways that the mode allows, the wanted one first.
    pub(super) async fn try_address(
        &self,
        endpoint: &Endpoint,
        address: Address,
        target: TargetSession,
    ) -> std::result::Result<Dialed, Refusal> {
        let mode = self.connection().tls.mode_for(endpoint);
        let encrypted = |is_optional| {
            let connector = self.connector(mode)?.clone();
            let (name, is_direct) = (endpoint.name.clone(), self.connection().tls.is_direct);
            Some(Handshake { connector, name, is_direct, is_optional })
        };
        let ways = match mode {
            SslMode::Disable => vec![None],
            SslMode::Allow => vec![None, encrypted(false)],
            SslMode::Prefer => vec![encrypted(true), None],
            SslMode::Require | SslMode::VerifyCa | SslMode::VerifyFull => vec![encrypted(false)],
        };
        let mut first = None;
        for tls in ways {
            let peer = Peer::new(address.clone(), tls, self.connection());
            match self.try_way(endpoint, peer, target).await {
                Ok(dialed) => return Ok(dialed),
                Err(refusal) if refusal.is_about_encryption && first.is_none() => first = Some(refusal),
                // What the wanted way met is the better story.
                Err(refusal) => return Err(first.unwrap_or(refusal)),
            }
        }
        Err(first.unwrap_or_else(|| self.unanswered(endpoint, "no way is allowed")))
    }

    async fn try_way(
        &self,
        endpoint: &Endpoint,
        mut peer: Peer,
        target: TargetSession,
    ) -> std::result::Result<Dialed, Refusal> {
        let transport = peer.open().await.map_err(|e| self.no_way(endpoint, e))?;
        if !transport.is_encrypted() {
            peer.tls = None;
        }
        let config = self.driver_config(endpoint, transport.is_encrypted());
        let stream = Unnamed::new(transport);
        let (client, connection) =
            config.connect_raw(stream, Standing).await.map_err(|e| self.refused(endpoint, &e))?;
        let listed = self.peers().list(&client, peer);
        let carrier = tokio::spawn(async move {
            // What has ended needs no cancelling.
            let _listed = listed;
            if let Err(e) = connection.await {
                tracing::debug!(reason = %e, "connection ended");
            }
        });
        self.check_target(endpoint, &client, target).await?;
        Ok((client, carrier))
    }

    fn driver_config(&self, endpoint: &Endpoint, is_encrypted: bool) -> tokio_postgres::Config {
        let mut config = tokio_postgres::Config::new();
        config.user(&self.connection().user).dbname(&self.connection().database);
        config.application_name(&self.connection().application_name);
        if let Some(password) = &endpoint.password {
            config.password(password.reveal());
        }
        if let Some(options) = &self.connection().options {
            config.options(options);
        }
        config.channel_binding(match self.connection().channel_binding {
            ChannelBinding::Disable => DriverBinding::Disable,
            ChannelBinding::Prefer => DriverBinding::Prefer,
            ChannelBinding::Require => DriverBinding::Require,
        });
        // Encryption stands already, which the driver knows as "direct".
        config.ssl_negotiation(if is_encrypted { SslNegotiation::Direct } else { SslNegotiation::Postgres });
        config.ssl_mode(if is_encrypted { DriverMode::Require } else { DriverMode::Disable });
        config
    }

    /// Whether the server is of the wanted kind.
    async fn check_target(
        &self,
        endpoint: &Endpoint,
        client: &Client,
        target: TargetSession,
    ) -> std::result::Result<(), Refusal> {
        if target == TargetSession::Any {
            return Ok(());
        }
        let asked = include_str!("../sql/session_kind.sql");
        let messages = client.simple_query(asked).await.map_err(|e| self.refused(endpoint, &e))?;
        let row = messages.iter().find_map(|message| match message {
            SimpleQueryMessage::Row(row) => Some((row.get(0) == Some("t"), row.get(1) == Some("on"))),
            _ => None,
        });
        let Some((is_standby, is_read_only)) = row else {
            return Err(self.unanswered(endpoint, "server does not tell of which kind it is"));
        };
        let problem = match target {
            TargetSession::ReadWrite if is_read_only => "server takes no writes",
            TargetSession::ReadOnly if !is_read_only => "server takes writes",
            TargetSession::Primary if is_standby => "server is a standby",
            TargetSession::Standby if !is_standby => "server is no standby",
            _ => return Ok(()),
        };
        let error = Error::unreachable(format!("{}: {problem}", self.doing(endpoint)))
            .hint("name all servers in the connection, or correct target_session_attrs");
        // After a fail-over the roles change.
        Err(Refusal { error, may_pass: true, is_about_encryption: false })
    }
}
