//! What one rendering sees and remembers: the functions that templates call, and the record they leave.

use super::name::{did_you_mean, quote_identifier, quote_literal};
use super::options::{Config, merge};
use minijinja::value::{Kwargs, Object, Rest, Serde, Value, ValueKind};
use minijinja::{Environment, Error, ErrorKind, State};
use serde_json::Value as Json;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Deepest nesting of macro calls; each level costs native stack.
const DEEPEST_CALL: usize = 24;
/// Steps that one rendering may take in all; a large model takes some ten thousand.
pub(super) const MOST_STEPS: u64 = 2_000_000;
/// Name of the hidden global that leads a macro to its frame.
const HANDLE: &str = "__frame";

/// What a rendering is for.
#[derive(Clone, Debug, Default)]
pub(super) struct Scope {
    /// Relations by name in the compile phase; `None` in the parse phase, where every name has a stand-in.
    pub relations: Option<BTreeMap<String, String>>,
    /// Relations of sources, by source and table, in the compile phase.
    pub sources: BTreeMap<(String, String), String>,
    /// Relation of the model itself.
    pub this: String,
    /// Configuration from below the file: `schema.yml` when parsing, all of it when compiling.
    pub config: Config,
    /// Project variables.
    pub vars: Arc<BTreeMap<String, Json>>,
    /// The run's instant, RFC 3339.
    pub as_of: String,
    /// The run's number.
    pub run_id: i64,
    /// Public schema of the workspace.
    pub target_schema: String,
    /// The workspace.
    pub target_name: String,
}

/// What a rendering called.
#[derive(Clone, Debug, Default)]
pub(super) struct Record {
    /// Names given to `ref`, in order of first mention.
    pub refs: Vec<String>,
    /// Pairs given to `source`, in order of first mention.
    pub sources: Vec<(String, String)>,
    /// Keys given to `config`.
    pub config: Config,
    /// Variables read, with their values.
    pub vars: BTreeMap<String, Json>,
    depth: usize,
    burnt: u64,
    returned: Option<Value>,
}

/// The scope and the record of one rendering, shared by its functions.
#[derive(Debug, Default)]
pub(super) struct Frame {
    scope: Scope,
    record: Mutex<Record>,
}

/// A shared frame.
pub(super) type FrameHandle = Arc<Frame>;

/// Thrown by `return()`, caught by the wrapper of the macro.
#[derive(Debug)]
struct Returned;

impl fmt::Display for Returned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("return() outside of a macro")
    }
}

impl std::error::Error for Returned {}

fn refuse(text: impl Into<std::borrow::Cow<'static, str>>) -> Error {
    Error::new(ErrorKind::InvalidOperation, text)
}

impl Frame {
    pub fn new(scope: Scope) -> FrameHandle {
        Arc::new(Frame { scope, record: Mutex::default() })
    }

    /// What has been called so far.
    pub fn record(&self) -> Record {
        self.lock().clone()
    }

    /// A panic while the lock is held leaves plain data, so a poisoned lock is as good as a clean one.
    fn lock(&self) -> MutexGuard<'_, Record> {
        self.record.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One macro call deeper.
    pub fn enter(&self, name: &str) -> Result<(), Error> {
        let mut record = self.lock();
        if record.depth >= DEEPEST_CALL {
            return Err(refuse(format!("macro calls are nested deeper than {DEEPEST_CALL}, at macro {name}")));
        }
        if record.burnt > MOST_STEPS {
            return Err(Error::from(ErrorKind::OutOfFuel));
        }
        record.depth += 1;
        Ok(())
    }

    /// Back from a macro call.
    pub fn leave(&self) {
        self.lock().depth -= 1;
    }

    /// Counts the steps of a macro call.
    pub fn burn(&self, steps: u64) {
        self.lock().burnt += steps;
    }

    /// The value of `return()` if that is what the error stands for.
    pub fn returned(&self, error: Error) -> Result<Value, Error> {
        let thrown = std::error::Error::source(&error).is_some_and(<dyn std::error::Error>::is::<Returned>);
        self.lock().returned.take().filter(|_| thrown).ok_or(error)
    }

    fn reference(&self, name: &str) -> Result<Value, Error> {
        let Some(relations) = &self.scope.relations else {
            let mut record = self.lock();
            if !record.refs.iter().any(|known| known == name) {
                record.refs.push(name.to_owned());
            }
            return Ok(Value::from_object(Relation::stand_in(name)));
        };
        let sql = relations.get(name).ok_or_else(|| {
            refuse(format!(
                "ref('{name}') was not seen when the project was parsed; add the line -- depends_on: {{{{ ref('{name}') }}}}"
            ))
        })?;
        Ok(Value::from_object(Relation { sql: sql.clone(), name: name.to_owned() }))
    }

    fn source(&self, source: &str, table: &str) -> Result<Value, Error> {
        let pair = (source.to_owned(), table.to_owned());
        if self.scope.relations.is_none() {
            let mut record = self.lock();
            if !record.sources.contains(&pair) {
                record.sources.push(pair);
            }
            return Ok(Value::from_object(Relation::stand_in(table)));
        }
        let sql =
            self.scope.sources.get(&pair).cloned().ok_or_else(|| {
                refuse(format!("source('{source}', '{table}') was not seen when the project was parsed"))
            })?;
        Ok(Value::from_object(Relation { sql, name: table.to_owned() }))
    }

    fn variable(&self, name: &str, default: Option<Value>) -> Result<Value, Error> {
        if let Some(value) = self.scope.vars.get(name) {
            self.lock().vars.insert(name.to_owned(), value.clone());
            return Ok(Value::from(Serde(value)));
        }
        default.ok_or_else(|| {
            let hint = did_you_mean(name, self.scope.vars.keys().map(String::as_str));
            let hint =
                hint.unwrap_or_else(|| "give it a value in the settings, or a default as second argument".into());
            refuse(format!("variable \"{name}\" has no value; {hint}"))
        })
    }
}

