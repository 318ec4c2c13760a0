//! One rendering: what its templates see, by name, and what they called.

use super::Manifest;
use super::live::LiveRelation;
use super::node::{Config, Node, Ref, Resource};
use super::world::{BUILTIN_PACKAGE, World};
use crate::project::context::{self, EventTimeFilter, Host, Level, Policy, Relation};
use crate::project::database::{Database, ExistingColumn, RelationName};
use crate::project::jinja::Globals;
use crate::project::manifest::fault::refuse;
use crate::project::manifest::{functions, view};
use chrono::{DateTime, Utc};
use minijinja::{Error, Value};
use serde_json::Value as Json;
use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};

/// What templates called.
#[derive(Clone, Debug, Default)]
pub struct Record {
    /// Calls of `ref`, each of them.
    pub refs: Vec<Ref>,
    /// Models that calls of `live` name, each once.
    pub lives: Vec<String>,
    /// Calls of `source`, each of them.
    pub sources: Vec<(String, String)>,
    /// Keys given to `config`, later calls over earlier ones.
    pub config: Config,
    /// The same as written: hooks and tags in the form that the call has.
    pub written_config: Config,
    /// Variables read, with their values.
    pub vars: BTreeMap<String, Json>,
    /// Ids of the macros that the text itself calls, in order of first mention; what those call, the macros know.
    pub macros: Vec<String>,
    /// Ephemeral models referred to, in order of first mention.
    pub ephemeral: Vec<String>,
}

/// A stretch of time; it does not hold its end. An end that is missing is open.
#[derive(Clone, Copy, Debug, Default)]
pub struct TimeWindow {
    /// Its first instant.
    pub start: Option<DateTime<Utc>>,
    /// The instant after its last.
    pub end: Option<DateTime<Utc>>,
}

/// What is known once the whole project has been parsed.
#[derive(Clone, Debug)]
pub struct RunScope {
    /// The project.
    pub manifest: Arc<Manifest>,
    /// Where the relations of some nodes are, other than where their configuration puts them.
    pub relations: Arc<HashMap<String, RelationName>>,
    /// What models published before, by their names: what `live` gives.
    pub live: Arc<BTreeMap<String, LiveRelation>>,
    /// Connection for introspection; none where nothing may be asked (`parse`, `ls`).
    pub database: Option<Arc<dyn Database>>,
    /// The `graph` of templates, made when first asked for.
    pub graph: Arc<std::sync::OnceLock<Value>>,
    /// Rows of what is read are taken from this window of time only, where the read node has an `event_time`.
    pub window: Option<TimeWindow>,
    /// Takes what templates say.
    pub listener: Listener,
    /// Turns true when the rendering is to end at once.
    pub stop: Arc<AtomicBool>,
    /// Ids of the nodes that the command works on.
    pub selected: Arc<Vec<String>>,
}

impl RunScope {
    /// A scope of the whole project, without a database.
    #[must_use]
    pub fn new(manifest: Arc<Manifest>) -> RunScope {
        RunScope {
            manifest,
            relations: Arc::default(),
            live: Arc::default(),
            database: None,
            graph: Arc::default(),
            window: None,
            listener: Listener::default(),
            stop: Arc::default(),
            selected: Arc::default(),
        }
    }

    /// `graph`, made when it is first asked for: it holds every node as a dictionary.
    pub fn graph(&self) -> Value {
        self.graph
            .get_or_init(|| {
                let manifest = &self.manifest;
                let graph = view::graph(&manifest.nodes, &manifest.sources, &manifest.kept, &manifest.groups);
                functions::json_value(&graph)
            })
            .clone()
    }

