//! An order file on disk: what it is, its checksum, and its text, unpacked.

use super::value::quoted;
use crate::error::{Error, Result};
use flate2::bufread::MultiGzDecoder;
use std::fs::{File, Metadata};
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

const BUFFER: usize = 256 * 1024;

/// A file that was found and can be read.
#[derive(Clone, Debug)]
pub struct OrderFile {
    /// Where it is.
    pub path: PathBuf,
    /// Its name without the folder.
    pub name: String,
    /// Bytes on disk.
    pub bytes: u64,
    /// blake3 of its bytes, in hexadecimal digits.
    pub checksum: String,
    modified: Option<std::time::SystemTime>,
}

fn unreadable(path: &Path, cause: std::io::Error) -> Error {
    let error = Error::config(format!("file \"{}\" cannot be read", path.display()));
    match cause.kind() {
        std::io::ErrorKind::NotFound => error.detail("There is no such file.").hint("check the path"),
        std::io::ErrorKind::PermissionDenied => error.source(cause).hint("grant this user the right to read the file"),
        _ => error.source(cause),
    }
}

impl OrderFile {
    /// Looks at the file and reads it once for its checksum.
    pub fn open(path: &Path) -> Result<OrderFile> {
        let refused = |why: &str, hint: &str| {
            Err(Error::config(format!("file \"{}\" cannot be read", path.display())).detail(why).hint(hint))
        };
        let metadata = std::fs::metadata(path).map_err(|e| unreadable(path, e))?;
        if metadata.is_dir() {
            return refused("It is a folder.", "name one file; load the files of a folder one by one");
        }
        if !metadata.is_file() {
            return refused("It is not a regular file.", "write the data to a file first: it is read twice");
        }
        let Some(name) = path.file_name().and_then(|name| name.to_str()) else {
            return refused("Its name is not valid UTF-8.", "rename the file");
        };
        if metadata.len() == 0 {
            return refused("It is empty.", "check that the export was finished");
        }
        let mut hasher = blake3::Hasher::new();
        let mut file = File::open(path).map_err(|e| unreadable(path, e))?;
        let mut buffer = vec![0; BUFFER];
        loop {
            match file.read(&mut buffer).map_err(|e| unreadable(path, e))? {
                0 => break,
                count => drop(hasher.update(&buffer[..count])),
            }
        }
        Ok(OrderFile {
            path: path.to_path_buf(),
            name: name.to_owned(),
            bytes: metadata.len(),
            checksum: hasher.finalize().to_hex().to_string(),
            modified: modified(&metadata),
        })
    }

    /// The file's text from its beginning, unpacked if its first bytes are those of gzip, whatever its name is.
    /// `bytes_read` follows the bytes taken from the disk.
    pub fn text(&self, bytes_read: Arc<AtomicU64>) -> Result<Box<dyn Read + Send>> {
        let file = File::open(&self.path).map_err(|e| unreadable(&self.path, e))?;
        let mut raw = BufReader::with_capacity(BUFFER, Counting { file, bytes_read });
        let is_gzip = raw.fill_buf().map_err(|e| unreadable(&self.path, e))?.starts_with(&[0x1f, 0x8b]);
        if !is_gzip {
            self.refuse_foreign(raw.buffer())?;
            return Ok(Box::new(raw));
        }
        let mut unpacked = BufReader::with_capacity(BUFFER, MultiGzDecoder::new(raw));
        let begin = unpacked.fill_buf().map_err(|e| unreadable(&self.path, e))?;
        self.refuse_foreign(begin)?;
        Ok(Box::new(unpacked))
    }

    /// Refuses content that is certainly no text in UTF-8.
    fn refuse_foreign(&self, begin: &[u8]) -> Result<()> {
        let (what, hint) = match begin {
            [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => ("text in UTF-16", "save it as UTF-8"),
            [b'P', b'K', 3, 4, ..] => ("a ZIP archive or an Excel workbook", "unpack it, or export the sheet as CSV"),
            [0x28, 0xb5, 0x2f, 0xfd, ..] => ("packed by zstd", "unpack it, or pack it with gzip"),
            [0xfd, b'7', b'z', b'X', b'Z', ..] => ("packed by xz", "unpack it, or pack it with gzip"),
            [b'B', b'Z', b'h', b'1'..=b'9', b'1', ..] => ("packed by bzip2", "unpack it, or pack it with gzip"),
            [0x1f, 0x8b, ..] => ("packed by gzip twice", "unpack it once"),
            [b'P', b'A', b'R', b'1', ..] => ("a Parquet file", "export it as CSV"),
            _ => return Ok(()),
        };
        Err(Error::config(format!("file {} cannot be read", quoted(&self.path.display().to_string())))
            .detail(format!("It is {what}."))
            .hint(hint))
    }

    /// Whether the file is still the one that was opened.
    pub fn is_same(&self) -> bool {
        std::fs::metadata(&self.path).is_ok_and(|now| now.len() == self.bytes && modified(&now) == self.modified)
    }
}

fn modified(metadata: &Metadata) -> Option<std::time::SystemTime> {
    metadata.modified().ok()
}

struct Counting {
    file: File,
    bytes_read: Arc<AtomicU64>,
}

impl Read for Counting {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = self.file.read(buffer)?;
        self.bytes_read.fetch_add(count as u64, Ordering::Relaxed);
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn write(name: &str, content: &[u8]) -> (tempfile::TempDir, PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(name);
        std::fs::write(&path, content).unwrap();
        (dir, path)
    }

    #[test]
    fn gzip_is_known_by_its_content_and_members_follow_each_other() {
        let mut packed = Vec::new();
        for part in ["a,b\n", "1,2\n"] {
            let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            encoder.write_all(part.as_bytes()).unwrap();
            packed.extend(encoder.finish().unwrap());
        }
        let (_dir, path) = write("orders.csv", &packed);
        let file = OrderFile::open(&path).unwrap();
        let bytes_read = Arc::new(AtomicU64::new(0));
        let mut text = String::new();
        file.text(bytes_read.clone()).unwrap().read_to_string(&mut text).unwrap();
        assert_eq!(text, "a,b\n1,2\n");
        assert_eq!(bytes_read.load(Ordering::Relaxed), packed.len() as u64);
    }

    #[test]
    fn foreign_content_is_named() {
        for (content, what) in [
            (&b"\xff\xfea\0"[..], "UTF-16"),
            (b"PK\x03\x04....", "Excel"),
            (b"PAR1....", "Parquet"),
            (b"BZh91AY", "bzip2"),
        ] {
            let (_dir, path) = write("orders.csv", content);
            let error = OrderFile::open(&path).unwrap().text(Arc::default()).err().unwrap();
            assert!(error.detail.as_deref().unwrap().contains(what), "{}", error.report());
        }
    }

    #[test]
    fn what_is_no_file_is_told() {
        let (dir, path) = write("empty.csv", b"");
        for (path, detail) in [
            (path.as_path(), "It is empty."),
            (dir.path(), "It is a folder."),
            (&dir.path().join("none.csv"), "There is no such file."),
            (Path::new("/dev/null"), "It is not a regular file."),
        ] {
            assert_eq!(OrderFile::open(path).unwrap_err().detail.as_deref(), Some(detail));
        }
    }
}
