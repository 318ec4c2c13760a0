//! The names that templates see besides macros: `ref`, `source`, `config`, `var`, `this`, `target`, and the rest.

use super::fault::refuse;
use super::live;
use super::node::{Node, Ref, Resource};
use super::rendering::{Phase, Rendering, RunScope};
use super::view;
use super::world::BUILTIN_PACKAGE;
use crate::project::context::{self, Host, Moment, Relation, RelationType};
use crate::project::files::config::{canonical_key, merge};
use crate::project::jinja::{self, Dict, Globals, List};
use crate::project::name::quote_literal;
use minijinja::value::{Kwargs, Object, ObjectRepr, Rest, Serde, ValueKind, from_args};
use minijinja::{Error, ErrorKind, State, Value};
use serde_json::Value as Json;
use std::sync::Arc;

/// Names of the functions and values below; a macro of the project may still take their place.
pub const NAMES: &[&str] = &[
    "ref",
    "source",
    "config",
    "var",
    "env_var",
    "this",
    "target",
    "model",
    "execute",
    "is_incremental",
    "doc",
    "graph",
    "builtins",
    "adapter",
    "api",
    "exceptions",
    "run_query",
    "statement",
    "load_result",
    "store_result",
    "store_raw_result",
    "log",
    "print",
    "debug",
    "flags",
    "invocation_id",
    "run_started_at",
    "dbt_version",
    "database",
    "schema",
    "project_name",
    "selected_resources",
    "as_of",
    "run_id",
    "live",
    "context",
    "node",
    "sql_now",
    "thread_id",
    "dbt_metadata_envs",
    "invocation_args_dict",
    "diff_of_two_dicts",
    "try_or_compiler_error",
    "validation",
    "render",
];

/// What the names of environment variables begin with that artifacts show.
const METADATA_ENV: &str = "DBT_ENV_CUSTOM_ENV_";

/// The value of a name, if it is one of [`NAMES`].
pub fn lookup(rendering: &Arc<Rendering>, name: &str) -> Option<Value> {
    let host = || -> Arc<dyn Host> { rendering.clone() };
    let bound = rendering.clone();
    Some(match name {
        "ref" => {
            Value::from_function(move |args: Rest<Value>, kwargs: Kwargs| bound.reference(reference(&args, &kwargs)?))
        }
        "source" => Value::from_function(move |source: &str, table: &str| bound.source(source, table)),
        "config" => Value::from_object(ConfigCall(bound)),
        "var" => Value::from_object(VarCall(bound)),
        "env_var" => Value::from_function(move |name: &str, default: Option<Value>| bound.environment(name, default)),
        "this" => match rendering.node.resource {
            Resource::Test | Resource::Analysis | Resource::Operation if rendering.node.alias.is_empty() => {
                Value::from(())
            }
            _ => {
                let mut relation = Relation::new(rendering.this());
                relation.kind = relation_type(&rendering.node);
                relation.quote = rendering.world.quoting;
                relation.value()
            }
        },
        "target" => rendering.world.target.value(),
        "model" | "node" => json_value(&view::node(&rendering.node)),
        "execute" => Value::from(matches!(rendering.phase, Phase::Run(_))),
        "is_incremental" => {
            called_by_text(bound.clone(), "is_incremental", Value::from_function(move || bound.is_incremental()))
        }
        "doc" => Value::from_function(|_: Rest<Value>| ""),
        "graph" => match &rendering.phase {
            Phase::Run(scope) => scope.graph(),
            Phase::Parse => RunScope::empty_graph(),
        },
        "builtins" => context::builtins(host()),
        "adapter" => context::adapter(host()),
        "api" => context::api(&host()),
        "exceptions" => context::exceptions(host()),
        "run_query" | "statement" | "load_result" | "store_result" | "store_raw_result" | "noop_statement" => {
            let (name, function) = rendering.statements().functions().into_iter().find(|(known, _)| *known == name)?;
            if matches!(name, "run_query" | "statement" | "noop_statement") {
                return Some(called_by_text(bound, name, function));
            }
            function
        }
        "log" => context::log(host()),
        "print" => context::print(host()),
        "debug" => context::debug(),
        "flags" => rendering.world.flags.value(),
        "invocation_id" => Value::from(rendering.world.invocation_id.as_str()),
        "run_started_at" => Moment::Zoned(rendering.world.started_at.fixed_offset()).value(),
        "dbt_version" => Value::from(context::DBT_VERSION),
        "database" => Value::from(rendering.this().database),
        "schema" => Value::from(rendering.this().schema),
        "project_name" => Value::from(rendering.world.root.as_str()),
        "selected_resources" => match &rendering.phase {
            Phase::Run(scope) => scope.selected.iter().map(String::as_str).collect::<Value>(),
            Phase::Parse => Value::from(Vec::<Value>::new()),
        },
        "as_of" => {
            let instant = rendering.world.constants.get("as_of")?;
            Value::from(format!("TIMESTAMPTZ {}", quote_literal(instant)))
        }
        "run_id" => Value::from(rendering.world.constants.get("run_id")?.parse::<i64>().ok()?),
        "live" if rendering.world.is_own() => live::function(bound),
        "context" => Value::from_object(Context(bound)),
        "thread_id" => Value::from("main"),
        "invocation_args_dict" => rendering.world.flags.arguments(),
        "dbt_metadata_envs" => {
            let envs = rendering.world.env.iter();
            let envs = envs.filter_map(|(name, value)| Some((name.strip_prefix(METADATA_ENV)?, value.as_str())));
            Dict::from_pairs(envs.map(|(name, value)| (Value::from(name), Value::from(value)))).into_value()
        }
        "diff_of_two_dicts" => context::diff_of_two_dicts(),
        "try_or_compiler_error" => context::try_or_compiler_error(),
        "validation" => context::validation(),
        "render" => Value::from_function(move |text: &str| {
            let globals: Arc<dyn Globals> = bound.clone();
            let rendered = bound.world.library.render_text(&bound.node.file, text, &globals);
            rendered.map_err(|fault| refuse(fault.message))
        }),
        _ => return None,
    })
}

