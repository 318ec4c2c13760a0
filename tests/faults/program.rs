//! The real program: commands that end, daemons that are killed, paused and read.

use crate::lab::signal_to;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};
use tokio::process::{Child, Command};

/// Numbers the log files.
static NEXT: AtomicU32 = AtomicU32::new(1);

/// How the program is started.
#[derive(Clone, Debug)]
pub struct Program {
    /// Database URL.
    pub url: String,
    /// Project folder.
    pub project: PathBuf,
    /// Folder of the logs.
    pub logs: PathBuf,
    /// Seconds of both leases; the least that the daemon takes is 3.
    pub lease_seconds: u64,
    /// Further variables of the environment.
    pub environment: Vec<(String, String)>,
}

/// A command that ended.
#[derive(Debug)]
pub struct Ended {
    /// None when a signal ended it.
    pub code: Option<i32>,
    /// All that it printed.
    pub text: String,
}

/// A process at work.
pub struct Running {
    child: Child,
    log: PathBuf,
}

impl Program {
    /// The same with one more variable.
    pub fn with(&self, name: &str, value: &str) -> Program {
        let mut program = self.clone();
        program.environment.push((name.into(), value.into()));
        program
    }

    /// The same on another URL.
    pub fn on(&self, url: &str) -> Program {
        Program { url: url.into(), ..self.clone() }
    }

    /// Starts a command.
    pub fn start(&self, arguments: &[&str]) -> Running {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let log = self.logs.join(format!("{number:05}-{}.log", arguments[0]));
        let file = std::fs::File::create(&log).expect("a log");
        let mut command = Command::new(env!("CARGO_BIN_EXE_quintile"));
        command.args(arguments).arg("--project-dir").arg(&self.project).kill_on_drop(true);
        command.env("DATABASE_URL", &self.url).env("NO_COLOR", "1");
        for name in ["QUINTILE__RUN__LEASE_SECONDS", "QUINTILE__SERVE__LEASE_SECONDS"] {
            command.env(name, self.lease_seconds.to_string());
        }
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::null()).stdout(file.try_clone().expect("the log")).stderr(file);
        let child = command.spawn().expect("the program starts");
        // For the watcher of the lab, should this process end before that one.
        let id = child.id().map(|id| id.to_string()).unwrap_or_default();
        std::fs::write(log.with_extension("pid"), id).expect("a process id");
        Running { child, log }
    }

    /// A daemon on a port of its own.
    pub fn serve(&self) -> Running {
        self.start(&["serve", "--listen", "127.0.0.1:0"])
    }

    /// Runs a command to its end.
    pub async fn run(&self, arguments: &[&str]) -> Ended {
        self.start(arguments).end().await
    }

    /// `quintile build`.
    pub async fn build(&self) -> Ended {
        self.run(&["build"]).await
    }
}

impl Ended {
    /// Whether it ended well.
    pub fn is_good(&self) -> bool {
        self.code == Some(0)
    }

    /// The last lines, for a verdict.
    pub fn tail(&self) -> String {
        let lines: Vec<&str> = self.text.lines().rev().take(6).collect();
        lines.into_iter().rev().collect::<Vec<_>>().join(" | ")
    }
}

impl Running {
    /// `kill -9`, and its end.
    pub async fn kill(mut self) {
        let _ = self.child.start_kill();
        let _ = self.child.wait().await;
    }

    /// SIGTERM; the code, and how long the end took.
    pub async fn terminate(mut self) -> (Option<i32>, Duration) {
        let asked = Instant::now();
        self.signal(rustix::process::Signal::TERM);
        let status = self.child.wait().await.expect("its end");
        (status.code(), asked.elapsed())
    }

    /// SIGSTOP, SIGCONT and the like.
    pub fn signal(&self, signal: rustix::process::Signal) {
        if let Some(id) = self.child.id() {
            signal_to(id, signal);
        }
    }

    /// Waits for its end.
    pub async fn end(mut self) -> Ended {
        let status = self.child.wait().await.expect("its end");
        Ended { code: status.code(), text: text_of(&self.log) }
    }

    /// Whether it has ended by itself.
    pub fn has_ended(&mut self) -> bool {
        self.child.try_wait().is_ok_and(|ended| ended.is_some())
    }

    /// Waits until its log has `text`, or it ends, or the time is over; whether the text came.
    pub async fn says(&mut self, text: &str, within: Duration) -> bool {
        self.says_often(text, 1, within).await
    }

    /// As [`Running::says`], for the text so many times since the start.
    pub async fn says_often(&mut self, text: &str, times: usize, within: Duration) -> bool {
        let deadline = Instant::now() + within;
        loop {
            let is_over = Instant::now() >= deadline || self.has_ended();
            if self.count(text) >= times || is_over {
                return self.count(text) >= times;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// As [`Running::says`], for any of the texts.
    pub async fn says_any(&mut self, texts: &[&str], within: Duration) -> bool {
        let deadline = Instant::now() + within;
        loop {
            let is_over = Instant::now() >= deadline || self.has_ended();
            let log = self.log();
            if texts.iter().any(|text| log.contains(text)) {
                return true;
            }
            if is_over {
                return false;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// How often its log has `text`.
    pub fn count(&self, text: &str) -> usize {
        self.log().matches(text).count()
    }

    /// All that it told so far.
    pub fn log(&self) -> String {
        text_of(&self.log)
    }
}

fn text_of(log: &Path) -> String {
    String::from_utf8_lossy(&std::fs::read(log).unwrap_or_default()).into_owned()
}
