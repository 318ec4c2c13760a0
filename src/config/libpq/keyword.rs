//! The keywords of a connection string, with their variables: which are taken, and why others are refused.

/// What becomes of a keyword.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Use {
    /// It does what the PostgreSQL manual says.
    Taken,
    /// Has no effect here, and needs none.
    Idle,
    /// These values mean what is done anyway; another one is refused for the reason.
    Only(&'static [&'static str], &'static str),
    /// Refused for the reason, whatever the value.
    Refused(&'static str),
}

/// A keyword of libpq.
#[derive(Debug)]
pub(super) struct Keyword {
    /// As in the connection string.
    pub name: &'static str,
    /// The variable that fills it.
    pub variable: Option<&'static str>,
    /// What becomes of it.
    pub taken: Use,
}

const fn taken(name: &'static str, variable: &'static str) -> Keyword {
    Keyword { name, variable: Some(variable), taken: Use::Taken }
}

const fn plain(name: &'static str) -> Keyword {
    Keyword { name, variable: None, taken: Use::Taken }
}

const fn with(name: &'static str, variable: &'static str, taken: Use) -> Keyword {
    Keyword { name, variable: Some(variable), taken }
}

const KERBEROS: Use = Use::Refused("Kerberos is not supported; use a password or a client certificate");
const REVOCATION: Use = Use::Refused("revocation lists are not supported");

/// All keywords of PostgreSQL 17's libpq.
pub(super) const KEYWORDS: &[Keyword] = &[
    taken("service", "PGSERVICE"),
    taken("host", "PGHOST"),
    taken("hostaddr", "PGHOSTADDR"),
    taken("port", "PGPORT"),
    taken("dbname", "PGDATABASE"),
    taken("user", "PGUSER"),
    taken("password", "PGPASSWORD"),
    taken("passfile", "PGPASSFILE"),
    taken("channel_binding", "PGCHANNELBINDING"),
    taken("connect_timeout", "PGCONNECT_TIMEOUT"),
    with("client_encoding", "PGCLIENTENCODING", Use::Idle),
    taken("options", "PGOPTIONS"),
    taken("application_name", "PGAPPNAME"),
    plain("fallback_application_name"),
    plain("keepalives"),
    plain("keepalives_idle"),
    plain("keepalives_interval"),
    plain("keepalives_count"),
    plain("tcp_user_timeout"),
    taken("sslmode", "PGSSLMODE"),
    taken("sslnegotiation", "PGSSLNEGOTIATION"),
    taken("sslrootcert", "PGSSLROOTCERT"),
    taken("sslcert", "PGSSLCERT"),
    taken("sslkey", "PGSSLKEY"),
    taken("sslsni", "PGSSLSNI"),
    taken("ssl_min_protocol_version", "PGSSLMINPROTOCOLVERSION"),
    taken("ssl_max_protocol_version", "PGSSLMAXPROTOCOLVERSION"),
    taken("target_session_attrs", "PGTARGETSESSIONATTRS"),
    taken("load_balance_hosts", "PGLOADBALANCEHOSTS"),
    with("sslcompression", "PGSSLCOMPRESSION", Use::Only(&["0"], "TLS does not compress any more")),
    with("requiressl", "PGREQUIRESSL", Use::Only(&["0"], "write sslmode=require")),
    with(
        "sslcertmode",
        "PGSSLCERTMODE",
        Use::Only(&["allow"], "whether a client certificate is sent is up to sslcert"),
    ),
    with(
        "gssencmode",
        "PGGSSENCMODE",
        Use::Only(&["disable", "prefer"], "GSSAPI encryption is not supported; use TLS"),
    ),
    with("gssdelegation", "PGGSSDELEGATION", Use::Only(&["0"], "Kerberos is not supported")),
    with("krbsrvname", "PGKRBSRVNAME", KERBEROS),
    with("gsslib", "PGGSSLIB", KERBEROS),
    with("sslcrl", "PGSSLCRL", REVOCATION),
    with("sslcrldir", "PGSSLCRLDIR", REVOCATION),
    Keyword {
        name: "sslpassword",
        variable: None,
        taken: Use::Refused("a key with a password is not supported; store it without one, readable by its owner only"),
    },
    with("requirepeer", "PGREQUIREPEER", Use::Refused("the owner of the server process is not checked")),
    with("require_auth", "PGREQUIREAUTH", Use::Refused("it cannot be enforced; channel_binding=require can")),
    Keyword { name: "replication", variable: None, taken: Use::Refused("this is no replication client") },
];

/// The keyword of this name.
pub(super) fn find(name: &str) -> Option<&'static Keyword> {
    KEYWORDS.iter().find(|keyword| keyword.name == name)
}
