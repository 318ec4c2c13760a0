//! One rendering: what its templates see, by name, and what they called.

use super::names::Names;
use super::node::{Config, Node, Ref, SourceTable};
use super::world::{BUILTIN_PACKAGE, World};
use crate::project::context::{self, Host, Level, Policy};
use crate::project::database::{Database, ExistingColumn, RelationName};
use crate::project::jinja::Globals;
use crate::project::manifest::cte::cte_name;
use crate::project::manifest::fault::refuse;
use crate::project::manifest::functions;
use chrono::{DateTime, Utc};
use minijinja::{Error, Value};
use serde_json::Value as Json;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

/// What templates called.
#[derive(Clone, Debug, Default)]
pub struct Record {
    /// Calls of `ref`, in order of first mention.
    pub refs: Vec<Ref>,
    /// Calls of `source`, in order of first mention.
    pub sources: Vec<(String, String)>,
    /// Keys given to `config`, later calls over earlier ones.
    pub config: Config,
    /// Variables read, with their values.
    pub vars: BTreeMap<String, Json>,
    /// Ids of macros entered.
    pub macros: BTreeSet<String>,
    /// Ephemeral models referred to, in order of first mention.
    pub ephemeral: Vec<String>,
}

/// What is known once the whole project has been parsed.
#[derive(Clone, Debug)]
pub struct RunScope {
    /// All nodes.
    pub nodes: Arc<BTreeMap<String, Node>>,
    /// All sources.
    pub sources: Arc<BTreeMap<String, SourceTable>>,
    /// What names mean.
    pub names: Arc<Names>,
    /// Where the relations of some nodes are, other than where their configuration puts them.
    pub relations: Arc<HashMap<String, RelationName>>,
    /// Connection for introspection; none where nothing may be asked (`parse`, `ls`).
    pub database: Option<Arc<dyn Database>>,
    /// The `graph` of templates, made when first asked for.
    pub graph: Arc<std::sync::OnceLock<Value>>,
    /// Rows of what is read are taken from this window of time only, where the read node has an `event_time`.
    pub window: Option<(DateTime<Utc>, DateTime<Utc>)>,
    /// Takes what templates say.
    pub listener: Listener,
    /// Ids of the nodes that the command works on.
    pub selected: Arc<Vec<String>>,
}

/// Which of dbt's two phases this is.
#[derive(Clone, Debug)]
pub enum Phase {
    /// Finding out what there is: `execute` is false, references are only recorded.
    Parse,
    /// Making SQL: everything is known.
    Run(Arc<RunScope>),
}

/// One rendering.
#[derive(Debug)]
pub struct Rendering {
    /// What all renderings share.
    pub world: Arc<World>,
    /// The node that is rendered.
    pub node: Arc<Node>,
    /// The phase.
    pub phase: Phase,
    /// Whether `ref` may only name what the node was seen to depend on.
    pub is_bound: bool,
    /// Values that stand for this rendering only, before everything else: the arguments of a data test.
    pub locals: BTreeMap<String, Value>,
    record: Mutex<Record>,
    statements: context::Statements,
    me: Weak<Rendering>,
}

impl Rendering {
    /// A rendering of this node.
    pub fn new(
        world: Arc<World>,
        node: Arc<Node>,
        phase: Phase,
        is_bound: bool,
        locals: BTreeMap<String, Value>,
    ) -> Arc<Self> {
        Arc::new_cyclic(|me| Rendering {
            world,
            node,
            phase,
            is_bound,
            locals,
            record: Mutex::default(),
            statements: context::Statements::default(),
            me: me.clone(),
        })
    }

    /// What has been called so far.
    pub fn record(&self) -> Record {
        self.lock().clone()
    }

    /// A panic while the lock is held leaves plain data, so a poisoned lock is as good as a clean one.
    pub fn lock(&self) -> MutexGuard<'_, Record> {
        self.record.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Itself, for the functions it hands out.
    fn shared(&self) -> Option<Arc<Rendering>> {
        self.me.upgrade()
    }

    /// The value of a configuration key as the node stands now.
    pub fn config_value(&self, key: &str) -> Option<Json> {
        let record = self.lock();
        record.config.get(key).or_else(|| self.node.config.get(key)).filter(|value| !value.is_null()).cloned()
    }

