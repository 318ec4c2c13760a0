//! Why a server could not be had, and whether another try or another way may find it otherwise.

use super::certificate::hint_for;
use super::dial::Dialer;
use super::transport::NoWay;
use crate::config::libpq::Endpoint;
use crate::error::{Error, Kind};
use crate::warehouse::fault::fault;

/// Why a server could not be had.
pub(super) struct Refusal {
    pub error: Error,
    /// Whether the next try may find it otherwise.
    pub may_pass: bool,
    /// Whether encryption decides: `allow` and `prefer` try the other way then.
    pub is_about_encryption: bool,
}

impl Dialer {
    pub(super) fn doing(&self, endpoint: &Endpoint) -> String {
        format!("database \"{}\" on {endpoint} cannot be reached", self.connection().database)
    }

    /// Nobody is there, or nobody answers.
    pub(super) fn unanswered(&self, endpoint: &Endpoint, cause: &str) -> Refusal {
        let error = Error::unreachable(format!("{}: {cause}", self.doing(endpoint))).or_unreachable();
        let may_pass = self.has_answered();
        Refusal { error, may_pass, is_about_encryption: false }
    }

    pub(super) fn no_way(&self, endpoint: &Endpoint, cause: NoWay) -> Refusal {
        match cause {
            NoWay::Io(e) => self.unanswered(endpoint, &e.to_string()),
            NoWay::NoTls => {
                let error = Error::unreachable(format!("{}: server has no TLS", self.doing(endpoint)))
                    .hint("switch TLS on in the server; sslmode=disable goes without, where the network is trusted");
                Refusal { error, may_pass: false, is_about_encryption: true }
            }
            NoWay::Handshake(e) => {
                let mut error = Error::unreachable(format!("{}: {e}", self.doing(endpoint)));
                error.hint = hint_for(&e).map(str::to_owned);
                Refusal { error, may_pass: false, is_about_encryption: true }
            }
        }
    }

    /// The server answered, and does not let us in.
    pub(super) fn refused(&self, endpoint: &Endpoint, cause: &tokio_postgres::Error) -> Refusal {
        let error = fault(&self.doing(endpoint), cause).or_unreachable();
        let is_starting = matches!(error.sqlstate.as_deref(), Some("57P03" | "53300"));
        let may_pass = is_starting || (error.may_pass() && self.has_answered());
        // pg_hba.conf may have a line for the other way only.
        let is_about_encryption = error.sqlstate.as_deref() == Some("28000");
        Refusal { error, may_pass, is_about_encryption }
    }
}

impl Error {
    /// A connection that was refused for any reason means that the database cannot be reached.
    fn or_unreachable(mut self) -> Error {
        self.kind = Kind::Unreachable;
        if self.hint.is_none() {
            self.hint = Some(
                "check that the server runs and that DATABASE_URL names it; without one, Quintile starts its own"
                    .into(),
            );
        }
        self
    }
}