/// What is a macro in dbt and a function here counts as a macro of those that a text calls.
#[derive(Debug)]
struct CalledByText {
    rendering: Arc<Rendering>,
    name: &'static str,
    function: Value,
}

impl Object for CalledByText {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn call(self: &Arc<Self>, state: &mut State<'_, '_>, args: &[Value]) -> Result<Value, Error> {
        let is_direct = jinja::Rendering::of(state)?.is_outside_of_macros();
        self.rendering.entered(BUILTIN_PACKAGE, self.name, is_direct);
        self.function.call(state, args)
    }
}

fn called_by_text(rendering: Arc<Rendering>, name: &'static str, function: Value) -> Value {
    Value::from_object(CalledByText { rendering, name, function })
}

/// The type of relation that a node is built as, where its configuration tells.
pub fn relation_type(node: &Node) -> Option<RelationType> {
    match (node.resource, node.materialized()) {
        (Resource::Model, "view") => Some(RelationType::View),
        (Resource::Model, "materialized_view") => Some(RelationType::MaterializedView),
        (Resource::Model, "ephemeral") | (Resource::Test | Resource::Analysis | Resource::Operation, _) => None,
        _ => Some(RelationType::Table),
    }
}

/// A value out of configuration files, as templates see it: lists and maps can be changed there.
pub fn json_value(value: &Json) -> Value {
    match value {
        Json::Array(items) => List::new(items.iter().map(json_value).collect::<Vec<_>>()).into_value(),
        Json::Object(map) => {
            Dict::from_pairs(map.iter().map(|(k, v)| (Value::from(k.as_str()), json_value(v)))).into_value()
        }
        other => Value::from(Serde(other)),
    }
}

/// A value of a template as configuration.
pub fn to_json(value: &Value) -> Result<Json, Error> {
    if let Some(text) = value.as_str() {
        return Ok(Json::from(text));
    }
    // A relation or a date is configuration by the text that it prints.
    match value.kind() {
        ValueKind::Plain | ValueKind::Invalid => Ok(Json::from(value.to_string())),
        ValueKind::Undefined | ValueKind::None => Ok(Json::Null),
        _ => serde_json::to_value(value).map_err(|e| refuse(format!("{value} is no plain value: {e}"))),
    }
}

