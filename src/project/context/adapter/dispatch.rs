//! `adapter.dispatch`: the version of a macro for this warehouse, from the package that comes first.

use super::super::arguments::Arguments;
use super::super::exceptions::{Raised, RaisedKind};
use super::super::fault::invalid;
use super::super::host::Host;
use minijinja::{Error, State, Value};
use std::sync::Arc;

/// What the versions of a macro begin with, the special before the general.
const PREFIXES: [&str; 2] = ["postgres", "default"];

/// `dispatch(macro_name, macro_namespace=None)` gives `postgres__x` or `default__x`, ready to be called.
pub(super) fn dispatch(host: &Arc<dyn Host>, _: &mut State<'_, '_>, args: &[Value]) -> Result<Value, Error> {
    let given = Arguments::bind("adapter.dispatch", &["macro_name", "macro_namespace", "packages"], args)?;
    let name = given.text("macro_name")?;
    if let Some((namespace, rest)) = name.split_once('.') {
        return Err(invalid(format!(
            "adapter.dispatch() takes the name of a macro without its package; \
             write adapter.dispatch('{rest}', macro_namespace='{namespace}')"
        )));
    }
    let packages = match (given.optional("macro_namespace"), given.optional("packages")) {
        (Some(namespace), _) => {
            let namespace = namespace.as_str().ok_or_else(|| {
                invalid(format!("adapter.dispatch() takes a name for \"macro_namespace\", not a {}", namespace.kind()))
            })?;
            host.search_order(namespace)
        }
        // From before dbt 1.0; packages of that age still pass the list.
        (None, Some(packages)) => packages.try_iter()?.map(|package| package.to_string()).collect(),
        (None, None) => Vec::new(),
    };
    let packages: Vec<Option<&str>> =
        if packages.is_empty() { vec![None] } else { packages.iter().map(|package| Some(package.as_str())).collect() };
    let mut searched = Vec::new();
    for package in packages {
        for prefix in PREFIXES {
            let version = format!("{prefix}__{name}");
            if let Some(found) = host.macro_named(package, &version) {
                return Ok(found);
            }
            searched.push(package.map_or_else(|| version.clone(), |package| format!("{package}.{version}")));
        }
    }
    let namespace = given.optional_text("macro_namespace");
    let within = namespace.map_or(String::new(), |namespace| format!(" of namespace \"{namespace}\""));
    let told = format!("there is no macro \"{name}\"{within} for postgres; searched for {}", searched.join(", "));
    Err(Raised::error(RaisedKind::Compiler, told))
}

#[cfg(test)]
mod tests {
    use super::super::super::fake;

    fn render(text: &str) -> String {
        fake::render(&fake::parsing(), text)
    }

    #[test]
    fn the_first_package_wins_and_in_it_the_special_version() {
        assert_eq!(render("{{ adapter.dispatch('special', 'lib')() }}"), "lib.postgres__special");
        assert_eq!(render("{{ adapter.dispatch('shadowed', macro_namespace='lib')() }}"), "root.default__shadowed");
        assert_eq!(
            render("{{ adapter.dispatch('anywhere')() }} {{ adapter.dispatch('anywhere', 'dbt')() }}"),
            "any.default__anywhere any.default__anywhere"
        );
        assert_eq!(render("{{ adapter.dispatch('special', packages=['lib'])() }}"), "lib.postgres__special");
    }

    #[test]
    fn a_missing_macro_lists_what_was_searched() {
        let told = |text: &str| fake::fault(&fake::parsing(), text);
        assert_eq!(
            told("{{ adapter.dispatch('x', 'lib')() }}"),
            "there is no macro \"x\" of namespace \"lib\" for postgres; \
             searched for root.postgres__x, root.default__x, lib.postgres__x, lib.default__x"
        );
        assert_eq!(
            told("{{ adapter.dispatch('x') }}"),
            "there is no macro \"x\" for postgres; searched for postgres__x, default__x"
        );
        assert_eq!(
            told("{{ adapter.dispatch('lib.x') }}"),
            "adapter.dispatch() takes the name of a macro without its package; write adapter.dispatch('x', macro_namespace='lib')"
        );
    }
}
