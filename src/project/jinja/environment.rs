//! The engine's settings: Python's way of printing, its methods, filters, tests and functions.

use super::library::{Options, Undefined};
use super::values::display;
use super::{filters, functions, literals, operators, python, tests_of_values};
use minijinja::syntax::SyntaxConfig;
use minijinja::{AutoEscape, Environment, UndefinedBehavior};

/// Nesting of the engine's own blocks and inline macros; ours have a limit of their own.
const DEEPEST_BLOCKS: usize = 200;

/// An engine without templates.
pub(super) fn new(options: Options) -> Environment<'static> {
    let mut env = Environment::new();
    env.set_undefined_behavior(match options.undefined {
        Undefined::Lenient => UndefinedBehavior::Chainable,
        Undefined::Strict => UndefinedBehavior::Strict,
    });
    env.set_auto_escape_callback(|_| AutoEscape::None);
    // The one line end that Jinja2 drops is dropped before; the bodies of call blocks keep theirs.
    if let Ok(syntax) = SyntaxConfig::builder().keep_trailing_newline(true).build() {
        env.set_syntax(syntax);
    }
    env.set_recursion_limit(DEEPEST_BLOCKS);
    env.set_fuel(Some(options.limits.steps));
    // The debug mode would copy the template into every error, and `return()` is one.
    env.set_debug(false);
    env.set_unknown_method_callback(python::method);
    env.set_formatter(|out, state, value| {
        let rendering = super::rendering::Rendering::of(state)?;
        rendering.keep_native(value);
        match value.as_str() {
            Some(text) => {
                rendering.spend(text.len())?;
                out.write_str(text)?;
            }
            None => {
                let text = display(value);
                rendering.spend(text.len())?;
                out.write_str(&text)?;
            }
        }
        Ok(())
    });
    operators::install(&mut env);
    filters::install(&mut env);
    literals::install(&mut env);
    tests_of_values::install(&mut env);
    functions::install(&mut env);
    env
}
