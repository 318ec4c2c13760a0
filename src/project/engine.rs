//! The Jinja of Quintile's own project: its macros beside those of package `dbt`, and its texts rendered as dbt's are.

use super::SourceFile;
use super::context::Target;
use super::jinja::{BlockKind, Fault, FaultKind, Globals, Library, Options, Undefined, split};
use super::manifest::{Clock, FUNCTIONS, Node, Phase, Record, Rendering, World};
use super::name::did_you_mean;
use super::{builtin, excerpt};
use crate::error::{Error, Result};
use minijinja::ErrorKind;
use serde_json::Value as Json;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The package that the project is, where names need one.
pub(super) const PACKAGE: &str = "quintile";
/// The package of the macros that come with the program.
const BUILTIN: &str = "dbt";

/// A library of the macros of package `dbt`. Unknown names are errors in models of our own.
fn builtin_macros() -> Library {
    let mut library = empty();
    for (path, text) in builtin::FILES {
        let whole: Arc<str> = Arc::from(*text);
        let blocks = split(text).map(|split| split.blocks).unwrap_or_default();
        for block in blocks.iter().filter(|block| matches!(block.kind, BlockKind::Macro | BlockKind::Test)) {
            let added = library.add_own_macro(BUILTIN, path, &whole, block);
            debug_assert!(added.is_ok(), "macro {} of the program is not right: {added:?}", block.name);
        }
    }
    library
}

fn empty() -> Library {
    Library::new(Options { undefined: Undefined::Strict, ..Options::default() })
}

/// Macros of a project, ready to be called from any template.
#[derive(Clone, Debug)]
pub(crate) struct Engine {
    library: Arc<Library>,
    /// Texts of the macro files by path, for fingerprints.
    files: BTreeMap<String, String>,
}

impl Default for Engine {
    fn default() -> Self {
        Engine { library: Arc::new(empty()), files: BTreeMap::new() }
    }
}

impl Engine {
    /// Compiles the macros of these files; macros that cannot be understood are left out and told.
    pub(super) fn new(files: &[&SourceFile], problems: &mut Vec<Error>) -> Self {
        let mut library = builtin_macros();
        let mut homes = BTreeMap::new();
        for file in files {
            add_file(&mut library, file, &mut homes, problems);
        }
        let files = files.iter().map(|file| (file.path.clone(), file.text.clone())).collect();
        Engine { library: Arc::new(library), files }
    }

    /// Texts of all macro files, in the order of their paths.
    pub(super) fn macro_texts(&self) -> impl Iterator<Item = &str> {
        self.files.values().map(String::as_str)
    }

    /// What all renderings with these variables and constants share.
    pub(super) fn world(&self, vars: &BTreeMap<String, Json>, as_of: &str, run_id: i64, target: Target) -> Arc<World> {
        let mut world = World::bare(self.library.clone());
        world.root = PACKAGE.to_owned();
        world.packages = BTreeSet::from([PACKAGE.to_owned()]);
        world.vars.given.clone_from(vars);
        world.target = target;
        world.constants =
            BTreeMap::from([("as_of".to_owned(), as_of.to_owned()), ("run_id".to_owned(), run_id.to_string())]);
        // Whoever asks for the time gets the run's instant, so that a run can be repeated.
        let instant = as_of.parse().unwrap_or(world.started_at);
        world.started_at = instant;
        world.clock = Clock::new(move || instant);
        Arc::new(world)
    }

    /// Renders `text` for a node; `owner` (`model "x"`) is for messages. The record tells what was called, failed or not.
    pub(super) fn render(
        &self,
        owner: &str,
        text: &str,
        world: &Arc<World>,
        node: &Arc<Node>,
        phase: Phase,
    ) -> (Result<String>, Record) {
        let rendering = Rendering::new(world.clone(), node.clone(), phase, true, BTreeMap::new());
        let globals: Arc<dyn Globals> = rendering.clone();
        let rendered = self.library.render_text(&node.file, text, &globals);
        (rendered.map_err(|fault| self.told(owner, fault)), rendering.record())
    }

    /// The error of a rendering. Names of the project and of Jinja's functions come before the many of package `dbt`.
    fn told(&self, owner: &str, fault: Fault) -> Error {
        let own: Vec<&str> =
            self.library.macros().filter(|known| known.package == PACKAGE).map(|known| known.name.as_str()).collect();
        let near = did_you_mean(fault.wrong_word(), own.iter().copied().chain(FUNCTIONS.iter().copied()));
        let is_name = fault
            .cause
            .as_ref()
            .is_some_and(|cause| matches!(cause.kind(), ErrorKind::UndefinedError | ErrorKind::UnknownFunction));
        let is_name = is_name && fault.kind == FaultKind::Undefined;
        let all = self.library.macros().map(|known| known.name.as_str());
        let near = near.or_else(|| did_you_mean(fault.wrong_word(), all));
        let mut error = fault.into_error(owner, std::iter::empty());
        if is_name {
            error.hint = near.or_else(|| {
                let own = if own.is_empty() { "none".to_owned() } else { own.join(", ") };
                Some(format!("macros of the project: {own}; functions are dbt's, and as_of and run_id"))
            });
        }
        error
    }
}

/// Adds the macros of one file.
fn add_file(library: &mut Library, file: &SourceFile, homes: &mut BTreeMap<String, String>, problems: &mut Vec<Error>) {
    let owner = format!("macro file \"{}\"", file.path);
    let place = |range| excerpt::at_range(&file.path, &file.text, range);
    let found = match split(&file.text) {
        Ok(found) => found,
        Err(trouble) => {
            let detail = format!("{}\n{}", place(trouble.range), trouble.message);
            return problems.push(Error::config(format!("{owner} is not well-formed")).detail(detail));
        }
    };
    if let Some(stray) = found.outside.first() {
        problems.push(
            Error::config(format!("{owner} has text outside of a macro"))
                .detail(place(stray.clone()))
                .hint("keep only {% macro %} blocks and {# comments #} in macro files"),
        );
    }
    let whole: Arc<str> = Arc::from(file.text.as_str());
    for block in &found.blocks {
        let name = &block.name;
        if block.kind != BlockKind::Macro {
            problems.push(
                Error::config(format!("{owner} holds a block that is no macro"))
                    .detail(place(block.whole.clone()))
                    .hint("write data tests as SQL under tests/data/, and descriptions in property files"),
            );
        } else if let Some(home) = homes.get(name) {
            problems.push(
                Error::config(format!("macro \"{name}\" is there twice"))
                    .detail(format!("It stands in {home} and in {}.", file.path))
                    .hint("rename one of them"),
            );
        } else if FUNCTIONS.contains(&name.as_str()) {
            problems.push(
                Error::config(format!("macro \"{name}\" has the name of a built-in function"))
                    .detail(excerpt::at_word(&file.path, &file.text, name))
                    .hint("rename it"),
            );
        } else {
            homes.insert(name.clone(), file.path.clone());
            if let Err(fault) = library.add_macro(PACKAGE, &file.path, &whole, block) {
                problems.push(fault.into_error(&format!("macro \"{name}\""), std::iter::empty()));
            }
        }
    }
}