/// Arguments of `ref`.
fn reference(args: &[Value], kwargs: &Kwargs) -> Result<Ref, Error> {
    let text = |value: &Value| value.as_str().map(str::to_owned).ok_or_else(|| refuse("ref() takes names as text"));
    let version: Option<Value> = kwargs.get("version").ok().or_else(|| kwargs.get("v").ok());
    let version = version.filter(|value| !value.is_none()).map(|value| value.to_string());
    kwargs.assert_all_used()?;
    match args {
        [name] => Ok(Ref { package: None, name: text(name)?, version }),
        [package, name] => Ok(Ref { package: Some(text(package)?), name: text(name)?, version }),
        _ => Err(refuse(format!("ref() takes one or two names, not {}", args.len()))),
    }
}

/// `var('name', default)`, `var.has_var('name')`.
#[derive(Debug)]
struct VarCall(Arc<Rendering>);

impl Object for VarCall {
    fn call(self: &Arc<Self>, _: &mut State<'_, '_>, args: &[Value]) -> Result<Value, Error> {
        let (name, default, kwargs): (&str, Option<Value>, Kwargs) = from_args(args)?;
        // A default of none is a default: only a call without one asks for a variable that must be there.
        let given = args.get(1).filter(|value| value.is_none()).cloned();
        self.0.variable(name, default.or(given).or(kwargs.get("default").ok()))
    }

    fn call_method(self: &Arc<Self>, _: &mut State<'_, '_>, method: &str, args: &[Value]) -> Result<Value, Error> {
        let (name,): (&str,) = from_args(args)?;
        match method {
            "has_var" => Ok(Value::from(self.0.variable(name, None).is_ok())),
            _ => Err(Error::new(ErrorKind::UnknownMethod, format!("var has no method {method}"))),
        }
    }
}

/// `config(...)`, `config.get(...)`, `config.require(...)`.
#[derive(Debug)]
struct ConfigCall(Arc<Rendering>);

impl Object for ConfigCall {
    fn call(self: &Arc<Self>, _: &mut State<'_, '_>, args: &[Value]) -> Result<Value, Error> {
        let mut given = super::node::Config::new();
        for arg in args {
            if arg.kind() != ValueKind::Map {
                return Err(refuse("config() takes key=value pairs"));
            }
            for key in arg.try_iter()? {
                let name = key.as_str().ok_or_else(|| refuse("config() takes key=value pairs"))?;
                given.insert(canonical_key(name).to_owned(), to_json(&arg.get_item(&key)?)?);
            }
        }
        if matches!(self.0.phase, Phase::Parse) {
            let mut record = self.0.lock();
            merge(&mut record.config, &given);
            for (key, value) in given {
                note_written(&mut record.written_config, key, value);
            }
        }
        Ok(Value::from(""))
    }

    fn call_method(self: &Arc<Self>, state: &mut State<'_, '_>, method: &str, args: &[Value]) -> Result<Value, Error> {
        if matches!(method, "persist_relation_docs" | "persist_column_docs") {
            let part = if method == "persist_relation_docs" { "relation" } else { "columns" };
            let asked = self.0.config_value("persist_docs").and_then(|docs| docs.get(part).and_then(Json::as_bool));
            return Ok(Value::from(asked.unwrap_or(false)));
        }
        let (key, default, kwargs): (&str, Option<Value>, Kwargs) = from_args(args)?;
        let default = default.or(kwargs.get("default").ok());
        let validator: Option<Value> = kwargs.get("validator").ok();
        kwargs.assert_all_used()?;
        let found = |key: &str| match method {
            "meta_get" | "meta_require" => self.0.config_value("meta").and_then(|meta| meta.get(key).cloned()),
            _ => self.0.config_value(canonical_key(key)),
        };
        let value = found(key).map(|value| json_value(&value));
        if let (Some(validator), Some(value)) = (validator.filter(|validator| !validator.is_none()), &value) {
            validator.call(state, std::slice::from_ref(value))?;
        }
        match method {
            "get" | "meta_get" => Ok(value.or(default).unwrap_or(Value::from(()))),
            "require" | "meta_require" if matches!(self.0.phase, Phase::Parse) && !self.0.world.is_own() => {
                Ok(value.unwrap_or(Value::from("")))
            }
            "require" | "meta_require" => {
                value.ok_or_else(|| refuse(format!("config key \"{key}\" is required and not set")))
            }
            "set" => Ok(Value::from("")),
            _ => Err(Error::new(ErrorKind::UnknownMethod, format!("config has no method {method}"))),
        }
    }

    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        self.0.config_value(key.as_str()?).map(|value| json_value(&value))
    }
}

