//! `flags`: what the command line asked for, in dbt's upper-case names.

use super::containers::{dict, or_none};
use minijinja::Value;
use minijinja::value::{Enumerator, Object};
use std::sync::Arc;

/// Options of the invocation that templates may read.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Flags {
    /// The command: `run`, `build`, `test`, `compile`.
    pub which: String,
    /// `--full-refresh`
    pub full_refresh: bool,
    /// `--empty`
    pub empty: bool,
    /// `--store-failures`
    pub store_failures: bool,
    /// `--fail-fast`
    pub fail_fast: bool,
    /// `--warn-error`
    pub warn_error: bool,
    /// `--quiet`
    pub quiet: bool,
    /// `--debug`
    pub debug: bool,
    /// `--log-format`: `text` or `json`.
    pub log_format: String,
    /// `--target`, where given.
    pub target: Option<String>,
    /// `--threads`, where given.
    pub threads: Option<usize>,
    /// `--defer`
    pub defer: bool,
    /// `--no-introspect`
    pub no_introspect: bool,
    /// `--vars`, as the template sees them.
    pub vars: Vec<(String, Value)>,
}

/// Names in the order in which they are listed.
const NAMES: &[&str] = &[
    "WHICH",
    "FULL_REFRESH",
    "EMPTY",
    "STORE_FAILURES",
    "FAIL_FAST",
    "WARN_ERROR",
    "QUIET",
    "DEBUG",
    "LOG_FORMAT",
    "TARGET",
    "THREADS",
    "DEFER",
    "INTROSPECT",
    "VARS",
    "USE_COLORS",
    "PRINT",
    "CACHE_SELECTED_ONLY",
    "REQUIRE_SQL_HEADER_IN_TEST_CONFIGS",
];

impl Flags {
    /// `flags` for templates.
    #[must_use]
    pub fn value(&self) -> Value {
        Value::from_object(Names(self.clone()))
    }

    /// `invocation_args_dict`: the same by the lower-case names of the command line.
    #[must_use]
    pub fn arguments(&self) -> Value {
        dict(NAMES.iter().filter_map(|name| Some((name.to_lowercase(), self.lookup(name)?))))
    }

    fn lookup(&self, name: &str) -> Option<Value> {
        Some(match name {
            "WHICH" => Value::from(self.which.as_str()),
            "FULL_REFRESH" => self.full_refresh.into(),
            "EMPTY" => self.empty.into(),
            "STORE_FAILURES" => self.store_failures.into(),
            "FAIL_FAST" => self.fail_fast.into(),
            "WARN_ERROR" => self.warn_error.into(),
            "QUIET" => self.quiet.into(),
            "DEBUG" => self.debug.into(),
            "LOG_FORMAT" => Value::from(self.log_format.as_str()),
            "TARGET" => or_none(self.target.as_deref()),
            "THREADS" => or_none(self.threads),
            "DEFER" => self.defer.into(),
            "INTROSPECT" => (!self.no_introspect).into(),
            "VARS" => dict(self.vars.iter().map(|(name, value)| (name.as_str(), value.clone()))),
            // What is not an option here has the value that dbt gives it when nobody asks.
            "PRINT" => true.into(),
            "USE_COLORS" | "CACHE_SELECTED_ONLY" | "REQUIRE_SQL_HEADER_IN_TEST_CONFIGS" => false.into(),
            _ => return None,
        })
    }
}

#[derive(Debug)]
struct Names(Flags);

impl Object for Names {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        self.0.lookup(key.as_str()?)
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::Str(NAMES)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use minijinja::{Environment, context};

    #[test]
    fn names_are_upper_case_and_unknown_ones_are_undefined() {
        let flags = Flags { which: "build".into(), full_refresh: true, ..Flags::default() };
        let text = "{{ flags.WHICH }} {{ flags.FULL_REFRESH }} {{ flags.EMPTY }} {{ flags.TARGET is none }} \
                    {{ flags.full_refresh is defined }} {{ args.which }} {{ args['full_refresh'] }}";
        let context = context! { flags => flags.value(), args => flags.arguments() };
        let rendered = Environment::new().render_str(text, context).expect("rendered");
        assert_eq!(rendered, "build True False True False build True");
    }

    #[test]
    fn every_listed_name_has_a_value() {
        let flags = Flags::default();
        assert!(NAMES.iter().all(|name| flags.lookup(name).is_some()));
    }
}
