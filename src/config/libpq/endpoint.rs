//! One server of a connection: its name, where it is, and the password for it.

use super::Parameters;
use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;

/// A server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// As the user wrote it; the name that a certificate must have.
    pub name: String,
    /// How it is reached.
    pub place: Place,
    /// Port, also of a socket.
    pub port: u16,
    /// From the string, or from the password file's line for this server.
    pub password: Option<Password>,
}

/// How a server is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// By the socket in this folder.
    Socket(PathBuf),
    /// By a name to look up.
    Name(String),
    /// By an address (`hostaddr`).
    Address(IpAddr),
}

/// A password; shown nowhere.
#[derive(Clone, PartialEq, Eq)]
pub struct Password(String);

impl Password {
    /// Keeps a password.
    pub(in crate::config) fn new(text: String) -> Password {
        Password(text)
    }

    /// The password, for the server alone.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(set)")
    }
}

impl Endpoint {
    /// Whether the server is on this machine, so that nobody can stand between.
    #[must_use]
    pub fn is_this_machine(&self) -> bool {
        match &self.place {
            Place::Socket(_) => true,
            Place::Address(address) => address.is_loopback(),
            Place::Name(name) => {
                name == "localhost" || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
            }
        }
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.name.contains(':') {
            write!(f, "[{}]:{}", self.name, self.port)
        } else {
            write!(f, "{}:{}", self.name, self.port)
        }
    }
}

/// The servers of `host`, `hostaddr` and `port`.
pub(super) fn of(parameters: &mut Parameters, default_host: &str) -> Vec<Endpoint> {
    let hosts = parameters.list("host");
    let addresses = parameters.list("hostaddr");
    let ports = parameters.list("port");
    let count = hosts.len().max(addresses.len()).max(1);
    if !hosts.is_empty() && !addresses.is_empty() && hosts.len() != addresses.len() {
        parameters.problems.push(format!(
            "connection has {} hosts and {} addresses; give one address for each host",
            hosts.len(),
            addresses.len()
        ));
    }
    if ports.len() > 1 && ports.len() != count {
        parameters.problems.push(format!(
            "connection has {count} hosts and {} ports; give one port for all, or one for each",
            ports.len()
        ));
    }
    let password = parameters.get("password").map(|password| Password::new(password.to_owned()));
    let mut endpoints = Vec::new();
    for number in 0..count {
        let host = hosts.get(number).filter(|host| !host.is_empty());
        let address = addresses.get(number).filter(|address| !address.is_empty());
        let place = match (address, host) {
            (Some(address), _) => match address.parse() {
                Ok(address) => Place::Address(address),
                Err(_) => {
                    parameters.problems.push("connection keyword \"hostaddr\" must be an IP address".into());
                    continue;
                }
            },
            (None, host) => named(host.map_or(default_host, String::as_str)),
        };
        let port = ports.get(number).or(ports.first().filter(|_| ports.len() == 1)).filter(|port| !port.is_empty());
        let port = match port.map(|port| port.parse::<u16>()) {
            None => 5432,
            Some(Ok(port)) if port > 0 => port,
            Some(_) => {
                parameters.problems.push("connection keyword \"port\" must be a number from 1 to 65535".into());
                continue;
            }
        };
        let name = host.or(address).map_or(default_host, String::as_str).to_owned();
        endpoints.push(Endpoint { name, place, port, password: password.clone() });
    }
    endpoints
}

fn named(host: &str) -> Place {
    // "@" begins the name of a socket without a file, which Linux has.
    if host.starts_with('/') { Place::Socket(PathBuf::from(host)) } else { Place::Name(host.to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<Endpoint> {
        let mut parameters = Parameters::of(text).expect("readable");
        let endpoints = of(&mut parameters, "/run/postgresql");
        assert_eq!(parameters.problems, Vec::<String>::new());
        endpoints
    }

    #[test]
    fn sockets_names_and_addresses_are_told_apart() {
        let endpoints = read("host=/tmp,db.example.com,other hostaddr=,,10.0.0.1 port=5433");
        let places = endpoints.iter().map(|endpoint| endpoint.place.clone()).collect::<Vec<_>>();
        let address = "10.0.0.1".parse().expect("an address");
        assert_eq!(
            places,
            [Place::Socket("/tmp".into()), Place::Name("db.example.com".into()), Place::Address(address)]
        );
        assert_eq!(
            endpoints.iter().map(ToString::to_string).collect::<Vec<_>>(),
            ["/tmp:5433", "db.example.com:5433", "other:5433"]
        );
        assert_eq!(endpoints.iter().map(Endpoint::is_this_machine).collect::<Vec<_>>(), [true, false, false]);
    }

    #[test]
    fn nothing_is_the_default_and_loopback_is_this_machine() {
        assert_eq!(read("")[0].place, Place::Socket("/run/postgresql".into()));
        for here in ["localhost", "127.0.0.9", "::1", "/tmp"] {
            assert!(read(&format!("host={here}"))[0].is_this_machine(), "{here}");
        }
        for there in ["localhost.example.com", "127.0.0.1.example.com", "10.0.0.1", "::2"] {
            assert!(!read(&format!("host={there}"))[0].is_this_machine(), "{there}");
        }
    }
}