/// Several calls of `config` add up in tags, and in dictionaries key by key; in all else the last one counts.
fn note_written(written: &mut super::node::Config, key: String, value: Json) {
    let value = match (key.as_str(), value) {
        ("tags" | "packages", value @ Json::String(_)) => Json::Array(vec![value]),
        (_, value) => value,
    };
    match (key.as_str(), written.get_mut(&key), value) {
        ("tags" | "packages", Some(Json::Array(below)), Json::Array(above)) => below.extend(above),
        ("meta" | "docs" | "quoting" | "column_types" | "grants", Some(Json::Object(below)), Json::Object(above)) => {
            below.extend(above);
        }
        (_, _, value) => {
            written.insert(key, value);
        }
    }
}

/// `context['name']`: everything a template sees, macros included.
#[derive(Debug)]
struct Context(Arc<Rendering>);

impl Object for Context {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        crate::project::jinja::Globals::lookup(&*self.0, key.as_str()?)
    }

    fn call_method(self: &Arc<Self>, state: &mut State<'_, '_>, method: &str, args: &[Value]) -> Result<Value, Error> {
        if method == "get" {
            let (name, default): (&str, Option<Value>) = from_args(args)?;
            let found = crate::project::jinja::Globals::lookup(&*self.0, name);
            return Ok(found.or(default).unwrap_or(Value::from(())));
        }
        let function = crate::project::jinja::Globals::lookup(&*self.0, method)
            .ok_or_else(|| Error::new(ErrorKind::UnknownMethod, format!("context has no {method}")))?;
        function.call(state, args)
    }
}

/// The macros of a package with one of them replaced by a value, for unit tests.
pub fn overridden_package(base: Option<Value>, (name, value): (String, Value)) -> Value {
    Value::from_object(OverriddenPackage { base, name, value })
}

/// See [`overridden_package`].
#[derive(Debug)]
struct OverriddenPackage {
    base: Option<Value>,
    name: String,
    value: Value,
}

impl Object for OverriddenPackage {
    fn call_method(self: &Arc<Self>, state: &mut State<'_, '_>, method: &str, args: &[Value]) -> Result<Value, Error> {
        match &self.base {
            _ if method == self.name => Ok(self.value.clone()),
            Some(base) => base.call_method(state, method, args),
            None => Err(Error::new(ErrorKind::UnknownMethod, format!("package has no macro {method}"))),
        }
    }
}

/// `dbt.x(...)`: the macros that come with the program, and those of dbt's that are functions here.
pub fn builtin_package(rendering: &Arc<Rendering>) -> Value {
    Value::from_object(BuiltinPackage(rendering.clone()))
}

/// See [`builtin_package`].
#[derive(Debug)]
struct BuiltinPackage(Arc<Rendering>);

impl BuiltinPackage {
    fn member(&self, name: &str) -> Option<Value> {
        let is_function = matches!(name, "run_query" | "statement" | "noop_statement" | "is_incremental");
        let found = self.0.world.library.macro_value(super::world::BUILTIN_PACKAGE, name);
        found.or_else(|| lookup(&self.0, name).filter(|_| is_function))
    }
}

impl Object for BuiltinPackage {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        self.member(key.as_str()?)
    }

    fn call_method(self: &Arc<Self>, state: &mut State<'_, '_>, method: &str, args: &[Value]) -> Result<Value, Error> {
        match self.member(method) {
            Some(found) => found.call(state, args),
            None => {
                let known =
                    self.0.world.library.macros().filter(|known| known.package == super::world::BUILTIN_PACKAGE);
                let hint = crate::project::name::did_you_mean(method, known.map(|known| known.name.as_str()));
                let hint = hint.map(|hint| format!("; {hint}")).unwrap_or_default();
                Err(refuse(format!("package \"dbt\" has no macro \"{method}\"{hint}")))
            }
        }
    }
}
