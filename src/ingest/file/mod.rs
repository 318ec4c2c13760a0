//! A file to load: what it is, its checksum, and its text, unpacked and decoded.

pub(crate) mod encoding;
mod folder;
mod packing;
mod spool;

pub use folder::files_of;
pub(super) use spool::unnamed_file;

use crate::config::temporary_dir;
use crate::error::{Error, Result};
use encoding_rs::Encoding;
use std::fs::{File, Metadata};
use std::io::{BufRead, BufReader, Read};
use std::os::unix::fs::FileExt;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

const BUFFER: usize = 256 * 1024;
/// The path that means standard input.
const STANDARD_INPUT: &str = "-";

/// A file that was found and can be read.
#[derive(Clone, Debug)]
pub struct OrderFile {
    /// Where it is; `-` for standard input.
    pub path: PathBuf,
    /// Its name without the folder; standard input is named by its content, because each is another file.
    pub name: String,
    /// Bytes on disk.
    pub bytes: u64,
    /// blake3 of its bytes, in hexadecimal digits.
    pub checksum: String,
    /// Whether it is a Parquet file.
    pub is_parquet: bool,
    file: Arc<File>,
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

fn refused(path: &Path, why: &str, hint: &str) -> Error {
    Error::config(format!("file \"{}\" cannot be read", path.display())).detail(why).hint(hint)
}

impl OrderFile {
    /// Looks at the file and reads it once for its checksum.
    pub fn open(path: &Path) -> Result<OrderFile> {
        if path == Path::new(STANDARD_INPUT) {
            let file = spool::spool(std::io::stdin().lock(), &temporary_dir())?;
            let mut found = OrderFile::look(path, STANDARD_INPUT.into(), file)?;
            found.name = format!("standard-input-{}", &found.checksum[..12]);
            return Ok(found);
        }
        // Looked at before it is opened: opening a pipe waits for its writer.
        let metadata = std::fs::metadata(path).map_err(|e| unreadable(path, e))?;
        if metadata.is_dir() {
            return Err(refused(path, "It is a folder.", "name its files, or load the folder by itself"));
        }
        if !metadata.is_file() {
            return Err(refused(path, "It is not a regular file.", "pipe its data to standard input: FILE is - then"));
        }
        let Some(name) = path.file_name().and_then(|name| name.to_str()) else {
            return Err(refused(path, "Its name is not valid UTF-8.", "rename the file"));
        };
        OrderFile::look(path, name.to_owned(), File::open(path).map_err(|e| unreadable(path, e))?)
    }

    fn look(path: &Path, name: String, file: File) -> Result<OrderFile> {
        let metadata = file.metadata().map_err(|e| unreadable(path, e))?;
        if metadata.len() == 0 {
            return Err(refused(path, "It is empty.", "check that the export was finished"));
        }
        let file = Arc::new(file);
        let mut content = Content { file: file.clone(), position: 0, bytes_read: Arc::default() };
        let mut hasher = blake3::Hasher::new();
        let mut buffer = vec![0; BUFFER];
        let mut is_parquet = None;
        loop {
            match content.read(&mut buffer).map_err(|e| unreadable(path, e))? {
                0 => break,
                count => {
                    is_parquet.get_or_insert(buffer[..count].starts_with(b"PAR1"));
                    hasher.update(&buffer[..count]);
                }
            }
        }
        Ok(OrderFile {
            path: path.to_path_buf(),
            name,
            bytes: metadata.len(),
            checksum: hasher.finalize().to_hex().to_string(),
            is_parquet: is_parquet == Some(true),
            file,
            modified: modified(&metadata),
        })
    }

    /// The file's text in UTF-8 from its beginning, unpacked if its first bytes are those of gzip or zstd, whatever its
    /// name is. `bytes_read` follows the bytes taken from the disk. Bytes that are no text are left for the rows to tell.
    pub fn text(&self, encoding: &'static Encoding, bytes_read: Arc<AtomicU64>) -> Result<Box<dyn Read + Send>> {
        let told = |e| unreadable(&self.path, e);
        let raw = BufReader::with_capacity(BUFFER, self.content(bytes_read));
        let mut unpacked = packing::unpacked(raw, BUFFER).map_err(told)?;
        let begin = unpacked.fill_buf().map_err(told)?;
        if let Some((what, hint)) = packing::foreign(begin) {
            return Err(refused(&self.path, &format!("It is {what}."), hint));
        }
        let is_utf16 = begin.starts_with(&[0xff, 0xfe]) || begin.starts_with(&[0xfe, 0xff]);
        if encoding != encoding_rs::UTF_8 {
            return Ok(Box::new(encoding::Decoding::new(unpacked, encoding)));
        }
        if is_utf16 {
            return Err(refused(&self.path, "It is text in UTF-16.", "set encoding = \"utf-16\" in the mapping"));
        }
        Ok(Box::new(unpacked))
    }

