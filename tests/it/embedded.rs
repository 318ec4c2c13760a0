//! The embedded server: start, adopt, crash, stop, and every reason not to start.

use quintile::config::Settings;
use quintile::embedded::{self, Embedded};
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// A project folder that other users may enter.
fn project() -> (tempfile::TempDir, Settings) {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755)).expect("opened");
    let settings = Settings { project_dir: folder.path().to_path_buf(), ..Settings::default() };
    (folder, settings)
}

async fn start(settings: &Settings) -> Embedded {
    Embedded::start_with(settings, &[("fsync", "off")]).await.unwrap_or_else(|e| panic!("{}", e.report()))
}

async fn answer(server: &Embedded, sql: &str) -> String {
    let (client, connection) = tokio_postgres::connect(server.url(), tokio_postgres::NoTls).await.expect("connected");
    tokio::spawn(connection);
    client.query_one(sql, &[]).await.expect("a row").get(0)
}

fn is_running(settings: &Settings) -> bool {
    embedded::status(settings).running
}

async fn stopped_within(settings: &Settings, seconds: u64) -> bool {
    let deadline = Instant::now() + Duration::from_secs(seconds);
    while Instant::now() < deadline {
        let status = embedded::status(settings);
        if !status.running && !status.folder.is_some_and(|folder| folder.join("data/postmaster.pid").exists()) {
            return true;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    false
}

fn kill_hard(pid: i32) {
    let pid = rustix::process::Pid::from_raw(pid).expect("a pid");
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).expect("killed");
}

#[tokio::test]
async fn a_server_starts_answers_stops_and_starts_again_on_its_port() {
    let (_folder, settings) = project();
    let before = embedded::status(&settings);
    assert!(!before.running && before.folder.is_none());
    let server = start(&settings).await;
    let port = server.port();
    assert_eq!(answer(&server, "SELECT current_user || ' ' || current_database()").await, "quintile quintile");
    assert_eq!(
        answer(&server, "SELECT current_setting('server_encoding') || current_setting('TimeZone')").await,
        "UTF8UTC"
    );
    assert_eq!(
        answer(&server, "SELECT string_agg(DISTINCT auth_method, ',') FROM pg_hba_file_rules").await,
        "scram-sha-256"
    );
    assert!(server.bi_password().len() >= 32);
    for secret in ["password", "bi_password"] {
        let mode = std::fs::metadata(server.folder().join(secret)).expect(secret).mode();
        assert_eq!(mode & 0o777, 0o600, "{secret} is for its owner only");
    }
    assert!(!format!("{server:?}").contains(server.bi_password()));
    let status = embedded::status(&settings);
    assert!(status.running && status.stops_with_its_users && status.port == Some(port));
    server.stop().await.expect("stopped");
    assert!(stopped_within(&settings, 0).await || !is_running(&settings));
    let again = start(&settings).await;
    assert_eq!(again.port(), port, "the port is remembered");
    again.stop().await.expect("stopped");
}

#[tokio::test]
async fn a_wrong_password_is_refused() {
    let (_folder, settings) = project();
    let server = start(&settings).await;
    let url = format!("postgres://quintile:wrong@127.0.0.1:{}/quintile", server.port());
    assert!(tokio_postgres::connect(&url, tokio_postgres::NoTls).await.is_err());
    server.stop().await.expect("stopped");
}

#[tokio::test]
async fn a_killed_server_starts_again_and_keeps_what_was_committed() {
    let (_folder, settings) = project();
    let server = start(&settings).await;
    let (client, connection) = tokio_postgres::connect(server.url(), tokio_postgres::NoTls).await.expect("connected");
    tokio::spawn(connection);
    client.batch_execute("CREATE TABLE kept AS SELECT 42 AS n").await.expect("created");
    kill_hard(embedded::status(&settings).pid.expect("a pid"));
    // At once, while backends of the dead server may still be there.
    let again = start(&settings).await;
    assert_eq!(answer(&again, "SELECT n::text FROM kept").await, "42");
    again.stop().await.expect("stopped");
    drop(server);
}

#[tokio::test]
async fn a_running_server_is_adopted_and_lives_until_its_last_user_leaves() {
    let (_folder, settings) = project();
    let first = start(&settings).await;
    let second = start(&settings).await;
    assert_eq!(first.url(), second.url());
    first.stop().await.expect("released");
    assert_eq!(answer(&second, "SELECT 'still here'").await, "still here");
    second.stop().await.expect("stopped");
    assert!(stopped_within(&settings, 10).await);
}

#[tokio::test]
async fn starters_at_the_same_moment_share_one_server() {
    let (_folder, settings) = project();
    let (a, b, c) = tokio::join!(start(&settings), start(&settings), start(&settings));
    assert!(a.url() == b.url() && b.url() == c.url());
    drop((a, b));
    c.stop().await.expect("stopped");
    assert!(stopped_within(&settings, 10).await);
}

#[tokio::test]
async fn the_server_stops_when_its_user_is_killed() {
    let (_folder, settings) = project();
    let server = start(&settings).await;
    // Another process holds the pipe open for writing, as any user of the server does.
    let pipe =
        std::fs::OpenOptions::new().read(true).write(true).open(server.folder().join("run/alive")).expect("the pipe");
    let mut user = Command::new("sleep").arg("600").stdin(Stdio::from(pipe)).spawn().expect("a process");
    drop(server);
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert!(is_running(&settings), "a user is left");
    user.kill().expect("killed");
    user.wait().expect("reaped");
    assert!(stopped_within(&settings, 10).await);
}

#[tokio::test]
async fn a_server_that_lost_its_guard_is_adopted_and_can_be_shut_down() {
    let (_folder, settings) = project();
    let server = start(&settings).await;
    let pid = embedded::status(&settings).pid.expect("a pid");
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).expect("stat");
    let guard: i32 =
        stat.rsplit_once(") ").expect("name").1.split(' ').nth(1).expect("parent").parse().expect("a number");
    kill_hard(guard);
    let adopted = start(&settings).await;
    assert_eq!(answer(&adopted, "SELECT 'unwatched'").await, "unwatched");
    drop((server, adopted));
    assert!(embedded::shut_down(&settings).await.is_ok());
    assert!(stopped_within(&settings, 10).await);
    assert!(!embedded::shut_down(&settings).await.expect("asked"), "none runs any more");
}

