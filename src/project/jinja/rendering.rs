//! One rendering: whom names are asked of, what it has used up, and which macros it is in.

use super::fault::{Called, Stopped, limit, refuse};
use super::library::Library;
use super::template::{Body, Template};
use chrono::{DateTime, Utc};
use minijinja::value::{Enumerator, Object, ObjectRepr, Value};
use minijinja::{Error, ErrorKind, State};
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Name under which templates carry their rendering.
const RENDERING: &str = "__rendering";

/// What templates see besides their own variables. One value of it serves a model and all macros that it calls.
pub trait Globals: Send + Sync + fmt::Debug {
    /// The value of a name, `None` where there is none.
    fn lookup(&self, name: &str) -> Option<Value>;

    /// The instant that `modules.datetime.datetime.now()` and its kin give.
    fn now(&self) -> DateTime<Utc>;

    /// A macro is about to run; `is_direct` if the rendered text itself calls it, not another macro.
    fn entered(&self, package: &str, name: &str, is_direct: bool) {
        let _ = (package, name, is_direct);
    }

    /// Whether the rendering should end now; asked at each macro call and each printed value.
    fn is_interrupted(&self) -> bool {
        false
    }
}

/// Limits of one rendering. Whoever meets one gets an error, never a dead process.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Steps of the engine, over all macros.
    pub steps: u64,
    /// Largest rendered text in bytes.
    pub output_bytes: usize,
    /// Bytes of text and list items made on the way.
    pub built_bytes: u64,
    /// Deepest nesting of macro calls.
    pub depth: usize,
    /// Largest template in bytes.
    pub source_bytes: usize,
    /// Namespaces that one rendering may make; they alone can nest without any other bound.
    pub namespaces: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            steps: 2_000_000,
            output_bytes: 1 << 20,
            built_bytes: 64 << 20,
            depth: 60,
            source_bytes: 256 << 10,
            namespaces: 2_000,
        }
    }
}

/// One level of macro calls.
#[derive(Debug)]
struct Level {
    called: Option<Called>,
    /// Steps of this level that are in the total already.
    counted: u64,
}

#[derive(Debug, Default)]
struct Progress {
    levels: Vec<Level>,
    steps: u64,
    returned: Option<Value>,
    native: Option<Value>,
    /// Name and call blocks of the template that is rendered.
    root: (String, Vec<Arc<Body>>),
    /// Macros around the first error that has not been caught.
    trace: Option<Vec<Called>>,
}

/// A rendering; every template of it carries this object under a hidden name.
#[derive(Debug)]
pub struct Rendering {
    /// The macros.
    pub(super) library: Arc<Library>,
    /// Whom names are asked of.
    pub(super) globals: Arc<dyn Globals>,
    built: AtomicU64,
    namespaces: AtomicU64,
    progress: Mutex<Progress>,
}

impl Object for Rendering {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }
}

/// Thrown by `return()`, caught by the macro around it.
#[derive(Debug)]
pub(super) struct Returned;

impl fmt::Display for Returned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("return() outside of a macro")
    }
}

impl std::error::Error for Returned {}

impl Rendering {
    pub(super) fn new(library: &Arc<Library>, globals: &Arc<dyn Globals>) -> Arc<Self> {
        let progress = Progress { levels: vec![Level { called: None, counted: 0 }], ..Progress::default() };
        Arc::new(Rendering {
            library: library.clone(),
            globals: globals.clone(),
            built: AtomicU64::new(0),
            namespaces: AtomicU64::new(0),
            progress: Mutex::new(progress),
        })
    }

    /// The rendering that `state` belongs to.
    pub fn of(state: &State<'_, '_>) -> Result<Arc<Rendering>, Error> {
        let found = state.lookup(RENDERING).and_then(|value| value.downcast_object::<Rendering>());
        found.ok_or_else(|| refuse("this works only while a template is rendered"))
    }

    /// What the names are asked of.
    #[must_use]
    pub fn globals(&self) -> &Arc<dyn Globals> {
        &self.globals
    }

    /// Whether no macro is running: what is called now, the rendered text itself calls.
    #[must_use]
    pub fn is_outside_of_macros(&self) -> bool {
        self.lock().levels.iter().all(|level| level.called.is_none())
    }

    /// A panic while the lock is held leaves plain data, so a poisoned lock is as good as a clean one.
    fn lock(&self) -> MutexGuard<'_, Progress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts bytes made; every operation that can make text or lists grow asks here before it does.
    pub fn spend(&self, bytes: usize) -> Result<(), Error> {
        let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
        let most = self.library.limits.built_bytes;
        let before = self.built.load(Ordering::Relaxed);
        if bytes > most || before > most - bytes {
            return Err(limit(format!("the template builds more than {} MiB of text and lists", most >> 20)));
        }
        self.built.store(before + bytes, Ordering::Relaxed);
        self.check()
    }

    fn check(&self) -> Result<(), Error> {
        if self.globals.is_interrupted() {
            return Err(refuse("rendering was stopped").with_source(Stopped));
        }
        Ok(())
    }