    /// `graph` while nothing is known.
    pub fn empty_graph() -> Value {
        functions::json_value(&view::graph(&BTreeMap::new(), &BTreeMap::new(), &BTreeMap::new(), &BTreeMap::new()))
    }
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
    statements: OnceLock<Arc<context::Statements>>,
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
            statements: OnceLock::new(),
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
    pub fn reference(&self, mut wanted: Ref) -> Result<Value, Error> {
        // Models copied from elsewhere name the package they came from.
        wanted.package = wanted.package.filter(|_| !self.world.is_own());
        let Phase::Run(scope) = &self.phase else {
            let relation = RelationName {
                database: self.world.target.database.clone(),
                schema: self.world.target.schema.clone(),
                identifier: wanted.name.clone(),
            };
            self.lock().refs.push(wanted);
            return Ok(Relation::new(relation).value());
        };
        let id = scope.manifest.names.node(&self.world.root, &self.node.package, &wanted).ok_or_else(|| {
            let hint = crate::project::name::did_you_mean(&wanted.name, scope.manifest.names.node_names());
            refuse(format!("unknown model \"{}\"{}", wanted.name, hint.map(|h| format!("; {h}")).unwrap_or_default()))
        })?;
        if self.is_bound && id != self.node.id && !self.node.depends_on.iter().any(|known| known == id) {
            let name = &wanted.name;
            return Err(refuse(format!(
                "ref('{name}') was not seen when the project was parsed; add the line -- depends_on: {{{{ ref('{name}') }}}}"
            )));
        }
        let Some(node) = scope.manifest.nodes.get(id) else {
            return Err(refuse(format!("unknown model \"{}\"", wanted.name)));
        };
        if node.is_ephemeral() {
            let mut record = self.lock();
            if !record.ephemeral.iter().any(|known| known == id) {
                record.ephemeral.push(id.to_owned());
            }
            return Ok(Relation::ephemeral(&node.alias).value());
        }
        let name = scope.relations.get(id).cloned().unwrap_or_else(|| node.relation());
        let mut relation = Relation::new(name);
        relation.kind = functions::relation_type(node);
        relation.quote = self.world.quoting;
        Ok(self.narrowed(scope, relation, node.text("event_time")).value())
    }

    /// `source(...)`
    pub fn source(&self, source: &str, table: &str) -> Result<Value, Error> {
        let Phase::Run(scope) = &self.phase else {
            let pair = (source.to_owned(), table.to_owned());
            self.lock().sources.push(pair);
            let relation =
                RelationName { database: String::new(), schema: source.to_owned(), identifier: table.to_owned() };
            return Ok(Relation::new(relation).value());
        };
        let id = scope.manifest.names.source(&self.world.root, &self.node.package, source, table);
        let found = id.and_then(|id| scope.manifest.sources.get(id)).ok_or_else(|| {
            refuse(format!("unknown source \"{source}.{table}\"; declare it under sources: in a property file"))
        })?;
        let name = scope.relations.get(&found.id).cloned().unwrap_or_else(|| found.relation.clone());
        let quoted = |part: &str, default: bool| found.quoting.get(part).and_then(Json::as_bool).unwrap_or(default);
        let mut relation = Relation::new(name);
        relation.quote = Policy {
            database: quoted("database", self.world.quoting.database),
            schema: quoted("schema", self.world.quoting.schema),
            identifier: quoted("identifier", self.world.quoting.identifier),
        };
        let event_time = found.config.get("event_time").and_then(Json::as_str);
        Ok(self.narrowed(scope, relation, event_time).value())
    }

    /// Under `--empty` what a model reads has no rows; in a batch only those of its window.
    fn narrowed(&self, scope: &RunScope, mut relation: Relation, event_time: Option<&str>) -> Relation {
        let is_model = matches!(self.node.resource, Resource::Model | Resource::Snapshot | Resource::Analysis);
        if is_model && self.world.flags.empty {
            relation.limit = Some(0);
        }
        if let (true, Some(TimeWindow { start, end }), Some(field)) = (is_model, scope.window, event_time) {
            relation.event_time = Some(EventTimeFilter {
                field: field.to_owned(),
                start: start.map(|at| at.fixed_offset()),
                end: end.map(|at| at.fixed_offset()),
            });
        }
        relation
    }

