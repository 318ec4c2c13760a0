//! A connection as libpq's users describe it: URL or `keyword=value`, service file, variables, password file.
//!
//! Pure: files and variables come from `super::connection`. The order of precedence is libpq's: what the string gives,
//! then the service file, then the environment, then the default.

mod endpoint;
mod keyword;
mod pairs;
mod parameters;
pub(super) mod password_file;
pub(super) mod service_file;
mod tls;
mod url;

pub use endpoint::{Endpoint, Password, Place};
pub use parameters::Origin;
pub(super) use parameters::Parameters;
pub use tls::{Identity, Roots, SslMode, Tls, Versions};

use std::collections::BTreeMap;
use std::time::Duration;

/// Everything that is needed to connect, checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Connection {
    /// The servers, in the order in which they are tried.
    pub endpoints: Vec<Endpoint>,
    /// Role to log in as.
    pub user: String,
    /// Database to connect to.
    pub database: String,
    /// Settings of the session, as `-c name=value`.
    pub options: Option<String>,
    /// What the server shows in its activity.
    pub application_name: String,
    /// Encryption and proof of who the server is.
    pub tls: Tls,
    /// Whether SCRAM must, may or may not prove that nobody stands between.
    pub channel_binding: ChannelBinding,
    /// Which kind of server is wanted.
    pub target: TargetSession,
    /// Whether the servers are tried in random order.
    pub is_shuffled: bool,
    /// Longest time for one server; `None` waits for ever.
    pub connect_timeout: Option<Duration>,
    /// Probes on a silent connection.
    pub keepalives: Option<Keepalives>,
    /// Longest time that sent data may stay without an answer of the other machine.
    pub tcp_user_timeout: Option<Duration>,
    /// Where host, port, dbname, user, password and sslmode come from.
    pub origins: BTreeMap<&'static str, Origin>,
}

/// `channel_binding`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChannelBinding {
    /// Never.
    Disable,
    /// Where both sides can.
    Prefer,
    /// Or no connection.
    Require,
}

/// `target_session_attrs`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TargetSession {
    /// Any server.
    Any,
    /// One whose transactions write by default.
    ReadWrite,
    /// One whose transactions only read by default.
    ReadOnly,
    /// One that is not in recovery.
    Primary,
    /// One in recovery.
    Standby,
    /// One in recovery, else any.
    PreferStandby,
}

/// `keepalives_idle`, `keepalives_interval`, `keepalives_count`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Keepalives {
    /// Silence before the first probe.
    pub idle: Duration,
    /// Time between two.
    pub interval: Duration,
    /// Probes without an answer after which the connection is given up.
    pub count: u32,
}

/// What is not said by the user.
pub(super) struct Defaults {
    /// The user of this process.
    pub user: Option<String>,
    /// The server of this machine: the folder of its socket, or `localhost`.
    pub host: String,
    /// `database.connect_timeout_seconds`.
    pub connect_timeout: Duration,
}

/// libpq waits at least two seconds, because one may end at once.
const SHORTEST_TIMEOUT: Duration = Duration::from_secs(2);

impl Connection {
    /// Checks the parameters; their problems stay in them. Passwords of files and certificates are not read here.
    pub(super) fn of(parameters: &mut Parameters, defaults: &Defaults) -> Connection {
        let endpoints = endpoint::of(parameters, &defaults.host);
        let user = parameters.get("user").map(str::to_owned).or_else(|| defaults.user.clone()).unwrap_or_else(|| {
            parameters.problems.push("no user is given, and this process's user has no name".into());
            String::new()
        });
        let target = parameters.choice(
            "target_session_attrs",
            &[
                ("any", TargetSession::Any),
                ("read-write", TargetSession::ReadWrite),
                ("read-only", TargetSession::ReadOnly),
                ("primary", TargetSession::Primary),
                ("standby", TargetSession::Standby),
                ("prefer-standby", TargetSession::PreferStandby),
            ],
            // Of several servers one is the primary, and everything here writes.
            if endpoints.len() > 1 { TargetSession::ReadWrite } else { TargetSession::Any },
        );
        let connect_timeout = match parameters.number("connect_timeout") {
            Some(0) => None,
            Some(seconds) => Some(Duration::from_secs(seconds).max(SHORTEST_TIMEOUT)),
            None => Some(defaults.connect_timeout),
        };
        let tcp_user_timeout = match parameters.number("tcp_user_timeout") {
            Some(0) => None,
            Some(milliseconds) => Some(Duration::from_millis(milliseconds)),
            None => Some(Duration::from_secs(30)),
        };
        let name = parameters.get("application_name").or(parameters.get("fallback_application_name"));
        Connection {
            database: parameters.get("dbname").unwrap_or(&user).to_owned(),
            options: parameters.get("options").map(str::to_owned),
            application_name: name.unwrap_or("quintile").to_owned(),
            is_shuffled: parameters.choice("load_balance_hosts", &[("disable", false), ("random", true)], false),
            channel_binding: parameters.choice(
                "channel_binding",
                &[
                    ("disable", ChannelBinding::Disable),
                    ("prefer", ChannelBinding::Prefer),
                    ("require", ChannelBinding::Require),
                ],
                ChannelBinding::Prefer,
            ),
            keepalives: keepalives(parameters),
            tls: Tls::of(parameters),
            origins: ["host", "port", "dbname", "user", "password", "sslmode"]
                .map(|name| (name, parameters.origin(name)))
                .into(),
            endpoints,
            user,
            target,
            connect_timeout,
            tcp_user_timeout,
        }
    }

