//! The disk of the data runs full in the midst of a run, on a small file system made for that.

use crate::Trial;
use crate::bench::{Bench, Project};
use crate::ledger;
use crate::verdict::{Allowed, Verdict};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Room for the data, and what the ballast leaves of it.
const SIZE: &str = "size=400m,mode=0777";
const LEFT: u64 = 6 * 1024 * 1024;
/// Rows of the model that needs more room than is left: about 25 MB.
const BIG_MODEL: &str = "{{ config(materialized='table') }}

SELECT n, repeat('x', 200) AS filling FROM generate_series(1, {{ var('rows', 100) }}) AS n
";

/// A file system in memory; unmounted with this value.
struct Mounted(PathBuf);

impl Mounted {
    fn new(at: &Path) -> Result<Mounted, String> {
        std::fs::create_dir_all(at).expect("a folder");
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", SIZE, "quintile-faults"]).arg(at);
        match mount.output() {
            Ok(output) if output.status.success() => Ok(Mounted(at.to_owned())),
            Ok(output) => Err(String::from_utf8_lossy(&output.stderr).trim().to_owned()),
            Err(e) => Err(e.to_string()),
        }
    }

    /// Bytes that are free.
    fn free(&self) -> u64 {
        let output = Command::new("df").args(["--output=avail", "-B1"]).arg(&self.0).output().expect("df");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        text.lines().nth(1).and_then(|line| line.trim().parse().ok()).expect("a number of bytes")
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        // Lazily: the server that lies on it is just ending.
        let _ = Command::new("umount").arg("-l").arg(&self.0).output();
    }
}

/// Fills the disk, runs, frees it, runs again.
pub async fn full(trial: Trial<'_>) -> Verdict {
    let disk = match Mounted::new(&trial.lab.folder.join("disk")) {
        Ok(disk) => disk,
        Err(why) => return Verdict::skipped(format!("a small file system cannot be mounted: {why}")),
    };
    let mut verdict = Verdict::default();
    // What the server writes ahead lies elsewhere: without room for that the whole server stops, which is another fault.
    let wal = trial.lab.folder.join("wal");
    let server = trial.lab.server_on(&disk.0.join("data"), Some(&wal)).await;
    let bench = Bench::on(trial.lab, "disk", Project::Till, server).await;
    std::fs::write(bench.program.project.join("models/big.sql"), BIG_MODEL).expect("a model");
    let first = bench.program.build().await;
    verdict.require(first.is_good(), format!("the build with room failed: {}", first.tail()));
    let readers = bench.readers();
    let ballast = disk.0.join("ballast");
    for _ in 0..trial.rounds {
        let before = bench.published_generation().await;
        bench.change_orders().await;
        std::fs::write(bench.program.project.join("config/quintile.toml"), "[vars]\nrows = 100000\n")
            .expect("settings");
        bench.server.execute("CHECKPOINT").await;
        fill(&ballast, disk.free().saturating_sub(LEFT));
        let full = bench.program.build().await;
        std::fs::remove_file(&ballast).expect("removed");
        std::fs::write(bench.program.project.join("config/quintile.toml"), "").expect("settings");
        verdict.require(full.code == Some(1), format!("a full disk ended the build with {:?}", full.code));
        let is_named = full.text.contains("SQLSTATE 53100") && full.text.contains("\"big\"");
        verdict.require(is_named, format!("neither SQLSTATE nor model is named: {}", full.tail()));
        let published = bench.published_generation().await;
        verdict.require(published == before, format!("generation {published} is published from a full disk"));
        verdict.rounds += 1;
    }
    ledger::recovers(&bench, &mut verdict).await;
    verdict.judge(&readers.stop().await, Allowed::Nothing);
    verdict.fact(format!("{} MB free at the end", disk.free() / 1_000_000));
    drop(bench);
    verdict
}

fn fill(file: &Path, bytes: u64) {
    let mut ballast = std::fs::File::create(file).expect("a file");
    let block = vec![0; 1024 * 1024];
    for _ in 0..bytes / block.len() as u64 {
        ballast.write_all(&block).expect("room");
    }
}
