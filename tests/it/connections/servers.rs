//! Several servers, a server that takes no writes, and a connection described by the environment alone.

use crate::harness::Database;
use quintile::warehouse::Warehouse;
use std::process::Command;

#[tokio::test(flavor = "multi_thread")]
async fn the_first_server_that_answers_and_writes_is_taken() {
    let db = Database::new().await;
    let port = format!(":{}/", port_of(db.url()));
    // Nothing listens on port 1.
    let url = db.url().replace(&format!("127.0.0.1{port}"), &format!("127.0.0.1:1,127.0.0.1{port}"));
    let warehouse = Warehouse::connect(&db.settings(), &url).await.unwrap_or_else(|e| panic!("{}", e.report()));
    drop(warehouse.client().await.expect("a connection"));
    // A role that only reads is what a standby looks like.
    let name = db.url().rsplit_once('/').expect("a URL").1;
    let sql = format!("ALTER DATABASE {name} SET default_transaction_read_only = on");
    db.client().await.batch_execute(&sql).await.expect("set");
    let refused = Warehouse::connect(&db.settings(), &format!("{url}?connect_timeout=2")).await;
    let told = refused.err().expect("no server takes writes").report();
    assert!(told.contains("cannot be reached on any server") && told.contains("server takes no writes"), "{told}");
    assert!(told.contains("Connection refused"), "every server is told: {told}");
    for wanted in ["any", "read-only", "primary", "prefer-standby"] {
        let url = format!("{url}?target_session_attrs={wanted}");
        Warehouse::connect(&db.settings(), &url).await.unwrap_or_else(|e| panic!("{wanted}: {}", e.report()));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_to_a_server_that_takes_no_writes_leave_the_pool() {
    let db = Database::new().await;
    let warehouse = db.warehouse().await;
    let pid = async || {
        let client = warehouse.client().await.expect("a connection");
        client.query_one("SELECT pg_backend_pid()", &[]).await.expect("a row").get::<_, i32>(0)
    };
    let first = pid().await;
    assert_eq!(pid().await, first, "a good connection is lent again");
    let mut client = warehouse.client().await.expect("a connection");
    let snapshot = client.snapshot().await.expect("a snapshot");
    snapshot.execute("CREATE TABLE nowhere ()", &[]).await.expect_err("a snapshot only reads");
    drop(snapshot);
    drop(client);
    assert_eq!(pid().await, first, "what we asked for ourselves tells nothing about the server");
    let client = warehouse.client().await.expect("a connection");
    client.batch_execute("BEGIN READ ONLY; CREATE TABLE nowhere ()").await.expect_err("refused");
    drop(client);
    assert_ne!(pid().await, first);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_environment_and_its_files_describe_a_connection() {
    let db = Database::new().await;
    let home = tempfile::tempdir().expect("a folder");
    let config: tokio_postgres::Config = db.url().parse().expect("a URL");
    let (user, name) = (config.get_user().expect("a user"), config.get_dbname().expect("a database"));
    let password = String::from_utf8_lossy(config.get_password().expect("a password")).into_owned();
    let port = config.get_ports()[0];
    let write = |file: &str, text: &str, mode| {
        use std::os::unix::fs::PermissionsExt;
        let path = home.path().join(file);
        std::fs::write(&path, text).expect("written");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).expect("set");
    };
    write(".pg_service.conf", &format!("[shop]\nhost=127.0.0.1\nport={port}\nuser=nobody\n"), 0o644);
    write(".pgpass", &format!("*:*:*:{user}:{password}\n"), 0o600);
    let debug = |variables: &[(&str, &str)]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_quintile"));
        command.args(["debug", "--project-dir", env!("CARGO_MANIFEST_DIR")]).env_remove("DATABASE_URL");
        command.env("HOME", home.path()).env("NO_COLOR", "1").envs(variables.iter().copied());
        let output = command.output().expect("the program runs");
        let text = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
        assert!(!text.contains(&password), "no secret is shown");
        text
    };
    let told = debug(&[("PGSERVICE", "shop"), ("DATABASE_URL", &format!("user={user} dbname={name}"))]);
    for line in [
        "127.0.0.1 (".to_owned() + &home.path().join(".pg_service.conf").display().to_string(),
        format!("{user} (connection URL)"),
        format!("given ({}", home.path().join(".pgpass").display()),
        "allow (default)".to_owned(),
        "encryption none".to_owned(),
    ] {
        assert!(told.contains(&line), "{line}\n{told}");
    }
    // No URL at all: the variables alone are a database given.
    let (port, user) = (port.to_string(), user.to_owned());
    let told = debug(&[("PGHOST", "127.0.0.1"), ("PGPORT", &port), ("PGUSER", &user), ("PGDATABASE", name)]);
    assert!(told.contains("127.0.0.1 (PGHOST)") && told.contains(&format!("{name} (PGDATABASE)")), "{told}");
    write(".pgpass", &format!("*:*:*:{user}:{password}\n"), 0o644);
    let told = debug(&[("PGHOST", "127.0.0.1"), ("PGPORT", &port), ("PGUSER", &user), ("PGDATABASE", name)]);
    assert!(told.contains("password missing"), "a file that others can read is left out: {told}");
    let told = debug(&[("PGSERVICE", "nowhere")]);
    assert!(told.contains("service \"nowhere\" is not defined"), "{told}");
}

fn port_of(url: &str) -> u16 {
    url.parse::<tokio_postgres::Config>().expect("a URL").get_ports()[0]
}
