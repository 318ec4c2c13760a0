//! Generated passwords: from the system's random source, kept in files that only their owner can read.

use super::place::Place;
use crate::error::{Error, Result};
use std::io::{Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// 40 hexadecimal characters, 160 bits; safe in a URL as they stand.
pub(super) fn generate() -> Result<String> {
    random_hex(20)
}

/// `bytes` random bytes as hexadecimal characters.
pub(super) fn random_hex(bytes: usize) -> Result<String> {
    let mut random = vec![0_u8; bytes];
    std::fs::File::open("/dev/urandom")
        .and_then(|mut source| source.read_exact(&mut random))
        .map_err(|e| Error::failed("random source \"/dev/urandom\" cannot be read").source(e))?;
    Ok(random.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// The password in `file`, or none when there is no such file yet.
pub(super) fn read(file: &Path) -> Result<Option<String>> {
    match std::fs::read_to_string(file) {
        Ok(text) if text.trim().len() >= 32 => Ok(Some(text.trim().to_owned())),
        Ok(_) => Err(Error::config(format!("password file \"{}\" is damaged", file.display()))
            .detail("It holds fewer than the 32 characters that were written into it.")),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(Error::config(format!("password file \"{}\" cannot be read", file.display()))
            .source(e)
            .hint("run quintile as the user that started the embedded PostgreSQL first")),
    }
}

/// The password in `file`; generated and written first when there is none.
pub(super) fn read_or_generate(place: &Place, file: &Path) -> Result<String> {
    if let Some(password) = read(file)? {
        return Ok(password);
    }
    let password = generate()?;
    write(place, file, &password)?;
    Ok(password)
}

/// Writes `secret` for its owner only, whole or not at all.
pub(super) fn write(place: &Place, file: &Path, secret: &str) -> Result<()> {
    let beginning = file.with_extension("new");
    let written = std::fs::remove_file(&beginning)
        .or_else(|e| if e.kind() == std::io::ErrorKind::NotFound { Ok(()) } else { Err(e) });
    written
        .and_then(|()| std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&beginning))
        .and_then(|mut open| open.write_all(secret.as_bytes()).and_then(|()| open.sync_all()))
        .and_then(|()| std::fs::rename(&beginning, file))
        .map_err(|e| Error::config(format!("file \"{}\" cannot be written", file.display())).source(e))?;
    place.give(file)
}