/// The frame of the rendering that `state` belongs to.
pub(super) fn of(state: &State<'_, '_>) -> Result<FrameHandle, Error> {
    let handle = state.lookup(HANDLE).and_then(|value| value.downcast_object::<Handle>());
    handle.map(|h| h.0.clone()).ok_or_else(|| refuse("a macro was called outside of a rendering"))
}

/// Names that [`install`] gives to every template.
pub(super) const GLOBALS: [&str; 14] = [
    "ref",
    "source",
    "config",
    "var",
    "env_var",
    "this",
    "target",
    "as_of",
    "run_id",
    "execute",
    "is_incremental",
    "return",
    "log",
    "exceptions",
];

/// Gives the environment the functions of dbt, bound to this frame.
pub(super) fn install(env: &mut Environment<'_>, frame: &FrameHandle) {
    let scope = &frame.scope;
    env.add_global(HANDLE, Value::from_object(Handle(frame.clone())));
    env.add_global("config", Value::from_object(ConfigCall(frame.clone())));
    env.add_global("exceptions", Value::from_object(Exceptions));
    env.add_global("this", Value::from_object(Relation { sql: scope.this.clone(), name: scope.this.replace('"', "") }));
    env.add_global("execute", scope.relations.is_some());
    env.add_global("run_id", scope.run_id);
    env.add_global("as_of", format!("TIMESTAMPTZ {}", quote_literal(&scope.as_of)));
    let target = [("schema", scope.target_schema.as_str()), ("name", scope.target_name.as_str()), ("type", "postgres")];
    env.add_global("target", Value::from_pairs(target));
    let bound = frame.clone();
    env.add_function("ref", move |first: &str, second: Option<&str>| bound.reference(second.unwrap_or(first)));
    let bound = frame.clone();
    env.add_function("source", move |source: &str, table: &str| bound.source(source, table));
    let bound = frame.clone();
    env.add_function("var", move |name: &str, default: Option<Value>| bound.variable(name, default));
    env.add_function("env_var", |name: &str, default: Option<Value>| {
        default.ok_or_else(|| {
            refuse(format!(
                "env_var('{name}') is refused: models never read the environment; use var('{name}') or give a default"
            ))
        })
    });
    env.add_function("is_incremental", || false);
    env.add_function("log", |_: Rest<Value>| "");
    let bound = frame.clone();
    env.add_function("return", move |value: Value| -> Result<Value, Error> {
        bound.lock().returned = Some(value);
        Err(refuse("return() outside of a macro").with_source(Returned))
    });
}

#[derive(Debug)]
struct Handle(FrameHandle);

impl Object for Handle {}

/// A relation: renders as its SQL; `.name` and `.identifier` are the bare name.
#[derive(Debug)]
struct Relation {
    sql: String,
    name: String,
}

impl Relation {
    /// What stands for a relation while parsing.
    fn stand_in(name: &str) -> Self {
        Relation { sql: quote_identifier(name), name: name.to_owned() }
    }
}

impl Object for Relation {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        matches!(key.as_str()?, "name" | "identifier" | "table").then(|| Value::from(self.name.as_str()))
    }

    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.sql)
    }
}

/// `config(...)`, `config.get(...)`, `config.require(...)`.
#[derive(Debug)]
struct ConfigCall(FrameHandle);

impl Object for ConfigCall {
    fn call(self: &Arc<Self>, _: &mut State<'_, '_>, args: &[Value]) -> Result<Value, Error> {
        let mut given = Config::new();
        for arg in args {
            if arg.kind() != ValueKind::Map {
                return Err(refuse("config() takes key=value pairs"));
            }
            for key in arg.try_iter()? {
                let name = key.as_str().ok_or_else(|| refuse("config() takes key=value pairs"))?;
                let value = serde_json::to_value(arg.get_item(&key)?)
                    .map_err(|_| refuse(format!("config({name}=...) is not a plain value")))?;
                given.insert(name.to_owned(), value);
            }
        }
        let mut record = self.0.lock();
        record.config = merge(&record.config, &given);
        Ok(Value::from(""))
    }

    fn call_method(self: &Arc<Self>, _: &mut State<'_, '_>, method: &str, args: &[Value]) -> Result<Value, Error> {
        let (key, default, kwargs): (&str, Option<Value>, Kwargs) = minijinja::value::from_args(args)?;
        let default = default.or(kwargs.get("default").ok());
        kwargs.assert_all_used()?;
        let record = self.0.lock();
        let value = record.config.get(key).or_else(|| self.0.scope.config.get(key)).map(|v| Value::from(Serde(v)));
        match method {
            "get" => Ok(value.or(default).unwrap_or(Value::from(()))),
            "require" => value.ok_or_else(|| refuse(format!("config key \"{key}\" is required and not set"))),
            _ => Err(Error::new(ErrorKind::UnknownMethod, format!("config has no method {method}"))),
        }
    }
}

/// `exceptions.raise_compiler_error(text)`, for macros that check their arguments.
#[derive(Debug)]
struct Exceptions;

impl Object for Exceptions {
    fn call_method(self: &Arc<Self>, _: &mut State<'_, '_>, method: &str, args: &[Value]) -> Result<Value, Error> {
        let (text,): (&str,) = minijinja::value::from_args(args)?;
        match method {
            "raise_compiler_error" => Err(refuse(text.to_owned())),
            "warn" => Ok(Value::from("")),
            _ => Err(Error::new(ErrorKind::UnknownMethod, format!("exceptions has no method {method}"))),
        }
    }
}
