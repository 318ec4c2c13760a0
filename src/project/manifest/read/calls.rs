//! Which macros a macro calls, as far as its text tells: nothing is rendered for it.

use crate::project::jinja::{TokenKind, scan};
use crate::project::manifest::world::{BUILTIN_PACKAGE, World};

/// Macros of dbt that are functions here; other tools know them by these names.
const FUNCTIONS: [&str; 4] = ["is_incremental", "noop_statement", "run_query", "statement"];

/// What versions of a dispatched macro begin with, the special before the general.
const PREFIXES: [&str; 2] = ["postgres", "default"];

/// Ids of the macros that `text`, a macro of `package`, calls, in order of first mention; itself left out.
pub fn called(world: &World, package: &str, name: &str, text: &str) -> Vec<String> {
    // A text that cannot be cut is told where it is compiled.
    let Ok(scan) = scan(text) else { return Vec::new() };
    let word = |at: usize| scan.tokens.get(at).map_or("", |token| &text[token.range.clone()]);
    let mut found: Vec<String> = Vec::new();
    for (at, token) in scan.tokens.iter().enumerate() {
        if token.kind != TokenKind::Name || word(at + 1) != "(" {
            continue;
        }
        let before = at.checked_sub(1).map_or("", word);
        let id = match before {
            "|" | "is" | "not" => None,
            "." => match at.checked_sub(2).map_or("", word) {
                "adapter" if word(at) == "dispatch" => {
                    let mut literals = (at + 2..).map_while(|next| (word(next) != ")").then(|| word(next)));
                    let mut next = || literals.find_map(unquoted);
                    let dispatched = next();
                    let namespace = next();
                    dispatched.and_then(|dispatched| version_of(world, dispatched, namespace))
                }
                owner => world
                    .library
                    .macro_named(owner, word(at))
                    .map(|_| format!("macro.{owner}.{}", word(at)))
                    .or_else(|| function_id(word(at)).filter(|_| owner == BUILTIN_PACKAGE)),
            },
            _ if word(at) == name => None,
            _ => match world.home_of(package, word(at)) {
                Some(home) => Some(format!("macro.{home}.{}", word(at))),
                None => function_id(word(at)),
            },
        };
        found.extend(id.filter(|id| !found.contains(id)));
    }
    found
}

fn function_id(name: &str) -> Option<String> {
    FUNCTIONS.contains(&name).then(|| format!("macro.{BUILTIN_PACKAGE}.{name}"))
}

/// The text of a literal.
fn unquoted(token: &str) -> Option<&str> {
    let quote = token.chars().next().filter(|first| matches!(first, '\'' | '"'))?;
    token.strip_prefix(quote)?.strip_suffix(quote)
}

/// What `adapter.dispatch(name, namespace)` finds.
fn version_of(world: &World, name: &str, namespace: Option<&str>) -> Option<String> {
    let packages = namespace.map(|namespace| world.search_order(namespace)).unwrap_or_default();
    let versions = || PREFIXES.iter().map(|prefix| format!("{prefix}__{name}"));
    if packages.is_empty() {
        let found = |version: String| Some(format!("macro.{}.{version}", world.home_of(&world.root, &version)?));
        return versions().find_map(found);
    }
    packages.iter().find_map(|package| {
        let is_there = |version: &String| world.library.macro_named(package, version).is_some();
        versions().find(is_there).map(|version| format!("macro.{package}.{version}"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::project::jinja::{Library, Options, split};
    use std::sync::Arc;

    #[test]
    fn calls_are_found_by_package_by_dispatch_and_by_nearness() {
        let mut library = Library::new(Options::default());
        let text: Arc<str> = Arc::from(
            "{% macro a() %}{% endmacro %}{% macro default__b() %}{% endmacro %}{% macro postgres__b() %}{% endmacro %}",
        );
        for package in ["shop", "lib", "dbt"] {
            for block in split(&text).expect("blocks").blocks {
                library.add_macro(package, "m.sql", &text, &block).expect("a macro");
            }
        }
        let world = World {
            root: "shop".into(),
            packages: ["shop".to_owned(), "lib".to_owned()].into(),
            ..World::bare(Arc::new(library))
        };
        let called = |text: &str| called(&world, "shop", "me", text);
        assert_eq!(called("{{ a() }}{{ lib.a(a()) }}{{ me() }}"), ["macro.shop.a", "macro.lib.a"]);
        assert_eq!(called("{{ adapter.dispatch('b', 'lib')(1) }}"), ["macro.shop.postgres__b"]);
        assert_eq!(called("{% if is_incremental() %}{{ x | a() }}{% endif %} a()"), ["macro.dbt.is_incremental"]);
        assert!(called("{{ 'a()' }}{# a() #}").is_empty());
    }
}
