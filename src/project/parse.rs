//! From files to a project: reads every file, renders every model once to see what it refers to, and gathers all problems.

use super::check::{self, TestSpec};
use super::context::Target;
use super::engine::Engine;
use super::excerpt;
use super::manifest::{Node, Phase, Record, Ref, Resource, World};
use super::model::{DataTest, Model, Severity};
use super::name::{check_name, did_you_mean};
use super::options::{self, Complaint, Config};
use super::properties::{self, Entry, Properties};
use super::references;
use super::seed;
use super::{Project, SourceFile, nodes, statement};
use crate::error::{Error, Result};
use serde_json::Value as Json;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Stands for the run's instant while parsing.
const PARSE_INSTANT: &str = "1970-01-01T00:00:00+00:00";

/// What a file is, by its place in the project.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Model,
    Macro,
    Seed,
    Properties,
    Singular,
}

fn place_of(path: &str) -> Option<Place> {
    let (folder, _) = path.rsplit_once('/')?;
    let extension = path.rsplit_once('.')?.1;
    let under = |top: &str| folder == top || folder.strip_prefix(top).is_some_and(|rest| rest.starts_with('/'));
    match extension {
        "sql" if under("models") => Some(Place::Model),
        "sql" if under("macros") => Some(Place::Macro),
        "sql" if folder == "tests/data" => Some(Place::Singular),
        "csv" if folder == "seeds" => Some(Place::Seed),
        "yml" | "yaml" if under("models") || folder == "seeds" => Some(Place::Properties),
        _ => None,
    }
}

/// `rfm_scores` for `models/marts/rfm_scores.sql`.
fn stem(path: &str) -> &str {
    let file = path.rsplit('/').next().unwrap_or(path);
    file.rsplit_once('.').map_or(file, |(stem, _)| stem)
}

/// Parses all files; see [`Project::parse`].
pub(super) fn project(files: &[SourceFile], vars: BTreeMap<String, Json>) -> (Project, Vec<Error>) {
    let mut sorted: Vec<&SourceFile> = files.iter().collect();
    sorted.sort_by(|a, b| a.path.cmp(&b.path));
    let of = |place: Place| sorted.iter().copied().filter(move |file| place_of(&file.path) == Some(place));
    let mut problems = Vec::new();
    let macros: Vec<&SourceFile> = of(Place::Macro).collect();
    let engine = Arc::new(Engine::new(&macros, &mut problems));
    let mut properties = Properties::default();
    of(Place::Properties).for_each(|file| properties::read(file, &mut properties, &mut problems));
    let mut parser = Parser {
        world: engine.world(&vars, PARSE_INSTANT, 0, Target::default()),
        project: Project { vars, engine, ..Project::default() },
        problems,
        test_places: BTreeMap::new(),
    };
    parser.sources(&properties);
    of(Place::Seed).for_each(|file| parser.seed(file, &properties));
    of(Place::Model).for_each(|file| parser.model(file, &properties));
    parser.entries(properties);
    of(Place::Singular).for_each(|file| parser.singular(file));
    parser.problems.extend(references::check(&parser.project, &parser.test_places));
    (parser.project, parser.problems)
}

struct Parser {
    project: Project,
    problems: Vec<Error>,
    world: Arc<World>,
    /// Where each data test is declared, and its text, for messages about its references.
    test_places: BTreeMap<String, String>,
}

impl Parser {
    /// Renders a text of a node of which no more is known yet than its configuration in property files.
    fn render(&self, owner: &str, text: &str, node: Node) -> (Result<String>, Record) {
        self.project.engine.render(owner, text, &self.world, &Arc::new(node), Phase::Parse)
    }

    fn sources(&mut self, properties: &Properties) {
        for (source, place) in &properties.sources {
            if self.project.sources.contains_key(&source.name) {
                self.problems.push(
                    Error::config(format!("source \"{}\" is declared twice", source.name))
                        .detail(place.clone())
                        .hint("put its tables into one place"),
                );
            } else {
                self.project.sources.insert(source.name.clone(), source.clone());
            }
        }
    }

    /// True if the name is still free; else tells who has it.
    fn free(&mut self, name: &str, path: &str) -> bool {
        let models = self.project.models.get(name).map(|m| &m.path);
        let Some(other) = models.or_else(|| self.project.seeds.get(name).map(|s| &s.path)) else { return true };
        self.problems.push(
            Error::config(format!("name \"{name}\" is taken twice"))
                .detail(format!("The files are {other} and {path}."))
                .hint("rename one of them; folders do not tell models apart"),
        );
        false
    }

