//! Hashes that other tools know the project's parts by.

use md5::Md5;
use sha2::{Digest, Sha256};

/// MD5 as 32 hexadecimal digits: names and aliases of tests.
pub fn md5_hex(text: &str) -> String {
    hex(&Md5::digest(text.as_bytes()))
}

/// SHA-256 as 64 hexadecimal digits: checksums of files.
pub fn sha256_hex(text: &str) -> String {
    hex(&Sha256::digest(text.as_bytes()))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
