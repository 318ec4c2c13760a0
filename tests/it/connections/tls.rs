//! Every `sslmode` against certificates of every kind, on a real server with TLS.

use quintile::config::Settings;
use quintile::embedded::Embedded;
use quintile::warehouse::Warehouse;
use rcgen::{BasicConstraints, Certificate, CertificateParams, DnType, IsCa, KeyPair, date_time_ymd};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};

/// A certificate authority of the test's own.
struct Authority {
    certificate: Certificate,
    key: KeyPair,
}

impl Authority {
    fn new(name: &str) -> Authority {
        let key = KeyPair::generate().expect("a key");
        let mut about = CertificateParams::new(Vec::new()).expect("right");
        about.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        about.distinguished_name.push(DnType::CommonName, name);
        Authority { certificate: about.self_signed(&key).expect("signed"), key }
    }

    /// Certificate and key, as PEM, for a host or a user.
    fn sign(&self, name: &str, until: i32) -> (String, String) {
        let key = KeyPair::generate().expect("a key");
        let mut about = CertificateParams::new(vec![name.to_owned()]).expect("right");
        about.distinguished_name.push(DnType::CommonName, name);
        about.not_before = date_time_ymd(2000, 1, 1);
        about.not_after = date_time_ymd(until, 1, 1);
        let certificate = about.signed_by(&key, &self.certificate, &self.key).expect("signed");
        (certificate.pem(), key.serialize_pem())
    }
}

/// A server with TLS, and the files of both sides.
struct Place {
    server: Embedded,
    folder: tempfile::TempDir,
}