    /// The first bytes, unpacked.
    pub(super) fn begin(&self, bytes: u64) -> Result<Vec<u8>> {
        let told = |e| unreadable(&self.path, e);
        let raw = BufReader::with_capacity(BUFFER, self.content(Arc::default()));
        let mut begin = Vec::new();
        packing::unpacked(raw, BUFFER).map_err(told)?.take(bytes).read_to_end(&mut begin).map_err(told)?;
        Ok(begin)
    }

    /// The file's bytes as they are.
    pub(super) fn content(&self, bytes_read: Arc<AtomicU64>) -> Content {
        Content { file: self.file.clone(), position: 0, bytes_read }
    }

    /// How a file is known: by its path as it was given, without what means nothing in it. Two files of one name in two
    /// folders are two files; one file under two paths is loaded twice and found unchanged, order by order.
    #[must_use]
    pub fn given_name(&self) -> String {
        if self.is_standard_input() {
            return self.name.clone();
        }
        let parts = self.path.components().filter(|part| *part != Component::CurDir);
        parts.collect::<PathBuf>().to_string_lossy().into_owned()
    }

    fn is_standard_input(&self) -> bool {
        self.path == Path::new(STANDARD_INPUT)
    }

    /// Whether the file is still the one that was opened.
    pub fn is_same(&self) -> bool {
        let now =
            if self.path == Path::new(STANDARD_INPUT) { self.file.metadata() } else { std::fs::metadata(&self.path) };
        now.is_ok_and(|now| now.len() == self.bytes && modified(&now) == self.modified)
    }
}

fn modified(metadata: &Metadata) -> Option<std::time::SystemTime> {
    metadata.modified().ok()
}

/// Bytes of an open file from a position of its own, counted.
#[derive(Clone)]
pub(super) struct Content {
    file: Arc<File>,
    position: u64,
    bytes_read: Arc<AtomicU64>,
}

impl Content {
    /// The same file, read from another place.
    pub(super) fn at(&self, position: u64) -> Content {
        Content { position, ..self.clone() }
    }
}

impl Read for Content {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = self.file.read_at(buffer, self.position)?;
        self.position += count as u64;
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

    fn text(content: &[u8]) -> (String, u64) {
        let (_dir, path) = write("orders.csv", content);
        let bytes_read = Arc::new(AtomicU64::new(0));
        let mut text = String::new();
        let file = OrderFile::open(&path).unwrap();
        file.text(encoding_rs::UTF_8, bytes_read.clone()).unwrap().read_to_string(&mut text).unwrap();
        (text, bytes_read.load(Ordering::Relaxed))
    }

    #[test]
    fn packing_is_known_by_content_and_pieces_follow_each_other() {
        let (mut gzip, mut zstd) = (Vec::new(), Vec::new());
        for part in ["a,b\n", "1,2\n"] {
            let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            encoder.write_all(part.as_bytes()).unwrap();
            gzip.extend(encoder.finish().unwrap());
            zstd.extend(zstd::encode_all(part.as_bytes(), 3).unwrap());
        }
        for packed in [gzip, zstd] {
            assert_eq!(text(&packed), ("a,b\n1,2\n".to_owned(), packed.len() as u64));
        }
    }

    #[test]
    fn packed_text_that_breaks_off_is_an_error() {
        let packed = zstd::encode_all(&b"a,b\n1,2\n"[..], 3).unwrap();
        let (_dir, path) = write("orders.csv", &packed[..packed.len() - 3]);
        let file = OrderFile::open(&path).unwrap();
        let mut text = String::new();
        let read = file.text(encoding_rs::UTF_8, Arc::default()).map(|mut text_| text_.read_to_string(&mut text));
        assert!(read.is_err() || read.is_ok_and(|read| read.is_err()));
    }

    #[test]
    fn a_file_is_known_by_its_path_as_it_was_given() {
        let (dir, path) = write("orders.csv", b"a");
        let known = OrderFile::open(&dir.path().join(".//orders.csv")).unwrap().given_name();
        assert_eq!(known, path.to_string_lossy());
        let other = OrderFile::open(&dir.path().join("../").join(dir.path().file_name().unwrap()).join("orders.csv"));
        assert!(other.unwrap().given_name().contains("/../"));
    }

    #[test]
    fn foreign_content_is_named() {
        for (content, what) in
            [(&b"\xff\xfea\0"[..], "UTF-16"), (b"PK\x03\x04....", "Excel"), (b"BZh91AY", "bzip2"), (b"%PDF-1.7", "PDF")]
        {
            let (_dir, path) = write("orders.csv", content);
            let error = OrderFile::open(&path).unwrap().text(encoding_rs::UTF_8, Arc::default()).err().unwrap();
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
