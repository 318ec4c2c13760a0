//! Encryption of a connection: the mode, whom to trust, and who we are.

use super::{Endpoint, Parameters, Place};
use std::fmt;

/// `sslmode`, from nothing to everything.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SslMode {
    /// Never encrypted.
    Disable,
    /// Encrypted if the server refuses otherwise.
    Allow,
    /// Encrypted if the server can.
    Prefer,
    /// Encrypted, with whomever.
    Require,
    /// Encrypted, with a server whose certificate is signed by whom we trust.
    VerifyCa,
    /// As before, and the certificate is for this host.
    VerifyFull,
}

impl fmt::Display for SslMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let known = SSL_MODES.iter().find(|(_, mode)| mode == self);
        f.write_str(known.map_or("", |(name, _)| name))
    }
}

const SSL_MODES: &[(&str, SslMode)] = &[
    ("disable", SslMode::Disable),
    ("allow", SslMode::Allow),
    ("prefer", SslMode::Prefer),
    ("require", SslMode::Require),
    ("verify-ca", SslMode::VerifyCa),
    ("verify-full", SslMode::VerifyFull),
];

/// How a connection is encrypted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tls {
    /// What the user says.
    pub mode: Option<SslMode>,
    /// Whose signatures count.
    pub roots: Roots,
    /// Our own certificate.
    pub identity: Option<Identity>,
    /// Begin with TLS at once (`sslnegotiation=direct`, PostgreSQL 17).
    pub is_direct: bool,
    /// Tell the server which name we want (`sslsni`).
    pub sends_name: bool,
    /// Protocol versions.
    pub versions: Versions,
}

/// Whose signatures on a server's certificate count.
#[derive(Clone, PartialEq, Eq)]
pub enum Roots {
    /// Those that the system trusts.
    System,
    /// Those of a file: its path and its text.
    File(String, Vec<u8>),
}

impl fmt::Debug for Roots {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Roots::System => f.write_str("System"),
            Roots::File(path, _) => write!(f, "File({path})"),
        }
    }
}

/// Our certificate and its key, as PEM.
#[derive(Clone, PartialEq, Eq)]
pub struct Identity {
    /// Path of the certificate, for messages.
    pub path: String,
    /// The certificate and those that lead to a root.
    pub certificates: Vec<u8>,
    /// Path of the key, for messages.
    pub key_path: String,
    /// The private key.
    pub key: Vec<u8>,
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Identity({})", self.path)
    }
}

/// Versions of TLS that may be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Versions {
    /// 1.2 and 1.3.
    Both,
    /// 1.2 alone.
    Only12,
    /// 1.3 alone.
    Only13,
}

impl Tls {
    pub(super) fn of(parameters: &mut Parameters) -> Tls {
        let modes: Vec<(&str, Option<SslMode>)> = SSL_MODES.iter().map(|(name, mode)| (*name, Some(*mode))).collect();
        let mode = parameters.choice("sslmode", &modes, None);
        let is_direct = parameters.choice("sslnegotiation", &[("postgres", false), ("direct", true)], false);
        if is_direct && mode.is_some_and(|mode| mode < SslMode::Require) {
            parameters.problems.push("sslnegotiation=direct needs sslmode=require or more".into());
        }
        if parameters.get("sslrootcert") == Some("system") && mode.is_some_and(|mode| mode != SslMode::VerifyFull) {
            parameters.problems.push("sslrootcert=system needs sslmode=verify-full".into());
        }
        // Versions before 1.2 are broken, and never used.
        let known = [("TLSv1", 0), ("TLSv1.1", 1), ("TLSv1.2", 2), ("TLSv1.3", 3)];
        let lowest = parameters.choice("ssl_min_protocol_version", &known, 2);
        let highest = parameters.choice("ssl_max_protocol_version", &known, 3);
        let versions = match (lowest, highest) {
            (..=2, 3) => Versions::Both,
            (..=2, 2) => Versions::Only12,
            (3, 3) => Versions::Only13,
            _ => {
                parameters.problems.push("no version of TLS is left between the lowest and the highest".into());
                Versions::Both
            }
        };
        Tls {
            mode,
            roots: Roots::System,
            identity: None,
            is_direct,
            sends_name: parameters.choice("sslsni", &[("0", false), ("1", true)], true),
            versions,
        }
    }

    /// The mode for one server: what the user says, else the safest one for where the server is.
    #[must_use]
    pub fn mode_for(&self, endpoint: &Endpoint) -> SslMode {
        if matches!(endpoint.place, Place::Socket(_)) {
            return SslMode::Disable;
        }
        let default = if self.is_direct || !endpoint.is_this_machine() { SslMode::VerifyFull } else { SslMode::Allow };
        match self.mode.unwrap_or(default) {
            // As libpq: whoever gives a root certificate wants it to count.
            SslMode::Require if self.roots != Roots::System => SslMode::VerifyCa,
            mode => mode,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::libpq::endpoint;

    fn mode(text: &str, roots: Roots) -> SslMode {
        let mut parameters = Parameters::of(text).expect("readable");
        let endpoints = endpoint::of(&mut parameters, "localhost");
        let tls = Tls { roots, ..Tls::of(&mut parameters) };
        assert_eq!(parameters.problems, Vec::<String>::new());
        tls.mode_for(&endpoints[0])
    }

    #[test]
    fn the_safest_mode_is_the_default_for_another_machine() {
        assert_eq!(mode("host=db", Roots::System), SslMode::VerifyFull);
        assert_eq!(mode("host=localhost", Roots::System), SslMode::Allow);
        assert_eq!(mode("host=/tmp sslmode=require", Roots::System), SslMode::Disable, "sockets have no TLS");
        assert_eq!(mode("host=db sslmode=disable", Roots::System), SslMode::Disable);
    }

    #[test]
    fn require_with_a_root_certificate_is_verify_ca() {
        assert_eq!(mode("host=db sslmode=require", Roots::System), SslMode::Require);
        assert_eq!(mode("host=db sslmode=require", Roots::File("ca".into(), Vec::new())), SslMode::VerifyCa);
        assert_eq!(mode("host=db sslmode=prefer", Roots::File("ca".into(), Vec::new())), SslMode::Prefer);
    }

    #[test]
    fn what_does_not_fit_together_is_refused() {
        for (text, problem) in [
            ("sslmode=prefer sslnegotiation=direct", "sslnegotiation=direct needs"),
            ("sslmode=verify-ca sslrootcert=system", "sslrootcert=system needs"),
            ("ssl_min_protocol_version=TLSv1.3 ssl_max_protocol_version=TLSv1.2", "no version of TLS"),
        ] {
            let mut parameters = Parameters::of(text).expect("readable");
            Tls::of(&mut parameters);
            assert!(parameters.problems[0].starts_with(problem), "{text}: {:?}", parameters.problems);
        }
    }
}
