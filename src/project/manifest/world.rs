//! What all renderings of one invocation share: the macros, the target, the variables, the flags.

use crate::error::Error;
use crate::project::context::{Flags, Policy, Target};
use crate::project::jinja::{Fault, Library};
use chrono::{DateTime, Utc};
use minijinja::value::Object;
use minijinja::{State, Value};
use serde_json::{Map, Value as Json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Package of the macros that come with the program.
pub const BUILTIN_PACKAGE: &str = "dbt";

/// Values of `var()`: of the command line, of the root project, of each package.
#[derive(Clone, Debug, Default)]
pub struct Vars {
    /// `--vars`; they win.
    pub given: BTreeMap<String, Json>,
    /// `vars:` of each package's `dbt_project.yml`.
    pub packages: BTreeMap<String, Map<String, Json>>,
}

impl Vars {
    /// The value for a node of `package`: command line, then the root project's section for the package, then the root
    /// project's global ones, then the package's own.
    pub fn find(&self, root: &str, package: &str, name: &str) -> Option<&Json> {
        let of = |owner: &str| self.packages.get(owner);
        let sections = of(root).and_then(|vars| vars.get(package)).and_then(Json::as_object);
        let own = of(package).filter(|_| package != root);
        let own_section = own.and_then(|vars| vars.get(package)).and_then(Json::as_object);
        self.given
            .get(name)
            .or_else(|| sections.and_then(|vars| vars.get(name)))
            .or_else(|| of(root).and_then(|vars| vars.get(name)))
            .or_else(|| own_section.and_then(|vars| vars.get(name)))
            .or_else(|| own.and_then(|vars| vars.get(name)))
    }

    /// All names, for hints.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.given
            .keys()
            .map(String::as_str)
            .chain(self.packages.values().flat_map(|vars| vars.keys().map(String::as_str)))
    }
}

/// Tells the time. The project knows no clock of its own: whoever reads it brings one.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> DateTime<Utc> + Send + Sync>);

impl Clock {
    /// A clock that asks this function.
    pub fn new(now: impl Fn() -> DateTime<Utc> + Send + Sync + 'static) -> Clock {
        Clock(Arc::new(now))
    }

    /// The instant.
    #[must_use]
    pub fn now(&self) -> DateTime<Utc> {
        (self.0)()
    }
}

impl Default for Clock {
    fn default() -> Self {
        Clock::new(|| DateTime::UNIX_EPOCH)
    }
}

impl std::fmt::Debug for Clock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Clock")
    }
}

/// What all renderings of one invocation share.
#[derive(Clone, Debug)]
pub struct World {
    /// Every macro of every package, compiled.
    pub library: Arc<Library>,
    /// Name of the root package.
    pub root: String,
    /// `dispatch:` of the root project: packages to look into, by namespace.
    pub dispatch: BTreeMap<String, Vec<String>>,
    /// Variables.
    pub vars: Vars,
    /// Environment variables that templates may read.
    pub env: BTreeMap<String, String>,
    /// Target.
    pub target: Target,
    /// Flags.
    pub flags: Flags,
    /// When the invocation began.
    pub started_at: DateTime<Utc>,
    /// What `modules.datetime` takes for now.
    pub clock: Clock,
    /// Tells this invocation from all others.
    pub invocation_id: String,
    /// Names of all packages that are there.
    pub packages: BTreeSet<String>,
    /// `quoting:` of the root project.
    pub quoting: Policy,
    /// Quintile's own constants, `as_of` and `run_id`, where the project is its own.
    pub constants: BTreeMap<String, String>,
}

impl World {
    /// A world of these macros in which nothing else is known.
    #[must_use]
    pub fn bare(library: Arc<Library>) -> World {
        World {
            library,
            root: String::new(),
            dispatch: BTreeMap::new(),
            vars: Vars::default(),
            env: BTreeMap::new(),
            target: Target::default(),
            flags: Flags::default(),
            started_at: DateTime::UNIX_EPOCH,
            clock: Clock::default(),
            invocation_id: String::new(),
            packages: BTreeSet::new(),
            quoting: Policy::default(),
            constants: BTreeMap::new(),
        }
    }

