//! Macros of all packages, those that come with the program first; and docs blocks.

use super::calls;
use super::package::{Package, Place};
use super::reading::Reading;
use crate::error::Error;
use crate::project::builtin;
use crate::project::excerpt;
use crate::project::jinja::{BlockKind, Library, Options, Trouble, Undefined, split};
use crate::project::manifest::world::BUILTIN_PACKAGE;
use crate::project::manifest::{Doc, MacroInfo};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Compiles every macro and every generic test.
pub fn read(
    packages: &[Package],
    is_strict: bool,
    problems: &mut Vec<Error>,
) -> (Arc<Library>, BTreeMap<String, MacroInfo>) {
    let mut library = Library::new(Options {
        undefined: if is_strict { Undefined::Strict } else { Undefined::Lenient },
        ..Options::default()
    });
    let mut infos = BTreeMap::new();
    for (path, text) in builtin::FILES {
        add(&mut library, &mut infos, BUILTIN_PACKAGE, path, path, text, problems);
    }
    for package in packages {
        for file in &package.files {
            if let Some((Place::Macro | Place::Generic, _)) = package.place(&file.path) {
                let shown = package.shown(&file.path);
                add(&mut library, &mut infos, package.name(), &file.path, &shown, &file.text, problems);
            }
        }
    }
    (Arc::new(library), infos)
}

fn add(
    library: &mut Library,
    infos: &mut BTreeMap<String, MacroInfo>,
    package: &str,
    path: &str,
    shown: &str,
    text: &str,
    problems: &mut Vec<Error>,
) {
    let owner = format!("macro file \"{shown}\"");
    let found = match split(text) {
        Ok(found) => found,
        Err(trouble) => return problems.push(malformed(&owner, shown, text, &trouble)),
    };
    let whole: Arc<str> = Arc::from(text);
    for block in found.blocks {
        let name = block.name.clone();
        match block.kind {
            BlockKind::Macro | BlockKind::Test => {}
            BlockKind::Materialization => {
                // Known by name only: a model that asks for it is told that it cannot be had.
                let info = MacroInfo {
                    id: format!("macro.{package}.{name}"),
                    package: package.into(),
                    name,
                    file: path.to_owned(),
                    text: text[block.whole.clone()].to_owned(),
                    ..MacroInfo::default()
                };
                infos.insert(info.id.clone(), info);
                continue;
            }
            BlockKind::Snapshot | BlockKind::Docs => continue,
        }
        let id = format!("macro.{package}.{name}");
        if let Some(first) = infos.get(&id) {
            problems.push(
                Error::config(format!("macro \"{name}\" is there twice"))
                    .detail(format!("It stands in {} and in {path} of package \"{package}\".", first.file))
                    .hint("rename one of them"),
            );
            continue;
        }
        let info = MacroInfo {
            id: id.clone(),
            package: package.to_owned(),
            name,
            file: path.to_owned(),
            text: text[block.whole.clone()].to_owned(),
            ..MacroInfo::default()
        };
        let added = match package {
            BUILTIN_PACKAGE => library.add_own_macro(package, shown, &whole, &block),
            _ => library.add_macro(package, shown, &whole, &block),
        };
        match added {
            Ok(()) => {
                infos.insert(id, info);
            }
            Err(fault) => problems.push(fault.into_error(&owner, std::iter::empty())),
        }
    }
}

/// Notes which macros each macro calls.
pub fn link(reading: &mut Reading<'_>) {
    let world = reading.world.clone();
    for info in reading.manifest.macros.values_mut() {
        info.macros = calls::called(&world, &info.package, &info.name, &info.text);
    }
}

/// Keeps the docs blocks of all packages.
pub fn read_docs(reading: &mut Reading<'_>) {
    for package in reading.packages {
        for file in &package.files {
            let Some((Place::Docs, path)) = package.place(&file.path) else { continue };
            let found = match split(&file.text) {
                Ok(found) => found,
                Err(trouble) => {
                    let shown = package.shown(&file.path);
                    let problem = malformed(&format!("docs file \"{shown}\""), &shown, &file.text, &trouble);
                    reading.problems.push(problem);
                    continue;
                }
            };
            for block in found.blocks.into_iter().filter(|block| block.kind == BlockKind::Docs) {
                let doc = Doc {
                    id: format!("doc.{}.{}", package.name(), block.name),
                    package: package.name().to_owned(),
                    name: block.name,
                    file: file.path.clone(),
                    path: path.to_owned(),
                    text: file.text[block.body].trim().to_owned(),
                };
                reading.manifest.docs.insert(doc.id.clone(), doc);
            }
        }
    }
}

/// The error for a file whose blocks cannot be told apart.
pub fn malformed(owner: &str, shown: &str, text: &str, trouble: &Trouble) -> Error {
    let place = excerpt::at_range(shown, text, trouble.range.clone());
    Error::config(format!("{owner} is not well-formed")).detail(format!("{place}\n{}", trouble.message))
}
