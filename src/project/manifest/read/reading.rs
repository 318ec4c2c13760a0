//! The state of a reading: what has been found so far, and every problem.

use super::package::Package;
use crate::error::Error;
use crate::project::excerpt;
use crate::project::jinja::Globals;
use crate::project::manifest::Manifest;
use crate::project::manifest::functions::json_value;
use crate::project::manifest::node::{Node, Resource, SourceTable};
use crate::project::manifest::rendering::{Phase, Rendering};
use crate::project::manifest::view;
use crate::project::manifest::world::{BUILTIN_PACKAGE, World};
use minijinja::Value;
use serde_json::Value as Json;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Schema that data tests with `store_failures` write into, behind the target's schema.
const AUDIT_SCHEMA: &str = "dbt_test__audit";

/// What has been found so far.
#[derive(Debug)]
pub struct Reading<'a> {
    /// All packages, the root first.
    pub packages: &'a [Package],
    /// What renderings share.
    pub world: Arc<World>,
    /// The parts of the manifest that are done.
    pub manifest: Manifest,
    /// Enabled nodes so far.
    pub nodes: BTreeMap<String, Node>,
    /// Enabled sources so far.
    pub sources: BTreeMap<String, SourceTable>,
    /// Whether oddities are errors.
    pub is_strict: bool,
    /// Everything that is wrong.
    pub problems: Vec<Error>,
    /// Everything that is odd.
    pub warnings: Vec<Error>,
}

impl<'a> Reading<'a> {
    /// The root package.
    pub fn root(&self) -> &'a Package {
        &self.packages[0]
    }

    /// The package of this name.
    pub fn package(&self, name: &str) -> Option<&'a Package> {
        self.packages.iter().find(|package| package.name() == name)
    }

    /// The node's file as messages show it, with the line of the first reference to `name`.
    pub fn line_of(&self, node: &Node, name: &str) -> String {
        let Some(package) = self.package(&node.package) else { return node.file.clone() };
        let shown = package.shown(&node.file);
        let file = package.files.iter().find(|file| file.path == node.file);
        match file.and_then(|file| excerpt::line_of_quoted(&file.text, name)) {
            Some(line) => format!("{shown}:{line}"),
            None => shown,
        }
    }

    /// Keeps a finished node, among the disabled ones if it is switched off.
    pub fn add(&mut self, node: Node) {
        if node.flag("enabled") == Some(false) {
            self.manifest.disabled.entry(node.id.clone()).or_default().push(node);
            return;
        }
        if let Some(first) = self.nodes.get(&node.id) {
            let problem = super::nodes::duplicate(first, &node);
            return self.problems.push(problem);
        }
        self.nodes.insert(node.id.clone(), node);
    }

    /// Gives the node its database, schema and alias, by the project's naming macros.
    pub fn name(&mut self, node: &mut Node) {
        let wish =
            |key: &str| node.config.get(key).filter(|value| !value.is_null()).and_then(Json::as_str).map(str::to_owned);
        let (database, mut schema, alias) = (wish("database"), wish("schema"), wish("alias"));
        if node.resource == Resource::Snapshot {
            schema = wish("target_schema").or(schema);
        }
        if node.resource == Resource::Test && schema.is_none() {
            schema = Some(AUDIT_SCHEMA.to_owned());
        }
        // A snapshot's target_schema is meant as it is written.
        let is_literal = node.resource == Resource::Snapshot && wish("target_schema").is_some();
        node.database = self.named(node, "generate_database_name", database.as_deref());
        node.schema = match schema {
            Some(schema) if is_literal => schema,
            schema => self.named(node, "generate_schema_name", schema.as_deref()),
        };
        node.alias = self.named(node, "generate_alias_name", alias.as_deref());
    }

    fn named(&mut self, node: &Node, name: &str, custom: Option<&str>) -> String {
        let target = &self.world.target;
        if self.world.home_of(&self.world.root, name).as_deref() == Some(BUILTIN_PACKAGE)
            || self.world.home_of(&self.world.root, name).is_none()
        {
            // The macros that come with the program, without the price of a call for each of thousands of nodes.
            return match name {
                "generate_database_name" => custom.unwrap_or(&target.database).to_owned(),
                "generate_schema_name" => match custom {
                    Some(custom) => format!("{}_{}", target.schema, custom.trim()),
                    None => target.schema.clone(),
                },
                _ => match (custom, &node.version) {
                    (Some(custom), _) => custom.trim().to_owned(),
                    (None, Some(version)) => format!("{}_v{}", node.name, version.replace('.', "_")),
                    (None, None) => node.name.clone(),
                },
            };
        }
        let rendering = Rendering::new(
            self.world.clone(),
            Arc::new(Node { package: self.world.root.clone(), ..node.clone() }),
            Phase::Parse,
            false,
            BTreeMap::new(),
        );
        let globals: Arc<dyn Globals> = rendering;
        let home = self.world.home_of(&self.world.root, name).unwrap_or_else(|| BUILTIN_PACKAGE.to_owned());
        let args = [custom.map_or(Value::from(()), Value::from), json_value(&view::node(node))];
        match self.world.library.call(&home, name, &args, &[], &globals) {
            Ok(value) => value.to_string().trim().to_owned(),
            Err(fault) => {
                let problem = self.world.told(&node.label(), fault);
                self.problems.push(problem);
                String::new()
            }
        }
    }

    /// Renders a text of a property file of `package`, as the value that it gives.
    pub fn evaluate(&self, package: &str, file: &str, text: &str) -> crate::error::Result<Json> {
        if !text.contains("{{") && !text.contains("{%") {
            return Ok(Json::from(text));
        }
        let node = Node { package: package.to_owned(), ..Node::blank(Resource::Operation) };
        let rendering = Rendering::new(self.world.clone(), Arc::new(node), Phase::Parse, false, BTreeMap::new());
        let globals: Arc<dyn Globals> = rendering;
        let value = self
            .world
            .library
            .evaluate(file, text, &globals)
            .map_err(|fault| self.world.told(&format!("property file \"{file}\""), fault))?;
        crate::project::manifest::functions::to_json(&value)
            .map_err(|e| Error::config(format!("value in property file \"{file}\" is not plain: {e}")))
    }
}