    /// Whether the project is Quintile's own: one package, its configuration known before anything is rendered, and
    /// nothing of the environment in its SQL.
    pub fn is_own(&self) -> bool {
        !self.constants.is_empty()
    }

    /// The macro that an unqualified name in a node of `package` means: the package's own, then the root project's.
    pub fn project_macro(&self, package: &str, name: &str) -> Option<Value> {
        self.library.macro_value(package, name).or_else(|| self.library.macro_value(&self.root, name))
    }

    /// The package whose macro an unqualified name in a node of `package` means, those of the program included.
    pub fn home_of(&self, package: &str, name: &str) -> Option<String> {
        let homes = [package, self.root.as_str(), BUILTIN_PACKAGE];
        homes.into_iter().find(|home| self.library.macro_named(home, name).is_some()).map(str::to_owned)
    }

    /// Packages in which `adapter.dispatch(..., namespace)` looks, in order; see [`crate::project::context::Host`].
    pub fn search_order(&self, namespace: &str) -> Vec<String> {
        match self.dispatch.get(namespace) {
            Some(order) => order.clone(),
            None if namespace == self.root => vec![self.root.clone()],
            None if self.packages.contains(namespace) => vec![self.root.clone(), namespace.to_owned()],
            None => Vec::new(),
        }
    }

    /// The error of a rendering, with the nearest known name.
    pub fn told(&self, owner: &str, fault: Fault) -> Error {
        let macros: Vec<&str> = self.library.macros().map(|known| known.name.as_str()).collect();
        fault.into_error(owner, super::functions::NAMES.iter().copied().chain(macros))
    }
}

/// The macros of one package, as `package.macro(...)` reaches them.
#[derive(Debug)]
struct PackageMacros {
    library: Arc<Library>,
    name: String,
}

impl Object for PackageMacros {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        self.library.macro_value(&self.name, key.as_str()?)
    }

    fn call_method(
        self: &Arc<Self>,
        state: &mut State<'_, '_>,
        method: &str,
        args: &[Value],
    ) -> Result<Value, minijinja::Error> {
        match self.library.macro_value(&self.name, method) {
            Some(found) => found.call(state, args),
            None => Err(super::fault::refuse(format!(
                "package \"{}\" has no macro \"{method}\"{}",
                self.name,
                self.hint(method)
            ))),
        }
    }
}

impl PackageMacros {
    fn hint(&self, name: &str) -> String {
        let own = self.library.macros().filter(|known| known.package == self.name).map(|known| known.name.as_str());
        crate::project::name::did_you_mean(name, own).map(|hint| format!("; {hint}")).unwrap_or_default()
    }
}

impl World {
    /// The macros of a package, by its name.
    pub fn package_macros(&self, name: &str) -> Option<Value> {
        let is_there = name == BUILTIN_PACKAGE || self.packages.contains(name);
        is_there.then(|| Value::from_object(PackageMacros { library: self.library.clone(), name: name.to_owned() }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn object(value: &Json) -> Map<String, Json> {
        value.as_object().cloned().unwrap_or_default()
    }

    #[test]
    fn the_nearest_value_of_a_variable_wins() {
        let mut vars = Vars::default();
        vars.packages.insert("shop".into(), object(&json!({"a": "root", "b": "root", "lib": {"a": "root for lib"}})));
        vars.packages.insert("lib".into(), object(&json!({"a": "lib", "b": "lib", "c": "lib", "lib": {"d": "own"}})));
        let find = |package: &str, name: &str| vars.find("shop", package, name).and_then(Json::as_str);
        assert_eq!(find("lib", "a"), Some("root for lib"));
        assert_eq!(find("lib", "b"), Some("root"));
        assert_eq!(find("lib", "c"), Some("lib"));
        assert_eq!(find("lib", "d"), Some("own"));
        assert_eq!(find("shop", "a"), Some("root"));
        assert_eq!(find("shop", "c"), None);
        let mut given = vars.clone();
        given.given.insert("a".into(), json!("given"));
        assert_eq!(given.find("shop", "lib", "a").and_then(Json::as_str), Some("given"));
    }
}
