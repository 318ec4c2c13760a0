//! The run phase: a node's text becomes the SQL that the server gets.

use super::Manifest;
use super::cte::{self, Cte};
use super::narrowed;
use super::node::{Node, Resource};
use super::rendering::{Phase, Record, Rendering, RunScope, TimeWindow};
use super::test_name::python_str;
use super::world::World;
use super::{functions, generic};
use crate::error::{Error, Result};
use crate::project::database::Database;
use crate::project::jinja::Globals;
use chrono::{DateTime, Utc};
use minijinja::Value;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// SQL of a node.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Compiled {
    /// The statement, ephemeral models included.
    pub code: String,
    /// Ephemeral models that went into it, in the order in which they stand there.
    pub ctes: Vec<Cte>,
}

impl Compiled {
    /// The ephemeral models in it, each as a statement of its own with those that it needs itself.
    #[must_use]
    pub fn parts(&self, manifest: &Manifest) -> Vec<(String, Compiled)> {
        let mut parts: Vec<(String, Compiled)> = Vec::new();
        for cte in &self.ctes {
            let needed = manifest.parents(&cte.id);
            let direct = |id: &String| needed.contains(id);
            let inner =
                |id: &String| parts.iter().any(|(part, one)| direct(part) && one.ctes.iter().any(|c| &c.id == id));
            let ctes: Vec<Cte> = self.ctes.iter().filter(|c| direct(&c.id) || inner(&c.id)).cloned().collect();
            parts.push((cte.id.clone(), Compiled { code: cte::inject(&cte.sql, &ctes), ctes }));
        }
        parts
    }
}

/// Renders nodes, hooks and macros of a parsed project.
#[derive(Clone, Debug)]
pub struct Compiler {
    /// What all renderings share.
    pub world: Arc<World>,
    /// What is known of the project, and the connection.
    pub scope: Arc<RunScope>,
}

/// Name of a hook for messages: the project's own have one, those of a node are called after it.
fn hook_label(node: &Node) -> String {
    if node.resource == Resource::Operation { node.label() } else { format!("hook of {}", node.label()) }
}

impl Compiler {
    /// The same, over this connection.
    #[must_use]
    pub fn over(&self, database: Arc<dyn Database>) -> Compiler {
        self.with(|scope| scope.database = Some(database))
    }

    /// The same, ended at once when the flag turns true.
    #[must_use]
    pub fn stoppable(&self, stop: Arc<AtomicBool>) -> Compiler {
        self.with(|scope| scope.stop = stop)
    }

    /// The same, for rows of this window of time only; a sample keeps cutting what it cuts.
    #[must_use]
    pub fn within(&self, start: DateTime<Utc>, end: DateTime<Utc>) -> Compiler {
        self.with(|scope| {
            let sample = scope.window.unwrap_or_default();
            scope.window = Some(TimeWindow {
                start: Some(sample.start.map_or(start, |sampled| sampled.max(start))),
                end: Some(sample.end.map_or(end, |sampled| sampled.min(end))),
            });
        })
    }

    /// Rendered SQL in its final form.
    fn settled(&self, sql: String) -> String {
        let is_narrowed = self.world.flags.empty || self.scope.window.is_some();
        if is_narrowed { narrowed::settled(&sql) } else { sql }
    }

    fn with(&self, change: impl FnOnce(&mut RunScope)) -> Compiler {
        let mut scope = (*self.scope).clone();
        change(&mut scope);
        Compiler { world: self.world.clone(), scope: Arc::new(scope) }
    }

    /// SQL of a model, snapshot, analysis or data test.
    pub fn node(&self, node: &Arc<Node>) -> Result<Compiled> {
        self.node_with(node, BTreeMap::new())
    }

    /// As [`Compiler::node`], with values that stand for this rendering only.
    pub fn node_with(&self, node: &Arc<Node>, locals: BTreeMap<String, Value>) -> Result<Compiled> {
        let (sql, record) = self.rendered(node, locals)?;
        let mut ctes = Vec::new();
        self.collect(&record.ephemeral, &mut ctes, &mut vec![node.id.clone()])?;
        Ok(Compiled { code: cte::inject(&sql, &ctes), ctes })
    }

    /// SQL of a text that is no node of the project: it may refer to anything.
    pub fn inline(&self, node: &Arc<Node>) -> Result<Compiled> {
        let rendering =
            Rendering::new(self.world.clone(), node.clone(), Phase::Run(self.scope.clone()), false, BTreeMap::new());
        let globals: Arc<dyn Globals> = rendering.clone();
        let sql = self
            .world
            .library
            .render_text(&node.file, &node.raw_code, &globals)
            .map(|sql| self.settled(sql))
            .map_err(|fault| self.world.told(&node.file, fault))?;
        let mut ctes = Vec::new();
        self.collect(&rendering.record().ephemeral, &mut ctes, &mut vec![node.id.clone()])?;
        Ok(Compiled { code: cte::inject(&sql, &ctes), ctes })
    }

