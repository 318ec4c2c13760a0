//! The connection in force: what the URL, the service file, the environment and the password file say together.

use super::Settings;
use super::libpq::{
    Connection, Defaults, Identity, Origin, Parameters, Password, Place, Roots, password_file, service_file,
};
use crate::error::{Error, Result};
use std::collections::BTreeMap;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Variables each of which says by itself that there is a database, though no URL does.
const NAMING: [&str; 4] = ["PGSERVICE", "PGHOST", "PGHOSTADDR", "PGDATABASE"];

/// Where packages put the socket of this machine's server, libpq's own folder first.
const SOCKET_FOLDERS: [&str; 2] = ["/var/run/postgresql", "/tmp"];

/// Whether the environment names a database in PostgreSQL's own way.
pub(super) fn is_named(variables: &BTreeMap<String, String>) -> bool {
    NAMING.iter().any(|name| variables.get(*name).is_some_and(|value| !value.is_empty()))
}

impl Settings {
    /// The connection that `text`, a URL or `keyword=value` pairs, leads to; the rest is filled as libpq does.
    pub fn connection(&self, text: &str) -> Result<Connection> {
        let variables: &BTreeMap<String, String> = &self.environment;
        let mut parameters = Parameters::of(text).map_err(|problem| {
            Error::config(format!("database URL cannot be read: {problem}"))
                .hint("write postgres://USER:PASSWORD@HOST:PORT/DATABASE, or set DATABASE_URL in this form")
        })?;
        fill_from_service(&mut parameters, variables)?;
        parameters.fill_from_environment(variables);
        let defaults = Defaults {
            user: own_name(variables),
            host: own_server(parameters.get("port").unwrap_or("5432")),
            connect_timeout: Duration::from_secs(self.database.connect_timeout_seconds),
        };
        let mut connection = Connection::of(&mut parameters, &defaults);
        let problems = std::mem::take(&mut parameters.problems);
        if !problems.is_empty() {
            return Err(refusal(&problems));
        }
        connection.tls.roots = roots(&parameters, variables)?;
        connection.tls.identity = identity(&parameters, variables)?;
        fill_passwords(&mut connection, &parameters, variables);
        Ok(connection)
    }
}

fn refusal(problems: &[String]) -> Error {
    let error = match problems {
        [problem] => Error::config(problem),
        _ => Error::config(format!("{} parts of the database connection are not right", problems.len()))
            .detail(problems.join("\n")),
    };
    error.hint("docs/configuration.md lists the keywords and variables that are taken")
}

/// Fills what is missing from the service that the string or `PGSERVICE` names.
fn fill_from_service(parameters: &mut Parameters, variables: &BTreeMap<String, String>) -> Result<()> {
    let named = parameters.get("service").map(str::to_owned);
    let Some(name) = named.or_else(|| set(variables, "PGSERVICE").map(str::to_owned)) else { return Ok(()) };
    let own = match set(variables, "PGSERVICEFILE") {
        Some(path) => Some(PathBuf::from(path)),
        None => home(variables).map(|home| home.join(".pg_service.conf")),
    };
    let folder = set(variables, "PGSYSCONFDIR").unwrap_or("/etc/postgresql-common");
    let files: Vec<PathBuf> = own.into_iter().chain([Path::new(folder).join("pg_service.conf")]).collect();
    for path in &files {
        let Ok(text) = std::fs::read_to_string(path) else { continue };
        let shown = path.display().to_string();
        let found = service_file::find(&text, &name)
            .map_err(|problem| Error::config(format!("service file \"{shown}\" cannot be read: {problem}")))?;
        if let Some(pairs) = found {
            for (keyword, value) in pairs {
                parameters.fill(&keyword, value, Origin::ServiceFile(shown.clone()));
            }
            return Ok(());
        }
    }
    let looked: Vec<String> = files.iter().map(|path| path.display().to_string()).collect();
    Err(Error::config(format!("service \"{name}\" is not defined"))
        .detail(format!("Looked into {}.", looked.join(" and ")))
        .hint(format!("add a section [{name}] to one of these files, or name another one by PGSERVICEFILE")))
}

