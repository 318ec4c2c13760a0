//! `dbt_project.yml`: name, paths, variables, hooks, and the trees of configuration.

use super::config::Config;
use super::config_keys::Resource;
use super::config_tree::ConfigTree;
use super::problem::Problem;
use super::project_keys::{FLAGS, KEYS, RESERVED};
use super::project_paths::Paths;
use super::reader::{Fields, Reader};
use super::render::{Render, rendered};
use super::version;
use crate::project::SourceFile;
use crate::project::yaml::Node;
use serde_json::{Map, Value as Json};

/// What must be known before anything in the file can be rendered: a profile decides what `target` is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Identity {
    /// The project's name, never rendered.
    pub name: String,
    /// The profile's name as written; may be a template.
    pub profile: Option<String>,
}

/// The whole file.
#[derive(Clone, Debug, Default)]
pub struct DbtProject {
    /// The project's name; also the package's.
    pub name: String,
    /// The project's version.
    pub version: Option<String>,
    /// The profile's name.
    pub profile: Option<String>,
    /// Where everything lies.
    pub paths: Paths,
    /// Requirements on the version of dbt.
    pub require_dbt_version: Vec<String>,
    /// Which names are quoted.
    pub quoting: Quoting,
    /// Where macros of a package are searched.
    pub dispatch: Vec<Dispatch>,
    /// Statements before the first node; templates, rendered when they run.
    pub on_run_start: Vec<String>,
    /// Statements after the last node; templates, rendered when they run.
    pub on_run_end: Vec<String>,
    /// Variables; templates in them stay as they are.
    pub vars: Vars,
    /// Configuration of each kind of resource.
    pub configs: ConfigTrees,
    /// Flags of the command line that the project sets.
    pub flags: Config,
    /// The comment in each statement.
    pub query_comment: QueryComment,
    /// Whether other projects may not refer to this one's private and protected models.
    pub restrict_access: bool,
    /// The rendered file as JSON.
    pub json: Json,
    /// The file as written, as JSON.
    pub raw: Json,
}

/// Which parts of a relation's name are quoted; none means the database's default.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Quoting {
    /// The database.
    pub database: Option<bool>,
    /// The schema.
    pub schema: Option<bool>,
    /// The relation itself.
    pub identifier: Option<bool>,
}

/// Where macros of one package are searched, first to last.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Dispatch {
    /// The package that a caller names.
    pub macro_namespace: String,
    /// The packages that are searched.
    pub search_order: Vec<String>,
}

/// The comment in each statement.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct QueryComment {
    /// Its template; none is the default comment, an empty text no comment.
    pub comment: Option<String>,
    /// Whether it stands after the statement.
    pub append: bool,
}

/// Values for `var()`: for all packages, and for single ones by their name.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Vars(pub Map<String, Json>);

impl Vars {
    /// What a node of this package sees: all of them, its own package's over them.
    #[must_use]
    pub fn of_package(&self, package: &str) -> Map<String, Json> {
        let mut seen = self.0.clone();
        if let Some(Json::Object(own)) = self.0.get(package) {
            seen.extend(own.clone());
        }
        seen
    }
}

/// The trees of configuration, one a kind of resource.
#[derive(Clone, Debug, Default)]
pub struct ConfigTrees {
    /// `models:`, for analyses too.
    pub models: ConfigTree,
    /// `seeds:`
    pub seeds: ConfigTree,
    /// `snapshots:`
    pub snapshots: ConfigTree,
    /// `data_tests:`, or `tests:` as it was called.
    pub data_tests: ConfigTree,
    /// `sources:`
    pub sources: ConfigTree,
    /// `unit_tests:`
    pub unit_tests: ConfigTree,
    /// `exposures:`
    pub exposures: ConfigTree,
    /// `metrics:`
    pub metrics: ConfigTree,
    /// `semantic-models:`
    pub semantic_models: ConfigTree,
    /// `saved-queries:`
    pub saved_queries: ConfigTree,
    /// `functions:`
    pub functions: ConfigTree,
}