    /// `"shop" on db.example.com:5432`: where this leads to, without user and password.
    #[must_use]
    pub fn address(&self) -> String {
        let servers: Vec<String> = self.endpoints.iter().map(ToString::to_string).collect();
        format!("\"{}\" on {}", self.database, servers.join(", "))
    }
}

fn keepalives(parameters: &mut Parameters) -> Option<Keepalives> {
    let is_on = parameters.choice("keepalives", &[("0", false), ("1", true)], true);
    let or = |number: Option<u64>, default: u64| number.filter(|number| *number > 0).unwrap_or(default);
    // The system's own two hours would leave a half-open connection standing for a night.
    let idle = Duration::from_secs(or(parameters.number("keepalives_idle"), 30));
    let interval = Duration::from_secs(or(parameters.number("keepalives_interval"), 10));
    let count = u32::try_from(or(parameters.number("keepalives_count"), 3)).unwrap_or(u32::MAX);
    is_on.then_some(Keepalives { idle, interval, count })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> (Connection, Vec<String>) {
        let mut parameters = Parameters::of(text).expect("readable");
        let defaults =
            Defaults { user: Some("me".into()), host: "localhost".into(), connect_timeout: Duration::from_secs(10) };
        let connection = Connection::of(&mut parameters, &defaults);
        (connection, parameters.problems)
    }

    #[test]
    fn nothing_given_is_the_user_s_own_database_here() {
        let (connection, problems) = read("");
        assert_eq!((connection.user.as_str(), connection.address().as_str()), ("me", "\"me\" on localhost:5432"));
        assert_eq!((connection.target, connection.application_name.as_str()), (TargetSession::Any, "quintile"));
        assert!(problems.is_empty(), "{problems:?}");
    }

    #[test]
    fn several_servers_want_the_one_that_writes() {
        let (connection, _) = read("postgres://u@a,b:5433/d");
        assert_eq!(connection.address(), "\"d\" on a:5432, b:5433");
        assert_eq!(connection.target, TargetSession::ReadWrite);
        let (connection, _) = read("postgres://u@a,b/d?target_session_attrs=any&load_balance_hosts=random");
        assert_eq!((connection.target, connection.is_shuffled), (TargetSession::Any, true));
    }

    #[test]
    fn times_are_those_of_libpq() {
        let (connection, _) = read("connect_timeout=1 tcp_user_timeout=1500 keepalives_idle=7 keepalives_count=2");
        assert_eq!(connection.connect_timeout, Some(Duration::from_secs(2)));
        assert_eq!(connection.tcp_user_timeout, Some(Duration::from_millis(1500)));
        let keepalives = connection.keepalives.expect("on");
        assert_eq!((keepalives.idle.as_secs(), keepalives.interval.as_secs(), keepalives.count), (7, 10, 2));
        let (connection, _) = read("connect_timeout=0 tcp_user_timeout=0 keepalives=0");
        assert_eq!(
            (connection.connect_timeout, connection.tcp_user_timeout, connection.keepalives),
            (None, None, None)
        );
    }

    #[test]
    fn every_wrong_value_is_named_and_none_is_shown() {
        let (_, problems) =
            read("host=a,b port=1,2,3 connect_timeout=soon target_session_attrs=master sslmode=on keepalives=maybe");
        insta::assert_snapshot!(problems.join("\n"), @r#"
        connection has 2 hosts and 3 ports; give one port for all, or one for each
        connection keyword "target_session_attrs" must be one of any, read-write, read-only, primary, standby, prefer-standby
        connection keyword "connect_timeout" must be a whole number
        connection keyword "keepalives" must be one of 0, 1
        connection keyword "sslmode" must be one of disable, allow, prefer, require, verify-ca, verify-full
        "#);
    }

    #[test]
    fn a_password_is_never_shown() {
        let (connection, _) = read("postgres://u:hunter2@h/d");
        assert_eq!(connection.endpoints[0].password.as_ref().map(Password::reveal), Some("hunter2"));
        assert!(!format!("{connection:?} {}", connection.address()).contains("hunter2"));
    }
}