    fn seed(&mut self, file: &SourceFile, properties: &Properties) {
        let name = stem(&file.path);
        let entry = properties.seeds.iter().find(|entry| entry.name == name);
        let config = entry.map(|entry| entry.config.clone()).unwrap_or_default();
        let complaints = options::check_seed(&config);
        self.complain(complaints, &format!("seed \"{name}\""), file, entry);
        let mut seed = seed::read(file, name, config, &mut self.problems);
        if let Some(entry) = entry {
            seed.description.clone_from(&entry.description);
            seed.documented.clone_from(&entry.columns);
        }
        self.project.seeds.insert(name.to_owned(), seed);
    }

    fn model(&mut self, file: &SourceFile, properties: &Properties) {
        let name = stem(&file.path);
        self.problems.extend(check_name("model", name, &file.path));
        if !self.free(name, &file.path) {
            return;
        }
        let entry = properties.models.iter().find(|entry| entry.name == name);
        let below = entry.map(|entry| entry.config.clone()).unwrap_or_default();
        let owner = format!("model \"{name}\"");
        let node = nodes::bare(Resource::Model, name, &file.path, &below);
        let (rendered, record) = self.render(&owner, &file.text, Node { raw_code: file.text.clone(), ..node });
        let checked = rendered.and_then(|sql| statement::check(&owner, &file.path, &file.text, &sql));
        self.problems.extend(checked.err());
        let config = options::merge(&below, &record.config.into_iter().collect());
        self.complain(options::check_model(&config), &owner, file, entry);
        let model = Model {
            name: name.to_owned(),
            path: file.path.clone(),
            raw_sql: file.text.clone(),
            materialization: options::materialization(&config),
            access: options::access(&config),
            tags: options::tags(&config),
            config,
            description: entry.map(|e| e.description.clone()).unwrap_or_default(),
            columns: entry.map(|e| e.columns.clone()).unwrap_or_default(),
            refs: names_of(record.refs),
            lives: record.lives,
            sources: record.sources,
            vars: record.vars,
        };
        self.project.models.insert(model.name.clone(), model);
    }

    /// Tells each complaint where the key stands: in the file if it is there, else in the property file.
    fn complain(&mut self, complaints: Vec<Complaint>, owner: &str, file: &SourceFile, entry: Option<&Entry>) {
        for complaint in complaints {
            let from_yaml = entry.and_then(|e| e.config_places.get(&complaint.key)).cloned();
            let here = file.path.ends_with(".sql") && excerpt::find_key(&file.text, &complaint.key).is_some();
            let place = match from_yaml {
                Some(place) if !here => place,
                _ => excerpt::at_key(&file.path, &file.text, &complaint.key),
            };
            self.problems.push(complaint.into_error(owner, place));
        }
    }

    /// Data tests of the property files, and entries that name nothing or the same thing twice.
    fn entries(&mut self, properties: Properties) {
        let kinds = [("model", properties.models), ("seed", properties.seeds)];
        for (kind, entries) in kinds {
            let mut seen: BTreeMap<String, String> = BTreeMap::new();
            for entry in entries {
                let exists = match kind {
                    "model" => self.project.models.contains_key(&entry.name),
                    _ => self.project.seeds.contains_key(&entry.name),
                };
                if !exists {
                    let hint = if self.project.contains(&entry.name) {
                        let other = if kind == "model" { "seed" } else { "model" };
                        format!("it is a {other}: describe it under {other}s:")
                    } else {
                        did_you_mean(&entry.name, self.project.names())
                            .unwrap_or_else(|| format!("remove it, or add the {kind}"))
                    };
                    self.problems.push(
                        Error::config(format!("{kind} \"{}\" is described but does not exist", entry.name))
                            .detail(entry.place.clone())
                            .hint(hint),
                    );
                    continue;
                }
                if let Some(first) = seen.insert(entry.name.clone(), entry.path.clone()) {
                    self.problems.push(
                        Error::config(format!("{kind} \"{}\" is described twice", entry.name))
                            .detail(format!("The first description is in {first}.\n{}", entry.place))
                            .hint("keep one of the two"),
                    );
                    continue;
                }
                for spec in &entry.tests {
                    self.generic(spec, &entry);
                }
            }
        }
    }

