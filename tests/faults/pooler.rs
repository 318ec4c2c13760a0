//! PgBouncer in transaction mode before a server: every transaction may get another session.

use crate::lab::{Server, as_server_user, free_port, make_folder};
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;
use tokio::process::Child;
use tokio_postgres::NoTls;

/// Sessions of the server for all clients: few, so that they really are shared.
const POOL_SIZE: u32 = 8;

/// A pooler at work; it ends with this value.
pub struct Pooler {
    port: u16,
    _process: Child,
}

impl Pooler {
    /// Starts one, or says why that cannot be.
    pub async fn start(server: &Server, folder: &Path) -> Result<Pooler, String> {
        make_folder(folder);
        let port = free_port();
        // With auth_type any, the pooler takes one login of the server for all clients: the program's.
        let settings = format!(
            "[databases]\n* = host=127.0.0.1 port={} user=quintile\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\n\
             unix_socket_dir =\nauth_type = any\npool_mode = transaction\ndefault_pool_size = {POOL_SIZE}\n\
             max_client_conn = 500\nserver_login_retry = 1\nlogfile = {}\n",
            server.port,
            folder.join("log").display()
        );
        std::fs::write(folder.join("pgbouncer.ini"), settings).expect("settings");
        let program = ["/usr/sbin/pgbouncer", "/usr/bin/pgbouncer", "/usr/local/bin/pgbouncer"];
        let Some(program) = program.iter().map(Path::new).find(|path| path.exists()) else {
            return Err("PgBouncer is not installed (Debian: apt-get install pgbouncer)".into());
        };
        let mut command = as_server_user(program);
        command.arg("-q").arg(folder.join("pgbouncer.ini")).stdout(Stdio::null()).stderr(Stdio::null());
        let mut command = tokio::process::Command::from(command);
        let process = command.kill_on_drop(true).spawn().map_err(|e| format!("PgBouncer does not start: {e}"))?;
        let pooler = Pooler { port, _process: process };
        for _ in 0..100 {
            if tokio_postgres::connect(&pooler.url(), NoTls).await.is_ok() {
                return Ok(pooler);
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Err(format!("PgBouncer does not answer; its log is {}", folder.join("log").display()))
    }

    /// Where `quintile` reaches the shop through it.
    pub fn url(&self) -> String {
        format!("postgres://quintile@127.0.0.1:{}/shop", self.port)
    }
}
