//! The files of a folder, for sources that deliver one file a day.

use super::unreadable;
use crate::error::{Error, Result};
use std::path::{Path, PathBuf};

/// Every folder of `paths` becomes its files in order of their names; other paths stay as they are.
///
/// Folders within folders are left out, and so are names that begin with a dot or an underscore: editors, copy
/// programs and Spark mark their own files so.
pub fn files_of(paths: &[PathBuf]) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for path in paths {
        if !path.is_dir() {
            files.push(path.clone());
            continue;
        }
        let found = files_in(path)?;
        if found.is_empty() {
            return Err(Error::config(format!("folder \"{}\" holds no file", path.display()))
                .detail("Folders within it and names that begin with a dot or an underscore do not count.")
                .hint("check the path"));
        }
        files.extend(found);
    }
    Ok(files)
}

fn files_in(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(|e| unreadable(folder, e))? {
        let path = entry.map_err(|e| unreadable(folder, e))?.path();
        let is_marked = path.file_name().is_some_and(|name| {
            let name = name.as_encoded_bytes();
            name.starts_with(b".") || name.starts_with(b"_")
        });
        if !is_marked && path.is_file() {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_its_files_in_order_of_their_names() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("old")).unwrap();
        for name in ["b.csv", "a.csv", "_SUCCESS", ".a.csv.swp", "old/c.csv"] {
            std::fs::write(dir.path().join(name), "x").unwrap();
        }
        let given = [PathBuf::from("-"), dir.path().to_owned(), dir.path().join("none.csv")];
        let names = files_of(&given).unwrap();
        let expected = ["a.csv", "b.csv", "none.csv"].map(|name| dir.path().join(name));
        assert_eq!(names[0], PathBuf::from("-"));
        assert_eq!(names[1..], expected);
        std::fs::create_dir(dir.path().join("old/empty")).unwrap();
        assert!(files_of(&[dir.path().join("old/empty")]).unwrap_err().message.ends_with("holds no file"));
    }
}