    /// Counts one namespace.
    pub(super) fn spend_namespace(&self) -> Result<(), Error> {
        let most = self.library.limits.namespaces;
        if self.namespaces.fetch_add(1, Ordering::Relaxed) >= most {
            return Err(limit(format!("the template makes more than {most} namespaces")));
        }
        Ok(())
    }

    /// Adds to the total what the level of `state` has used since it was last asked.
    fn settle(&self, progress: &mut Progress, state: &State<'_, '_>) -> Result<(), Error> {
        let used = state.fuel_levels().map_or(0, |(used, _)| used);
        if let Some(level) = progress.levels.last_mut() {
            progress.steps += used.saturating_sub(level.counted);
            level.counted = used;
        }
        if progress.steps > self.library.limits.steps { Err(Error::from(ErrorKind::OutOfFuel)) } else { Ok(()) }
    }

    /// One call deeper; `called` is `None` for the body of a call block, which has no name.
    pub(super) fn enter(&self, state: Option<&State<'_, '_>>, called: Option<Called>) -> Result<(), Error> {
        self.check()?;
        let mut progress = self.lock();
        if let Some(state) = state {
            self.settle(&mut progress, state)?;
        }
        let most = self.library.limits.depth;
        if progress.levels.len() > most {
            let name = called.map_or_else(|| "caller".to_owned(), |called| called.name);
            return Err(limit(format!("calls of macros are nested deeper than {most}, at macro {name}")));
        }
        progress.levels.push(Level { called, counted: 0 });
        Ok(())
    }

    /// Back from a call that ended well.
    pub(super) fn leave(&self, state: &State<'_, '_>) -> Result<(), Error> {
        let mut progress = self.lock();
        let settled = self.settle(&mut progress, state);
        progress.levels.pop();
        settled
    }

    /// Back from a call that ended with an error; remembers the macros around it.
    pub(super) fn fail(&self) {
        let mut progress = self.lock();
        if progress.trace.is_none() {
            progress.trace = Some(progress.levels.iter().rev().filter_map(|level| level.called.clone()).collect());
        }
        progress.levels.pop();
    }

    /// Ends the innermost macro with a value.
    pub(super) fn give_back(&self, state: &State<'_, '_>, value: Value) -> Error {
        let mut progress = self.lock();
        if let Err(error) = self.settle(&mut progress, state) {
            return error;
        }
        progress.returned = Some(value);
        refuse(Returned.to_string()).with_source(Returned)
    }

    /// The value of `return()`, if that is what the error stands for; the level is left then.
    pub(super) fn returned(&self, error: Error) -> Result<Value, Error> {
        if std::error::Error::source(&error).is_some_and(<dyn std::error::Error>::is::<Returned>) {
            let mut progress = self.lock();
            if let Some(value) = progress.returned.take() {
                progress.trace = None;
                progress.levels.pop();
                return Ok(value);
            }
        }
        Err(error)
    }

    /// The macros around the error that ended the rendering, innermost first.
    pub(super) fn trace(&self) -> Vec<Called> {
        self.lock().trace.take().unwrap_or_default()
    }

    /// Remembers the template that is rendered.
    pub(super) fn begin(&self, template: &Template) {
        self.lock().root = (template.source.name.clone(), template.bodies.clone());
    }

    /// Call block `number` of the template that the engine knows as `name`.
    pub(super) fn body(&self, name: &str, number: usize) -> Option<Arc<Body>> {
        let mut steps = name.split("#call");
        let base = steps.next()?;
        let root = &self.lock().root;
        let mut bodies = if root.0 == base { &root.1 } else { &self.library.macro_template(base)?.bodies };
        for step in steps {
            bodies = &bodies.get(step.parse::<usize>().ok()?)?.template.bodies;
        }
        bodies.get(number).cloned()
    }

    /// Keeps the value of a print, for native rendering.
    pub(super) fn keep_native(&self, value: &Value) {
        self.lock().native = Some(value.clone());
    }

    /// The value that was kept.
    pub(super) fn native(&self) -> Option<Value> {
        self.lock().native.take()
    }
}

/// The root context of a template: arguments of its macro, then the globals of the rendering.
#[derive(Debug)]
pub(super) struct Scope {
    locals: Vec<(String, Value)>,
    rendering: Arc<Rendering>,
}

impl Scope {
    pub fn value(rendering: &Arc<Rendering>, locals: Vec<(String, Value)>) -> Value {
        Value::from_object(Scope { locals, rendering: rendering.clone() })
    }
}

impl Object for Scope {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        self.get_value_by_str(key.as_str()?)
    }

    fn get_value_by_str(self: &Arc<Self>, key: &str) -> Option<Value> {
        if key == RENDERING {
            return Some(Value::from_dyn_object(self.rendering.clone()));
        }
        match self.locals.iter().find(|(name, _)| name == key) {
            Some((_, value)) => Some(value.clone()),
            None => self.rendering.globals.lookup(key),
        }
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::Values(self.locals.iter().map(|(name, _)| Value::from(name.as_str())).collect())
    }
}