/// What must be known before the file is rendered; problems are left to [`DbtProject::read`].
#[must_use]
pub fn identify(file: &SourceFile) -> Identity {
    let mut unheard = Vec::new();
    let Some((mut reader, node)) = Reader::open(file, &mut unheard) else { return Identity::default() };
    let Some(fields) = reader.open_fields(&node, "the project") else { return Identity::default() };
    Identity { name: reader.text(&fields, "name").unwrap_or_default(), profile: reader.text(&fields, "profile") }
}

/// Hooks, comments and variables are rendered when they are used, all else now.
fn is_rendered_later(path: &[&str]) -> bool {
    let Some(first) = path.first() else { return false };
    let is_hook =
        |key: &&str| matches!(key.trim_start_matches(['+', ' ']), "pre-hook" | "post-hook" | "pre_hook" | "post_hook");
    match *first {
        "on-run-start" | "on-run-end" | "query-comment" | "vars" => true,
        "seeds" | "models" | "snapshots" | "tests" | "data_tests" => path.iter().any(is_hook),
        _ => false,
    }
}

impl DbtProject {
    /// Reads the file; none if it cannot be read as a project at all.
    #[must_use]
    pub fn read(file: &SourceFile, render: Render<'_>, problems: &mut Vec<Problem>) -> Option<Self> {
        let (mut reader, written) = Reader::open(file, problems)?;
        let node = rendered(&mut reader, &written, &is_rendered_later, render);
        let fields = reader.fields(&node, format!("\"{}\"", file.path), KEYS)?;
        let name = reader.required_text(&fields, "name")?;
        check_name(&mut reader, &fields, &name);
        let mut project = DbtProject {
            version: reader.text(&fields, "version"),
            profile: reader.text(&fields, "profile"),
            paths: Paths::read(&mut reader, &fields),
            require_dbt_version: reader.words(&fields, "require-dbt-version").unwrap_or_default(),
            quoting: quoting(&mut reader, &fields),
            dispatch: dispatch(&mut reader, &fields),
            on_run_start: reader.words(&fields, "on-run-start").unwrap_or_default(),
            on_run_end: reader.words(&fields, "on-run-end").unwrap_or_default(),
            vars: Vars(reader.object(&fields, "vars")),
            configs: config_trees(&mut reader, &fields),
            query_comment: query_comment(&mut reader, &fields),
            restrict_access: reader.flag(&fields, "restrict-access").unwrap_or(false),
            json: node.json(),
            raw: written.json(),
            name,
            ..DbtProject::default()
        };
        if let Some(flags) = fields.get("flags") {
            reader.fields(flags, "\"flags\"", FLAGS);
            project.flags = reader.object(&fields, "flags");
        }
        check_version(&mut reader, &fields, &project);
        Some(project)
    }
}

fn check_name(reader: &mut Reader<'_>, fields: &Fields<'_>, name: &str) {
    let line = fields.entry("name").map_or(1, |(key, _)| key.line);
    let is_word = name.chars().all(|c| c.is_alphanumeric() || c == '_') && !name.starts_with(|c: char| c.is_numeric());
    if !is_word || name.is_empty() {
        let message = format!("project name \"{name}\" is not a plain name");
        reader.error(line, name, message, "write letters, digits and _, a letter first");
    } else if RESERVED.contains(&name) {
        let message = format!("project name \"{name}\" is a word that templates use");
        reader.error(line, name, message, "choose another name");
    }
}

fn check_version(reader: &mut Reader<'_>, fields: &Fields<'_>, project: &DbtProject) {
    let line = fields.entry("require-dbt-version").map_or(1, |(key, _)| key.line);
    let required = project.require_dbt_version.join(", ");
    match version::satisfies(version::DBT_VERSION, &project.require_dbt_version) {
        Ok(true) => {}
        Ok(false) => {
            let message = format!("project \"{}\" requires dbt {required}", project.name);
            let hint = format!(
                "Quintile behaves as dbt {}: widen require-dbt-version if that is enough",
                version::DBT_VERSION
            );
            reader.error(line, "require-dbt-version", message, hint);
        }
        Err(specifier) => {
            let message = format!("version requirement \"{specifier}\" cannot be read");
            reader.error(line, &specifier, message, "write it like >=1.0.0");
        }
    }
}