    /// `ref(...)`
    pub fn reference(&self, wanted: Ref) -> Result<Value, Error> {
        let Phase::Run(scope) = &self.phase else {
            let relation = RelationName {
                database: self.world.target.database.clone(),
                schema: self.world.target.schema.clone(),
                identifier: wanted.name.clone(),
            };
            let mut record = self.lock();
            if !record.refs.contains(&wanted) {
                record.refs.push(wanted);
            }
            return Ok(context::relation(relation, None));
        };
        let id = scope.names.node(&self.world.root, &self.node.package, &wanted).ok_or_else(|| {
            let hint = crate::project::name::did_you_mean(&wanted.name, scope.names.node_names());
            refuse(format!("unknown model \"{}\"{}", wanted.name, hint.map(|h| format!("; {h}")).unwrap_or_default()))
        })?;
        if self.is_bound && id != self.node.id && !self.node.depends_on.iter().any(|known| known == id) {
            let name = &wanted.name;
            return Err(refuse(format!(
                "ref('{name}') was not seen when the project was parsed; add the line -- depends_on: {{{{ ref('{name}') }}}}"
            )));
        }
        let Some(node) = scope.nodes.get(id) else {
            return Err(refuse(format!("unknown model \"{}\"", wanted.name)));
        };
        if node.is_ephemeral() {
            let mut record = self.lock();
            if !record.ephemeral.iter().any(|known| known == id) {
                record.ephemeral.push(id.to_owned());
            }
            return Ok(context::cte_relation(&cte_name(&node.alias)));
        }
        let name = scope.relations.get(id).cloned().unwrap_or_else(|| node.relation());
        Ok(self.limited(context::relation(name, functions::relation_word(node))))
    }

    /// `source(...)`
    pub fn source(&self, source: &str, table: &str) -> Result<Value, Error> {
        let Phase::Run(scope) = &self.phase else {
            let pair = (source.to_owned(), table.to_owned());
            let mut record = self.lock();
            if !record.sources.contains(&pair) {
                record.sources.push(pair);
            }
            let relation =
                RelationName { database: String::new(), schema: source.to_owned(), identifier: table.to_owned() };
            return Ok(context::relation(relation, None));
        };
        let id = scope.names.source(&self.world.root, &self.node.package, source, table);
        let found = id.and_then(|id| scope.sources.get(id)).ok_or_else(|| {
            refuse(format!("unknown source \"{source}.{table}\"; declare it under sources: in a property file"))
        })?;
        let name = scope.relations.get(&found.id).cloned().unwrap_or_else(|| found.relation.clone());
        Ok(self.limited(context::source_relation(name, &found.quoting)))
    }

    /// Under `--empty` what a model reads has no rows.
    fn limited(&self, relation: Value) -> Value {
        let is_model = matches!(
            self.node.resource,
            super::node::Resource::Model | super::node::Resource::Snapshot | super::node::Resource::Analysis
        );
        if self.world.flags.empty && is_model { context::limited(&relation, 0) } else { relation }
    }

    /// `var(...)`
    pub fn variable(&self, name: &str, default: Option<Value>) -> Result<Value, Error> {
        if let Some(value) = self.world.vars.find(&self.world.root, &self.node.package, name) {
            self.lock().vars.insert(name.to_owned(), value.clone());
            return Ok(functions::json_value(value));
        }
        default.ok_or_else(|| {
            let hint = crate::project::name::did_you_mean(name, self.world.vars.names())
                .unwrap_or_else(|| "give it a value under vars:, by --vars, or a default as second argument".into());
            refuse(format!("variable \"{name}\" has no value; {hint}"))
        })
    }

    /// `env_var(...)`
    pub fn environment(&self, name: &str, default: Option<Value>) -> Result<Value, Error> {
        if let Some(value) = self.world.env.get(name) {
            return Ok(Value::from(value.as_str()));
        }
        default.ok_or_else(|| {
            let hint = crate::project::name::did_you_mean(name, self.world.env.keys().map(String::as_str))
                .unwrap_or_else(|| "set it, or give a default as second argument".into());
            refuse(format!("environment variable \"{name}\" is not set; {hint}"))
        })
    }