    fn rendered(&self, node: &Arc<Node>, locals: BTreeMap<String, Value>) -> Result<(String, Record)> {
        let phase = Phase::Run(self.scope.clone());
        if node.resource == Resource::Test && node.test.as_ref().is_some_and(|test| !test.name.is_empty()) {
            return generic::render(&self.world, node, &phase);
        }
        let rendering = Rendering::new(self.world.clone(), node.clone(), phase, true, locals);
        let globals: Arc<dyn Globals> = rendering.clone();
        let sql = self
            .world
            .library
            .render_text(&node.file, &node.raw_code, &globals)
            .map(|sql| self.settled(sql))
            .map_err(|fault| self.world.told(&node.label(), fault.called_from(&node.file, &node.raw_code)))?;
        Ok((sql, rendering.record()))
    }

    /// Gathers ephemeral models, those that others need first.
    fn collect(&self, ids: &[String], ctes: &mut Vec<Cte>, path: &mut Vec<String>) -> Result<()> {
        for id in ids {
            if ctes.iter().any(|cte| &cte.id == id) {
                continue;
            }
            if path.contains(id) {
                return Err(Error::config(format!("ephemeral models refer to each other in a circle at \"{id}\"")));
            }
            let Some(node) = self.scope.manifest.nodes.get(id) else { continue };
            let node = Arc::new(node.clone());
            let (sql, record) = self.rendered(&node, BTreeMap::new())?;
            path.push(id.clone());
            self.collect(&record.ephemeral, ctes, path)?;
            path.pop();
            ctes.push(Cte { id: id.clone(), name: cte::cte_name(&node.alias), sql });
        }
        Ok(())
    }

    /// A hook of a node, or any other text that is rendered while the node runs.
    pub fn text(&self, node: &Arc<Node>, text: &str) -> Result<String> {
        self.text_with(node, text, BTreeMap::new())
    }

    /// As [`Compiler::text`], with values that stand for this rendering only.
    pub fn text_with(&self, node: &Arc<Node>, text: &str, locals: BTreeMap<String, Value>) -> Result<String> {
        let rendering = Rendering::new(self.world.clone(), node.clone(), Phase::Run(self.scope.clone()), false, locals);
        let globals: Arc<dyn Globals> = rendering;
        self.world
            .library
            .render_text(&node.file, text, &globals)
            .map_err(|fault| self.world.told(&hook_label(node), fault))
    }

    /// What a macro answers when it is called for this node, as text.
    pub fn call(&self, node: &Arc<Node>, name: &str, args: &[Value], kwargs: &[(&str, Value)]) -> Result<Value> {
        let rendering =
            Rendering::new(self.world.clone(), node.clone(), Phase::Run(self.scope.clone()), false, BTreeMap::new());
        let globals: Arc<dyn Globals> = rendering;
        let (package, name) = match name.split_once('.') {
            Some((package, name)) => (package.to_owned(), name.to_owned()),
            None => {
                let home = self.world.home_of(&node.package, name).ok_or_else(|| {
                    let known = self.world.library.macros().map(|known| known.name.as_str());
                    let error = Error::config(format!("macro \"{name}\" does not exist"));
                    match crate::project::name::did_you_mean(name, known) {
                        Some(hint) => error.hint(hint),
                        None => error,
                    }
                })?;
                (home, name.to_owned())
            }
        };
        self.world
            .library
            .call(&package, &name, args, kwargs, &globals)
            .map_err(|fault| self.world.told(&format!("macro \"{name}\""), fault))
    }

    /// The query of a data test as the server gets it: one row with the count of failures and the two verdicts.
    pub fn test_query(&self, node: &Arc<Node>, select: &str) -> Result<String> {
        let config = |key: &str, default: &str| {
            Value::from(node.config.get(key).filter(|v| !v.is_null()).map_or(default.to_owned(), python_str))
        };
        let limit = node.config.get("limit").filter(|v| !v.is_null()).map_or(Value::from(()), functions::json_value);
        let args = [
            Value::from(select),
            config("fail_calc", "count(*)"),
            config("warn_if", "!= 0"),
            config("error_if", "!= 0"),
            limit,
        ];
        self.call(node, "get_test_sql", &args, &[]).map(|sql| sql.to_string())
    }
}
