//! Paths: `models/staging`, `models/marts/*.sql`, `path:models/**/finance`.

use super::wildcard;
use super::{Candidate, Graph};
use std::collections::BTreeSet;

/// What can be named by a path.
#[derive(Default)]
pub(super) struct Paths {
    pub files: BTreeSet<String>,
    pub folders: BTreeSet<String>,
}

impl Paths {
    /// All files of the project that nodes come from, and the folders above them.
    ///
    /// dbt asks the disk, relative to the project's folder. A file that no node comes from cannot pick one, so the nodes'
    /// own paths are all that matters. A package's node is compared by its path inside the package, as in dbt.
    pub fn known(graph: &dyn Graph) -> Self {
        let mut paths = Paths::default();
        for node in graph.nodes().into_iter().filter(|node| node.package() == graph.project()) {
            for path in [Some(node.original_file_path()), node.patch_path()].into_iter().flatten() {
                paths.files.insert(path.to_owned());
                paths.folders.extend(folders(path).map(str::to_owned));
            }
        }
        paths
    }

    /// The paths that fit the pattern.
    pub fn matching(&self, pattern: &str) -> BTreeSet<String> {
        let parts: Vec<&str> = pattern.split('/').filter(|part| !part.is_empty() && *part != ".").collect();
        let fits = |path: &&String, is_folder| fits(&parts, &path.split('/').collect::<Vec<_>>(), is_folder);
        let files = self.files.iter().filter(|path| fits(path, false));
        files.chain(self.folders.iter().filter(|path| fits(path, true))).cloned().collect()
    }
}

/// The folders above a path, nearest last.
fn folders(path: &str) -> impl Iterator<Item = &str> {
    path.match_indices('/').map(|(end, _)| &path[..end])
}

/// `**` takes any number of folders, everything else one segment.
fn fits(parts: &[&str], segments: &[&str], is_folder: bool) -> bool {
    match (parts.split_first(), segments.split_first()) {
        (None, None) => true,
        (Some((&"**", [])), _) => is_folder,
        (Some((&"**", rest)), _) => {
            fits(rest, segments, is_folder)
                || segments.split_first().is_some_and(|(_, below)| fits(parts, below, is_folder))
        }
        (Some((part, rest)), Some((segment, below))) => {
            wildcard::matches(part, segment) && fits(rest, below, is_folder)
        }
        _ => false,
    }
}

/// Whether one of the paths is the node's file, its property file, or a folder above its file.
pub(super) fn is_in(node: &dyn Candidate, paths: &BTreeSet<String>) -> bool {
    let file = node.original_file_path();
    paths.contains(file)
        || node.patch_path().is_some_and(|patch| paths.contains(patch))
        || folders(file).any(|folder| paths.contains(folder))
}

/// Whether the file's name, with suffix or without, fits the pattern.
pub(super) fn is_file(node: &dyn Candidate, pattern: &str) -> bool {
    let path = node.original_file_path();
    let name = path.rsplit('/').next().unwrap_or(path);
    let stem = name.rsplit_once('.').map_or(name, |(stem, _)| if stem.is_empty() { name } else { stem });
    wildcard::matches(pattern, name) || wildcard::matches(pattern, stem)
}