    /// `var(...)`
    pub fn variable(&self, name: &str, default: Option<Value>) -> Result<Value, Error> {
        if let Some(value) = self.world.vars.find(&self.world.root, &self.node.package, name) {
            self.lock().vars.insert(name.to_owned(), value.clone());
            return Ok(functions::json_value(value));
        }
        default.ok_or_else(|| {
            let hint = crate::project::name::did_you_mean(name, self.world.vars.names()).unwrap_or_else(|| match self
                .world
                .is_own()
            {
                true => "give it a value in the settings, or a default as second argument".into(),
                false => "give it a value under vars:, by --vars, or a default as second argument".into(),
            });
            refuse(format!("variable \"{name}\" has no value; {hint}"))
        })
    }

    /// `env_var(...)`
    pub fn environment(&self, name: &str, default: Option<Value>) -> Result<Value, Error> {
        if let Some(value) = self.world.env.get(name) {
            return Ok(Value::from(value.as_str()));
        }
        default.ok_or_else(|| {
            if self.world.is_own() {
                // SQL is kept and shown, so no secret may get into it.
                return refuse(format!(
                    "env_var('{name}') is refused: models never read the environment; use var('{name}') or give a default"
                ));
            }
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
        let existing = database.relation(&self.this()).map_err(|e| refuse(e.message.clone()).with_source(e))?;
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
            .or_else(|| (name == BUILTIN_PACKAGE).then(|| functions::builtin_package(&me)))
            .or_else(|| self.world.package_macros(name))
            .or_else(|| self.world.library.macro_value(BUILTIN_PACKAGE, name))
    }

    fn is_interrupted(&self) -> bool {
        matches!(&self.phase, Phase::Run(scope) if scope.stop.load(Ordering::Relaxed))
    }

    fn now(&self) -> DateTime<Utc> {
        self.world.clock.now()
    }

    fn entered(&self, package: &str, macro_name: &str, is_direct: bool) {
        if !is_direct {
            return;
        }
        let mut record = self.lock();
        let id = format!("macro.{package}.{macro_name}");
        if !record.macros.contains(&id) {
            record.macros.push(id);
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
pub struct Listener(Option<Arc<Hear>>);

/// What a listener does with a message.
type Hear = dyn Fn(Level, &str) + Send + Sync;

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
    pub fn statements(&self) -> &Arc<context::Statements> {
        self.statements.get_or_init(|| context::Statements::new(Arc::new(Handle(self.me.clone()))))
    }
}

/// A rendering that does not keep itself alive: what a rendering holds must not hold it.
#[derive(Clone, Debug)]
struct Handle(Weak<Rendering>);

impl Host for Handle {
    fn database(&self) -> Option<Arc<dyn Database>> {
        self.0.upgrade()?.database()
    }

    fn describe(&self, sql: &str) -> crate::error::Result<Vec<ExistingColumn>> {
        self.0.upgrade().map_or_else(|| Ok(Vec::new()), |rendering| rendering.describe(sql))
    }

    fn macro_named(&self, package: Option<&str>, name: &str) -> Option<Value> {
        self.0.upgrade()?.macro_named(package, name)
    }

    fn search_order(&self, namespace: &str) -> Vec<String> {
        self.0.upgrade().map(|rendering| rendering.search_order(namespace)).unwrap_or_default()
    }

    fn package(&self) -> String {
        self.0.upgrade().map(|rendering| rendering.package()).unwrap_or_default()
    }

    fn say(&self, level: Level, text: &str) {
        if let Some(rendering) = self.0.upgrade() {
            rendering.say(level, text);
        }
    }

    fn builtin(&self, name: &str) -> Option<Value> {
        self.0.upgrade()?.builtin(name)
    }

    fn default_database(&self) -> String {
        self.0.upgrade().map(|rendering| rendering.default_database()).unwrap_or_default()
    }

    fn default_schema(&self) -> String {
        self.0.upgrade().map(|rendering| rendering.default_schema()).unwrap_or_default()
    }

    fn quoting(&self) -> Policy {
        self.0.upgrade().map(|rendering| rendering.world.quoting).unwrap_or_default()
    }

    fn invocation_id(&self) -> String {
        self.0.upgrade().map(|rendering| rendering.invocation_id()).unwrap_or_default()
    }
}