impl Place {
    async fn new() -> Place {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755)).expect("opened");
        let settings = Settings { project_dir: folder.path().into(), ..Settings::default() };
        let server = Embedded::start(&settings).await.unwrap_or_else(|e| panic!("{}", e.report()));
        Place { server, folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, text: &str) -> String {
        std::fs::write(self.path(name), text).expect("written");
        std::fs::set_permissions(self.path(name), std::fs::Permissions::from_mode(0o600)).expect("set");
        self.path(name).display().to_string()
    }

    fn data(&self) -> PathBuf {
        self.path(".quintile/data")
    }

    /// A file that the server's user owns.
    fn serve(&self, name: &str, text: &str) {
        let path = self.data().join(name);
        std::fs::write(&path, text).expect("written");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).expect("set");
        let owner = std::fs::metadata(self.data()).expect("the data");
        chown(&path, Some(owner.uid()), Some(owner.gid())).expect("given");
    }

    /// Lets the server show this certificate from now on.
    async fn show(&self, (certificate, key): &(String, String)) {
        self.serve("server.crt", certificate);
        self.serve("server.key", key);
        self.reload().await;
    }

    async fn reload(&self) {
        let (client, connection) =
            tokio_postgres::connect(self.server.url(), tokio_postgres::NoTls).await.expect("connected");
        tokio::spawn(connection);
        client.batch_execute("ALTER SYSTEM SET ssl = on").await.expect("set");
        client.batch_execute("SELECT pg_reload_conf()").await.expect("reloaded");
        // The postmaster reads its files in its own time.
        tokio::time::sleep(std::time::Duration::from_millis(500)).await;
    }

    /// `yes`, `no` for a connection in plain text, or why there is none.
    async fn tried(&self, host: &str, parameters: &str) -> String {
        let url = self.server.url().replace("127.0.0.1", host);
        let join = if url.contains('?') { '&' } else { '?' };
        // A host that is not this machine, as far as the name tells, at an address that is.
        let url = format!("{url}{join}hostaddr=127.0.0.1&{parameters}");
        let settings = Settings { project_dir: self.folder.path().into(), ..Settings::default() };
        let warehouse = match Warehouse::connect(&settings, &url).await {
            Ok(warehouse) => warehouse,
            Err(e) => return e.report(),
        };
        match warehouse.encryption().await.expect("the server's answer") {
            none if none == "none" => "no".into(),
            tls if tls.starts_with("TLSv1.") => "yes".into(),
            other => other,
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_mode_proves_what_it_says() {
    let place = Place::new().await;
    let (ours, other) = (Authority::new("ours"), Authority::new("another"));
    let root = place.write("root.crt", &ours.certificate.pem());
    let wrong_root = place.write("other.crt", &other.certificate.pem());
    for (mode, expected) in [("disable", "no"), ("allow", "no"), ("prefer", "no")] {
        assert_eq!(place.tried("db.test", &format!("sslmode={mode}")).await, expected, "{mode} without TLS");
    }
    let told = place.tried("db.test", "sslmode=require").await;
    assert!(told.contains("server has no TLS"), "{told}");

    place.show(&ours.sign("db.test", 2100)).await;
    for (parameters, expected) in [
        ("sslmode=disable".to_owned(), "no"),
        ("sslmode=allow".to_owned(), "no"),
        ("sslmode=prefer".to_owned(), "yes"),
        ("sslmode=require".to_owned(), "yes"),
        ("sslmode=require&channel_binding=require".to_owned(), "yes"),
        (format!("sslmode=verify-ca&sslrootcert={root}"), "yes"),
        (format!("sslmode=verify-full&sslrootcert={root}"), "yes"),
        (format!("ssl_min_protocol_version=TLSv1.3&sslmode=verify-full&sslrootcert={root}"), "yes"),
    ] {
        assert_eq!(place.tried("db.test", &parameters).await, expected, "{parameters}");
    }
    for (host, parameters, expected) in [
        ("other.test", format!("sslmode=verify-ca&sslrootcert={root}"), "yes"),
        ("other.test", format!("sslmode=verify-full&sslrootcert={root}"), "connect by the name"),
        ("db.test", format!("sslmode=verify-full&sslrootcert={wrong_root}"), "name the certificate of the CA"),
        ("db.test", format!("sslmode=verify-ca&sslrootcert={wrong_root}"), "name the certificate of the CA"),
        ("db.test", format!("sslmode=require&sslrootcert={wrong_root}"), "name the certificate of the CA"),
        ("db.test", format!("sslmode=verify-full&sslrootcert={}", place.path("none").display()), "cannot be read"),
        ("db.test", "sslmode=disable&channel_binding=require".to_owned(), "channel binding"),
    ] {
        let told = place.tried(host, &parameters).await;
        assert!(told.contains(expected), "{host} {parameters}: {told}");
    }

    place.show(&ours.sign("db.test", 2001)).await;
    for mode in ["verify-ca", "verify-full"] {
        let told = place.tried("db.test", &format!("sslmode={mode}&sslrootcert={root}")).await;
        assert!(told.contains("renew the server's certificate"), "{mode}: {told}");
    }
    let key = KeyPair::generate().expect("a key");
    let itself = CertificateParams::new(vec!["db.test".into()]).expect("right").self_signed(&key).expect("signed");
    place.show(&(itself.pem(), key.serialize_pem())).await;
    let told = place.tried("db.test", &format!("sslmode=verify-full&sslrootcert={root}")).await;
    assert!(told.contains("name the certificate of the CA"), "{told}");
    assert_eq!(place.tried("db.test", "sslmode=require").await, "yes");
    place.server.stop().await.unwrap_or_else(|e| panic!("{}", e.report()));
}

/// A certificate that is signed by itself, as `openssl req -x509` makes it (`is_ca`) or not, valid in these years.
fn alone(name: &str, years: (i32, i32), is_ca: bool) -> (String, String) {
    let key = KeyPair::generate().expect("a key");
    let mut about = CertificateParams::new(vec![name.to_owned()]).expect("right");
    if is_ca {
        about.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    }
    about.distinguished_name.push(DnType::CommonName, name);
    (about.not_before, about.not_after) = (date_time_ymd(years.0, 1, 1), date_time_ymd(years.1, 1, 1));
    (about.self_signed(&key).expect("signed").pem(), key.serialize_pem())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_that_is_named_as_its_own_root_is_accepted() {
    let place = Place::new().await;
    let like_it = place.write("other.crt", &alone("db.test", (2000, 2100), true).0);
    for is_ca in [true, false] {
        let shown = alone("db.test", (2000, 2100), is_ca);
        place.show(&shown).await;
        let root = place.write("root.crt", &[alone("x.test", (2000, 2100), true).0, shown.0].concat());
        for (host, parameters, expected) in [
            ("db.test", format!("sslmode=verify-ca&sslrootcert={root}"), "yes"),
            ("db.test", format!("sslmode=verify-full&sslrootcert={root}"), "yes"),
            ("db.test", format!("sslmode=verify-full&ssl_max_protocol_version=TLSv1.2&sslrootcert={root}"), "yes"),
            ("other.test", format!("sslmode=verify-ca&sslrootcert={root}"), "yes"),
            ("other.test", format!("sslmode=verify-full&sslrootcert={root}"), "connect by the name"),
            ("db.test", format!("sslmode=verify-ca&sslrootcert={like_it}"), "name the certificate of the CA"),
            ("db.test", format!("sslmode=verify-full&sslrootcert={like_it}"), "name the certificate of the CA"),
        ] {
            let told = place.tried(host, &parameters).await;
            assert!(told.contains(expected), "{is_ca} {host} {parameters}: {told}");
        }
        for (years, hint) in [((2000, 2001), "renew the server's certificate"), ((2090, 2100), "set the clock")] {
            let shown = alone("db.test", years, is_ca);
            place.show(&shown).await;
            let root = place.write("root.crt", &shown.0);
            let told = place.tried("db.test", &format!("sslmode=verify-ca&sslrootcert={root}")).await;
            assert!(told.contains(hint), "{is_ca} {years:?}: {told}");
        }
    }
    place.server.stop().await.unwrap_or_else(|e| panic!("{}", e.report()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_wants_a_client_certificate_is_given_one() {
    let place = Place::new().await;
    let ours = Authority::new("ours");
    let root = place.write("root.crt", &ours.certificate.pem());
    let user = place.server.url().parse::<tokio_postgres::Config>().expect("a URL");
    let (certificate, key) = ours.sign(user.get_user().expect("a user"), 2100);
    let (certificate, key) = (place.write("client.crt", &certificate), place.write("client.key", &key));
    place.serve("root.crt", &ours.certificate.pem());
    let (client, connection) =
        tokio_postgres::connect(place.server.url(), tokio_postgres::NoTls).await.expect("connected");
    tokio::spawn(connection);
    client.batch_execute("ALTER SYSTEM SET ssl_ca_file = 'root.crt'").await.expect("set");
    let rules = std::fs::read_to_string(place.data().join("pg_hba.conf")).expect("the rules");
    place.serve("pg_hba.conf", &format!("hostssl all all 127.0.0.1/32 cert\n{rules}"));
    place.show(&ours.sign("db.test", 2100)).await;
    let full = format!("sslmode=verify-full&sslrootcert={root}");
    let with = format!("{full}&sslcert={certificate}&sslkey={key}");
    assert_eq!(place.tried("db.test", &with).await, "yes");
    let told = place.tried("db.test", &full).await;
    assert!(told.contains("certificate"), "{told}");
    std::fs::set_permissions(Path::new(&key), std::fs::Permissions::from_mode(0o644)).expect("set");
    let told = place.tried("db.test", &with).await;
    assert!(told.contains("can be read by others") && told.contains("chmod 600"), "{told}");
    place.server.stop().await.unwrap_or_else(|e| panic!("{}", e.report()));
}