    fn generic(&mut self, spec: &TestSpec, entry: &Entry) {
        let base = spec.name.clone().unwrap_or_else(|| check::default_name(&spec.kind, &entry.name, &spec.column));
        let mut name = base.clone();
        let mut number = 2;
        while self.project.tests.contains_key(&name) {
            name = format!("{base}_{number}");
            number += 1;
        }
        let mut test = DataTest {
            name: name.clone(),
            model: entry.name.clone(),
            column: Some(spec.column.clone()),
            severity: spec.severity,
            kind: spec.kind.clone(),
            arguments: spec.arguments.clone(),
            filter: spec.filter.clone(),
            path: entry.path.clone(),
            ..DataTest::default()
        };
        let owner = format!("data test \"{name}\"");
        let parent = test.arguments.get("to").and_then(Json::as_str).map(|to| format!("{{{{ {to} }}}}"));
        let mut sound = true;
        for text in [parent, test.filter.clone()].into_iter().flatten() {
            let node = nodes::bare(Resource::Test, &entry.name, &entry.path, &Config::new());
            let (rendered, record) = self.render(&owner, &text, node);
            if let Err(mut problem) = rendered {
                // The engine saw the expression alone; its lines are not those of the property file.
                problem.detail = Some(spec.place.clone());
                self.problems.push(problem);
                sound = false;
            }
            extend_new(&mut test.refs, names_of(record.refs));
            extend_new(&mut test.sources, record.sources);
        }
        if sound && test.kind == "relationships" && test.refs.is_empty() && test.sources.is_empty() {
            self.problems.push(
                Error::config(format!("{owner} refers to no model"))
                    .detail(spec.place.clone())
                    .hint("write to: ref('name')"),
            );
        }
        self.test_places.insert(name.clone(), spec.place.clone());
        self.project.tests.insert(name, test);
    }

    fn singular(&mut self, file: &SourceFile) {
        let name = stem(&file.path);
        self.problems.extend(check_name("data test", name, &file.path));
        let owner = format!("data test \"{name}\"");
        if let Some(other) = self.project.tests.get(name) {
            self.problems.push(
                Error::config(format!("{owner} is there twice"))
                    .detail(format!("The files are {} and {}.", other.path, file.path))
                    .hint("rename one of them"),
            );
            return;
        }
        let node = nodes::bare(Resource::Test, name, &file.path, &Config::new());
        let (rendered, record) = self.render(&owner, &file.text, node);
        let (refs, sources, config) = (names_of(record.refs), record.sources, record.config);
        match rendered {
            Err(problem) => self.problems.push(problem),
            Ok(_) if refs.is_empty() => self.problems.push(
                Error::config(format!("{owner} refers to no model"))
                    .detail(format!("The file is {}.", file.path))
                    .hint("write a SELECT of failing rows FROM {{ ref('model') }}"),
            ),
            Ok(sql) => self.problems.extend(statement::check(&owner, &file.path, &file.text, &sql).err()),
        }
        let mut severity = Severity::Error;
        for (key, value) in &config {
            let (message, hint) = match (key.as_str(), value.as_str().and_then(Severity::from_word)) {
                ("severity", Some(told)) => {
                    severity = told;
                    continue;
                }
                ("severity", None) => (format!("{owner} has unknown severity {value}"), "allowed: error, warn"),
                _ => (format!("{owner} has an unknown config key \"{key}\""), "known keys: severity"),
            };
            let place = excerpt::at_key(&file.path, &file.text, key);
            self.problems.push(Error::config(message).detail(place).hint(hint));
        }
        let test = DataTest {
            name: name.to_owned(),
            model: refs.first().cloned().unwrap_or_default(),
            refs: refs.into_iter().skip(1).collect(),
            sources,
            severity,
            kind: "singular".to_owned(),
            arguments: BTreeMap::from([("sql".to_owned(), Json::from(file.text.clone()))]),
            path: file.path.clone(),
            ..DataTest::default()
        };
        self.project.tests.insert(name.to_owned(), test);
    }
}

fn extend_new<T: PartialEq>(list: &mut Vec<T>, more: Vec<T>) {
    for item in more {
        if !list.contains(&item) {
            list.push(item);
        }
    }
}

/// The names that `ref` was given, each once.
fn names_of(refs: Vec<Ref>) -> Vec<String> {
    let mut names = Vec::new();
    extend_new(&mut names, refs.into_iter().map(|one| one.name).collect());
    names
}