fn quoting(reader: &mut Reader<'_>, fields: &Fields<'_>) -> Quoting {
    let Some(node) = fields.get("quoting") else { return Quoting::default() };
    let keys = ["database", "project", "schema", "identifier", "snowflake_ignore_case"];
    let Some(quoting) = reader.fields(node, "\"quoting\"", &keys) else { return Quoting::default() };
    Quoting {
        database: reader.flag(&quoting, "database").or_else(|| reader.flag(&quoting, "project")),
        schema: reader.flag(&quoting, "schema"),
        identifier: reader.flag(&quoting, "identifier"),
    }
}

fn dispatch(reader: &mut Reader<'_>, fields: &Fields<'_>) -> Vec<Dispatch> {
    let mut found = Vec::new();
    for item in reader.items(fields, "dispatch") {
        let Some(entry) = reader.fields(item, "an entry of \"dispatch\"", &["macro_namespace", "search_order"]) else {
            continue;
        };
        let namespace = reader.required_text(&entry, "macro_namespace");
        if entry.get("search_order").is_none() {
            let message = "an entry of \"dispatch\" has no search_order";
            reader.error(entry.line, "", message, "add search_order: [<package>, ...]");
        }
        let order = reader.words(&entry, "search_order");
        if let (Some(macro_namespace), Some(search_order)) = (namespace, order) {
            found.push(Dispatch { macro_namespace, search_order });
        }
    }
    found
}

fn query_comment(reader: &mut Reader<'_>, fields: &Fields<'_>) -> QueryComment {
    let Some(node) = fields.get("query-comment") else {
        let comment = fields.has("query-comment").then(String::new);
        return QueryComment { comment, append: false };
    };
    if let Json::String(text) = node.json() {
        return QueryComment { comment: Some(text), append: false };
    }
    let keys = ["comment", "append", "job-label"];
    let Some(comment) = reader.fields(node, "\"query-comment\"", &keys) else { return QueryComment::default() };
    QueryComment { comment: reader.text(&comment, "comment"), append: reader.flag(&comment, "append").unwrap_or(false) }
}

fn config_trees(reader: &mut Reader<'_>, fields: &Fields<'_>) -> ConfigTrees {
    if let (Some((key, _)), Some(_)) = (fields.entry("tests"), fields.get("data_tests")) {
        reader.error(key.line, "tests", "tests and data_tests are the same setting", "keep data_tests");
    }
    let mut tree = |names: [&str; 2], resource| {
        let found: Option<(&str, &Node)> = names.into_iter().find_map(|name| Some((name, fields.get(name)?)));
        found.map_or_else(ConfigTree::default, |(name, node)| ConfigTree::read(reader, node, name, resource))
    };
    ConfigTrees {
        models: tree(["models", "models"], Resource::Model),
        seeds: tree(["seeds", "seeds"], Resource::Seed),
        snapshots: tree(["snapshots", "snapshots"], Resource::Snapshot),
        data_tests: tree(["data_tests", "tests"], Resource::DataTest),
        sources: tree(["sources", "sources"], Resource::Source),
        unit_tests: tree(["unit_tests", "unit_tests"], Resource::UnitTest),
        exposures: tree(["exposures", "exposures"], Resource::Documentation),
        metrics: tree(["metrics", "metrics"], Resource::Documentation),
        semantic_models: tree(["semantic-models", "semantic_models"], Resource::Documentation),
        saved_queries: tree(["saved-queries", "saved_queries"], Resource::SavedQuery),
        functions: tree(["functions", "functions"], Resource::Function),
    }
}
