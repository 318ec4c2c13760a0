//! From the files of all packages to a manifest: macros first, then properties, nodes, data tests, and what depends on what.

mod calls;
mod cycles;
mod data_tests;
mod hooks;
pub mod kept;
mod layers;
mod macros;
mod nodes;
mod package;
mod patches;
mod properties;
mod reading;
mod resolve;
mod source_tables;
mod unit_tests;

pub use package::Package;

use super::Manifest;
use super::view;
use super::world::{Clock, Vars, World};
use crate::error::Error;
use crate::project::context::{Flags, Target};
use chrono::{DateTime, Utc};
use reading::Reading;
use serde_json::Value as Json;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What a reading starts from.
#[derive(Debug, Default)]
pub struct Input {
    /// All packages, the root first.
    pub packages: Vec<Package>,
    /// `--vars`, and the settings' variables.
    pub vars: BTreeMap<String, Json>,
    /// Environment variables that templates may read.
    pub env: BTreeMap<String, String>,
    /// Target.
    pub target: Target,
    /// Flags.
    pub flags: Flags,
    /// When the invocation began.
    pub started_at: DateTime<Utc>,
    /// Tells the time while it lasts.
    pub clock: Clock,
    /// Tells this invocation from all others.
    pub invocation_id: String,
    /// Quintile's own constants.
    pub constants: BTreeMap<String, String>,
    /// Whether a name that means nothing is an error at once, or prints nothing, as in dbt.
    pub is_strict: bool,
}

/// A reading's result.
#[derive(Debug)]
pub struct Read {
    /// What could be understood.
    pub manifest: Manifest,
    /// What renderings share from now on.
    pub world: Arc<World>,
    /// Everything that is wrong; a project with problems must not be run.
    pub problems: Vec<Error>,
    /// Everything that is odd.
    pub warnings: Vec<Error>,
}

/// Reads all packages.
#[must_use]
pub fn read(input: Input) -> Read {
    let mut problems = Vec::new();
    let root = input.packages.first().map(|package| package.name().to_owned()).unwrap_or_default();
    let (library, macro_infos) = macros::read(&input.packages, input.is_strict, &mut problems);
    let vars = Vars {
        given: input.vars,
        packages: input.packages.iter().map(|p| (p.name().to_owned(), p.project.vars.0.clone())).collect(),
    };
    let dispatch = input.packages.first().map(Package::dispatch).unwrap_or_default();
    let quoting = input.packages.first().map(Package::quoting).unwrap_or_default();
    let world = Arc::new(World {
        packages: input.packages.iter().map(|package| package.name().to_owned()).collect(),
        quoting,
        library,
        root: root.clone(),
        dispatch,
        vars,
        env: input.env,
        target: input.target,
        flags: input.flags,
        started_at: input.started_at,
        clock: input.clock,
        invocation_id: input.invocation_id,
        constants: input.constants,
    });
    let mut reading = Reading {
        packages: &input.packages,
        world: world.clone(),
        manifest: Manifest { root, macros: macro_infos, ..Manifest::default() },
        nodes: BTreeMap::new(),
        sources: BTreeMap::new(),
        is_strict: input.is_strict,
        problems,
        warnings: Vec::new(),
    };
    macros::link(&mut reading);
    macros::read_docs(&mut reading);
    let found = properties::read(&mut reading);
    nodes::read(&mut reading, &found.patches);
    for (resource, patch) in found.patches.iter() {
        data_tests::of_patch(&mut reading, resource, patch);
    }
    properties::warn_of_strangers(&mut reading, &found.patches);
    hooks::read(&mut reading);
    unit_tests::read(&mut reading, &found.unit_tests);
    let names = resolve::resolve(&mut reading);
    kept::resolve(&mut reading, &names);
    view::link(&mut reading.manifest.kept);
    unit_tests::attach(&mut reading, &names);
    cycles::refuse(&mut reading);
    resolve::refuse_same_relations(&mut reading);
    let Reading { mut manifest, nodes, sources, problems, warnings, .. } = reading;
    manifest.nodes = Arc::new(nodes);
    manifest.sources = Arc::new(sources);
    manifest.names = Arc::new(names);
    Read { manifest, world, problems, warnings }
}

/// Renders a value of a project file or a profile: only `env_var`, `var` and what needs no project is known there.
pub fn render_setting(
    text: &str,
    env: &BTreeMap<String, String>,
    vars: &BTreeMap<String, Json>,
) -> crate::error::Result<Json> {
    let library = Arc::new(crate::project::jinja::Library::new(crate::project::jinja::Options::default()));
    let world = Arc::new(World {
        env: env.clone(),
        vars: Vars { given: vars.clone(), packages: BTreeMap::new() },
        ..World::bare(library.clone())
    });
    let node = Arc::new(super::node::Node::blank(super::node::Resource::Operation));
    let phase = super::rendering::Phase::Parse;
    let rendering = super::rendering::Rendering::new(world.clone(), node, phase, false, BTreeMap::new());
    let globals: Arc<dyn crate::project::jinja::Globals> = rendering;
    let value = library.evaluate("", text, &globals).map_err(|fault| {
        let message = fault.message.clone();
        Error::config(message)
    })?;
    super::functions::to_json(&value).map_err(|e| Error::config(e.to_string()))
}
