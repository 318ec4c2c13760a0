//! Standard input, kept in a file without a name while it is loaded.
//!
//! A load reads its input twice: once for the checksum that tells whether it is known already, once for its rows.
//! The file is removed as soon as it is open, so that nothing stays whatever happens to the process.

use crate::error::{Error, Result};
use std::fs::{File, OpenOptions};
use std::io::Read;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

/// Tells apart what one process spools at the same time.
static SPOOLED: AtomicU64 = AtomicU64::new(0);

/// Copies `input` to the folder `dir` and gives the file back.
pub(super) fn spool(mut input: impl Read, dir: &Path) -> Result<File> {
    let unwritable = |e: std::io::Error| {
        Error::failed("standard input cannot be kept for reading it twice")
            .detail(format!("The folder is {}.", dir.display()))
            .hint("set TMPDIR to a folder with room for it, or name a file")
            .source(e)
    };
    let mut file = unnamed_file(dir).map_err(unwritable)?;
    std::io::copy(&mut input, &mut file).map_err(unwritable)?;
    Ok(file)
}

/// A new file of the folder `dir` that has no name any more: it is gone with the process.
pub(in crate::ingest) fn unnamed_file(dir: &Path) -> std::io::Result<File> {
    let number = SPOOLED.fetch_add(1, Ordering::Relaxed);
    let path = dir.join(format!("quintile-{}-{number}.spool", std::process::id()));
    // Orders are nobody else's business while the file still has its name.
    let file = OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(&path)?;
    std::fs::remove_file(&path)?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::FileExt;

    #[test]
    fn input_is_kept_and_no_name_stays() {
        let dir = tempfile::tempdir().unwrap();
        let file = spool(&b"a,b\n1,2\n"[..], dir.path()).unwrap();
        let mut bytes = [0; 8];
        file.read_exact_at(&mut bytes, 0).unwrap();
        assert_eq!(&bytes, b"a,b\n1,2\n");
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
        assert!(spool(&b"x"[..], &dir.path().join("none")).is_err());
    }
}