    /// The relation of the node itself.
    pub fn this(&self) -> RelationName {
        match &self.phase {
            Phase::Run(scope) => scope.relations.get(&self.node.id).cloned().unwrap_or_else(|| self.node.relation()),
            Phase::Parse => self.node.relation(),
        }
    }

    /// `is_incremental()`: an incremental model whose table is there and is not to be made anew.
    pub fn is_incremental(&self) -> Result<bool, Error> {
        let Some(database) = self.database() else { return Ok(false) };
        let full_refresh = self.node.flag("full_refresh").unwrap_or(self.world.flags.full_refresh);
        if self.node.materialized() != "incremental" || full_refresh {
            return Ok(false);
        }
        let existing = database.relation(&self.this()).map_err(context::database_error)?;
        Ok(existing.is_some_and(|relation| relation.kind == crate::project::database::RelationKind::Table))
    }
}

impl Globals for Rendering {
    fn lookup(&self, name: &str) -> Option<Value> {
        if let Some(value) = self.locals.get(name) {
            return Some(value.clone());
        }
        // A project may put a macro of its own in the place of anything below, and reach that by `builtins`.
        if let Some(found) = self.world.project_macro(&self.node.package, name) {
            return Some(found);
        }
        let me = self.shared()?;
        functions::lookup(&me, name)
            .or_else(|| self.world.package_macros(name))
            .or_else(|| self.world.library.macro_value(BUILTIN_PACKAGE, name))
    }

    fn now(&self) -> DateTime<Utc> {
        self.world.started_at
    }

    fn entered(&self, package: &str, macro_name: &str) {
        let mut record = self.lock();
        let id = format!("macro.{package}.{macro_name}");
        if !record.macros.contains(&id) {
            record.macros.insert(id);
        }
    }
}

impl Host for Rendering {
    fn database(&self) -> Option<Arc<dyn Database>> {
        match &self.phase {
            Phase::Run(scope) => scope.database.clone(),
            Phase::Parse => None,
        }
    }

    fn describe(&self, sql: &str) -> crate::error::Result<Vec<ExistingColumn>> {
        match self.database() {
            Some(database) => database.describe(sql),
            None => Ok(Vec::new()),
        }
    }

    fn macro_named(&self, package: Option<&str>, name: &str) -> Option<Value> {
        match package {
            Some(package) => self.world.library.macro_value(package, name),
            None => {
                let home = self.world.home_of(&self.node.package, name)?;
                self.world.library.macro_value(&home, name)
            }
        }
    }

    fn search_order(&self, namespace: &str) -> Vec<String> {
        self.world.search_order(namespace)
    }

    fn package(&self) -> String {
        self.node.package.clone()
    }

    fn say(&self, level: Level, text: &str) {
        if let Phase::Run(scope) = &self.phase {
            scope.listener.hear(level, text);
        }
    }

    fn builtin(&self, name: &str) -> Option<Value> {
        functions::lookup(&self.shared()?, name)
    }

    fn default_database(&self) -> String {
        self.world.target.database.clone()
    }

    fn default_schema(&self) -> String {
        self.world.target.schema.clone()
    }

    fn quoting(&self) -> Policy {
        self.world.quoting
    }

    fn invocation_id(&self) -> String {
        self.world.invocation_id.clone()
    }
}

/// Takes what templates say.
#[derive(Clone, Default)]
pub struct Listener(Option<Arc<dyn Fn(Level, &str) + Send + Sync>>);

impl Listener {
    /// Hands every message to this function.
    pub fn new(hear: impl Fn(Level, &str) + Send + Sync + 'static) -> Listener {
        Listener(Some(Arc::new(hear)))
    }

    fn hear(&self, level: Level, text: &str) {
        if let Some(hear) = &self.0 {
            hear(level, text);
        }
    }
}

impl std::fmt::Debug for Listener {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if self.0.is_some() { "Listener" } else { "no listener" })
    }
}

impl Rendering {
    /// Results of `statement` blocks of this rendering.
    pub fn statements(&self) -> &context::Statements {
        &self.statements
    }
}