/// Gives every server the password of its line in the password file, where no other place gave one.
fn fill_passwords(connection: &mut Connection, parameters: &Parameters, variables: &BTreeMap<String, String>) {
    let given = parameters.get("passfile").map(PathBuf::from);
    let Some(path) = given.or_else(|| home(variables).map(|home| home.join(".pgpass"))) else { return };
    if connection.endpoints.iter().all(|endpoint| endpoint.password.is_some()) {
        return;
    }
    let Ok(about) = std::fs::metadata(&path) else { return };
    let shown = path.display().to_string();
    if !about.is_file() || about.permissions().mode() & 0o077 != 0 {
        tracing::warn!(path = shown, "password file is left out: others can read it, or it is no file; chmod 600 it");
        return;
    }
    let Ok(text) = std::fs::read_to_string(&path) else { return };
    for endpoint in connection.endpoints.iter_mut().filter(|endpoint| endpoint.password.is_none()) {
        let find = |host: &str| password_file::find(&text, host, endpoint.port, &connection.database, &connection.user);
        let is_socket = matches!(endpoint.place, Place::Socket(_));
        let found = find(&endpoint.name).or_else(|| if is_socket { find("localhost") } else { None });
        if let Some(password) = found {
            endpoint.password = Some(Password::new(password));
            connection.origins.insert("password", Origin::PasswordFile(shown.clone()));
        }
    }
}

/// `sslrootcert`, else `~/.postgresql/root.crt` if it is there, else the system's.
fn roots(parameters: &Parameters, variables: &BTreeMap<String, String>) -> Result<Roots> {
    let path = match parameters.get("sslrootcert") {
        Some("system") => return Ok(Roots::System),
        Some(path) => PathBuf::from(path),
        None => match home(variables).map(|home| home.join(".postgresql/root.crt")).filter(|path| path.exists()) {
            Some(path) => path,
            None => return Ok(Roots::System),
        },
    };
    let text = read(&path, "root certificate")?;
    Ok(Roots::File(path.display().to_string(), text))
}

/// `sslcert` and `sslkey`, else those in `~/.postgresql` if they are there.
fn identity(parameters: &Parameters, variables: &BTreeMap<String, String>) -> Result<Option<Identity>> {
    let default = |name: &str| home(variables).map(|home| home.join(".postgresql").join(name));
    let certificate = parameters.get("sslcert").map(PathBuf::from);
    let is_given = certificate.is_some();
    let Some(certificate) = certificate.or_else(|| default("postgresql.crt")) else { return Ok(None) };
    if !is_given && !certificate.exists() {
        return Ok(None);
    }
    let Some(key) = parameters.get("sslkey").map(PathBuf::from).or_else(|| default("postgresql.key")) else {
        return Err(Error::config("client certificate has no key").hint("name the key by sslkey or PGSSLKEY"));
    };
    let certificates = read(&certificate, "client certificate")?;
    let text = read(&key, "key of the client certificate")?;
    check_key(&key)?;
    let (path, key_path) = (certificate.display().to_string(), key.display().to_string());
    Ok(Some(Identity { path, certificates, key_path, key: text }))
}

/// libpq's rule: ours alone, or root's and readable by a group.
fn check_key(path: &Path) -> Result<()> {
    let shown = path.display();
    let about =
        std::fs::metadata(path).map_err(|e| Error::config(format!("key \"{shown}\" cannot be read")).source(e))?;
    let forbidden = if about.uid() == 0 && rustix::process::getuid().as_raw() != 0 { 0o027 } else { 0o077 };
    if about.permissions().mode() & forbidden != 0 {
        return Err(Error::config(format!("key \"{shown}\" can be read by others"))
            .detail(format!("Its permissions are {:o}.", about.permissions().mode() & 0o777))
            .hint(format!("chmod 600 {shown}; a file of root may be 640")));
    }
    Ok(())
}

fn read(path: &Path, what: &str) -> Result<Vec<u8>> {
    std::fs::read(path).map_err(|e| {
        Error::config(format!("{what} \"{}\" cannot be read", path.display()))
            .source(e)
            .hint("correct the path in the connection URL or its variable")
    })
}

fn set<'a>(variables: &'a BTreeMap<String, String>, name: &str) -> Option<&'a str> {
    variables.get(name).map(String::as_str).filter(|value| !value.is_empty())
}

fn home(variables: &BTreeMap<String, String>) -> Option<PathBuf> {
    set(variables, "HOME").map(PathBuf::from)
}

/// The name of this process's user, as the system knows it.
fn own_name(variables: &BTreeMap<String, String>) -> Option<String> {
    let number = rustix::process::getuid().as_raw().to_string();
    let users = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    let known = users.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1) == Some(number.as_str())).then(|| name.to_owned())
    });
    known.or_else(|| set(variables, "USER").map(str::to_owned))
}

/// The folder in which a server's socket is, else `localhost`.
fn own_server(port: &str) -> String {
    let has_socket = |folder: &&str| Path::new(folder).join(format!(".s.PGSQL.{port}")).exists();
    SOCKET_FOLDERS.iter().find(|folder| has_socket(folder)).map_or("localhost", |folder| *folder).to_owned()
}