#[tokio::test]
async fn a_server_that_is_to_stay_outlives_its_users() {
    let (_folder, mut settings) = project();
    settings.embedded.stay = true;
    let server = start(&settings).await;
    server.stop().await.expect("released");
    tokio::time::sleep(Duration::from_millis(500)).await;
    let status = embedded::status(&settings);
    assert!(status.running && !status.stops_with_its_users);
    let adopted = start(&settings).await;
    assert_eq!(answer(&adopted, "SELECT 'stayed'").await, "stayed");
    assert!(embedded::shut_down(&settings).await.expect("shut down"));
    assert!(!is_running(&settings));
    // A pipe that a crash left behind watches nobody.
    std::fs::write(adopted.folder().join("run/alive"), "").expect("written");
    drop(start(&settings).await);
    assert!(!embedded::status(&settings).stops_with_its_users);
    assert!(embedded::shut_down(&settings).await.expect("shut down"));
}

#[tokio::test]
async fn data_of_another_major_version_is_refused_by_name() {
    let (folder, settings) = project();
    std::fs::create_dir_all(folder.path().join(".quintile/data")).expect("made");
    std::fs::write(folder.path().join(".quintile/data/PG_VERSION"), "9\n").expect("written");
    let error = Embedded::start(&settings).await.expect_err("refused");
    assert_eq!(error.exit_code(), 2);
    assert!(
        error.message.starts_with("embedded PostgreSQL's data is of version 9, and the server found is of version 1"),
        "{error}"
    );
    assert!(error.hint.expect("a hint").contains("install PostgreSQL 9, or move that folder away"));
}

#[tokio::test]
async fn a_port_in_use_is_named() {
    let (_folder, mut settings) = project();
    let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("bound");
    settings.embedded.port = taken.local_addr().expect("an address").port();
    let error = Embedded::start(&settings).await.expect_err("refused");
    assert_eq!(
        (error.exit_code(), error.message),
        (2, format!("port {} of the embedded PostgreSQL is in use", settings.embedded.port))
    );
}

#[tokio::test]
async fn a_folder_without_binaries_is_named() {
    let (_folder, mut settings) = project();
    let empty = tempfile::tempdir().expect("a folder");
    settings.embedded.bin_dir = Some(empty.path().to_path_buf());
    let error = Embedded::start(&settings).await.expect_err("refused");
    assert_eq!(error.message, format!("folder \"{}\" holds no PostgreSQL server", empty.path().display()));
}

#[tokio::test]
async fn a_server_that_cannot_start_shows_its_log() {
    let (_folder, settings) = project();
    let error = Embedded::start_with(&settings, &[("no_such_setting", "1")]).await.expect_err("refused");
    assert_eq!(error.exit_code(), 3);
    assert!(error.detail.as_deref().is_some_and(|detail| detail.contains("no_such_setting")), "{}", error.report());
    start(&settings).await.stop().await.expect("the data is unharmed");
}

#[tokio::test]
async fn a_long_project_path_gets_a_short_socket_folder() {
    let (folder, mut settings) = project();
    settings.project_dir = folder.path().join("a".repeat(120));
    std::fs::create_dir(&settings.project_dir).expect("made");
    let server = start(&settings).await;
    let memo = std::fs::read_to_string(server.folder().join("socket_dir")).expect("the memo");
    assert!(
        memo.starts_with("/tmp/quintile-") && Path::new(&memo).join(format!(".s.PGSQL.{}", server.port())).exists()
    );
    server.stop().await.expect("stopped");
    let again = start(&settings).await;
    assert_eq!(std::fs::read_to_string(again.folder().join("socket_dir")).expect("the memo"), memo);
    again.stop().await.expect("stopped");
    std::fs::remove_dir_all(memo).expect("removed");
}

/// Only root changes users, and so only root meets a folder that the server's user cannot enter.
#[tokio::test]
async fn a_closed_project_folder_moves_the_data_elsewhere_and_says_where() {
    let (folder, settings) = project();
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o700)).expect("closed");
    let server = start(&settings).await;
    let is_root = rustix::process::geteuid().is_root();
    let data: PathBuf = server.folder().to_path_buf();
    assert_eq!(data.starts_with("/var/lib/quintile"), is_root);
    if is_root {
        let note = std::fs::read_to_string(folder.path().join(".quintile/location")).expect("the note");
        assert!(note.contains(&data.display().to_string()), "{note}");
    }
    assert_eq!(embedded::status(&settings).folder.as_deref(), Some(&*data), "status finds it too");
    server.stop().await.expect("stopped");
    let again = start(&settings).await;
    assert_eq!(again.folder(), data);
    again.stop().await.expect("stopped");
    if is_root {
        std::fs::remove_dir_all(data).expect("removed");
    }
}
