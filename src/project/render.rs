//! The Jinja engine: macros compiled once, each rendering in a clone with its own frame, errors told with line and caret.

use super::SourceFile;
use super::excerpt;
use super::frame::{self, Frame, GLOBALS, MOST_STEPS, Record, Scope};
use super::macros::{self, GlobalMacro, Macro};
use super::name::{did_you_mean, quote_identifier, quote_literal};
use crate::error::{Error, Result};
use minijinja::value::ValueKind;
use minijinja::{AutoEscape, Environment, ErrorKind, UndefinedBehavior, Value};
use std::collections::BTreeMap;
use std::io;

/// Largest rendered text, in bytes.
const LARGEST_TEXT: usize = 1 << 20;

/// Macros of a project, ready to be called from any template.
#[derive(Clone, Debug)]
pub(crate) struct Engine {
    env: Environment<'static>,
    /// Texts of the macro files by path, for excerpts and fingerprints.
    files: BTreeMap<String, String>,
    names: Vec<String>,
}

impl Default for Engine {
    fn default() -> Self {
        let mut env = Environment::new();
        env.set_undefined_behavior(UndefinedBehavior::Strict);
        env.set_auto_escape_callback(|_| AutoEscape::None);
        env.set_unknown_method_callback(minijinja_contrib::pycompat::unknown_method_callback);
        env.add_filter("literal", literal);
        env.add_filter("identifier", |name: &str| quote_identifier(name));
        // Only in debug mode do errors carry the range and the name that our excerpts show.
        env.set_debug(true);
        env.set_fuel(Some(MOST_STEPS));
        Engine { env, files: BTreeMap::new(), names: Vec::new() }
    }
}

impl Engine {
    /// Compiles the macros of these files; macros that cannot be understood are left out and told.
    pub(super) fn new(files: &[&SourceFile], problems: &mut Vec<Error>) -> Self {
        let mut engine = Engine::default();
        for file in files {
            engine.files.insert(file.path.clone(), file.text.clone());
        }
        let mut homes: BTreeMap<String, String> = BTreeMap::new();
        for file in files {
            let (found, stray) = macros::cut(&file.path, &file.text);
            if let Some(stray) = stray {
                problems.push(
                    Error::config(format!("macro file \"{}\" has text outside of a macro", file.path))
                        .detail(excerpt::at_range(&file.path, &file.text, stray))
                        .hint("keep only {% macro %} blocks and {# comments #} in macro files"),
                );
            }
            for found in found {
                if let Some(home) = homes.get(&found.name) {
                    problems.push(
                        Error::config(format!("macro \"{}\" is there twice", found.name))
                            .detail(format!("It stands in {home} and in {}.", file.path))
                            .hint("rename one of them"),
                    );
                } else if GLOBALS.contains(&found.name.as_str()) {
                    problems.push(
                        Error::config(format!("macro \"{}\" has the name of a built-in function", found.name))
                            .detail(excerpt::at_word(&file.path, &file.text, &found.name))
                            .hint("rename it"),
                    );
                } else {
                    homes.insert(found.name.clone(), file.path.clone());
                    engine.add(found, problems);
                }
            }
        }
        engine
    }

    fn add(&mut self, found: Macro, problems: &mut Vec<Error>) {
        if let Err(error) = self.env.add_template_owned(found.template.clone(), found.text) {
            problems.push(self.explain(&format!("macro \"{}\"", found.name), &error, "", ""));
            return;
        }
        self.names.push(found.name.clone());
        let global = GlobalMacro { name: found.name.clone(), inner: found.inner, template: found.template };
        self.env.add_global(found.name, Value::from_object(global));
    }

    /// Texts of all macro files, in the order of their paths.
    pub(super) fn macro_texts(&self) -> impl Iterator<Item = &str> {
        self.files.values().map(String::as_str)
    }

    /// Renders `text`; `owner` (`model "x"`) and `path` are for messages. The record tells what was called, failed or not.
    pub(super) fn render(&self, owner: &str, path: &str, text: &str, scope: Scope) -> (Result<String>, Record) {
        let frame = Frame::new(scope);
        let mut env = self.env.clone();
        frame::install(&mut env, &frame);
        let mut output = Capped::default();
        let rendered = env
            .template_from_named_str(path, text)
            .and_then(|template| template.render_captured_to((), &mut output).map(|_| ()));
        let result = match rendered {
            _ if output.full => Err(Error::config(format!("{owner} renders to more than 1 MiB of SQL"))
                .detail(format!("The file is {path}."))
                .hint("look for a loop that repeats too often")),
            Ok(()) => String::from_utf8(output.bytes)
                .map_err(|e| Error::config(format!("{owner} renders to no text")).source(e)),
            Err(error) => Err(self.explain(owner, &error, path, text)),
        };
        (result, frame.record())
    }

    /// Turns the engine's error into ours: path and line, excerpt with carets, nearest known name.
    fn explain(&self, owner: &str, error: &minijinja::Error, path: &str, text: &str) -> Error {
        let place = error.name().map_or(path, |name| name.split('#').next().unwrap_or(name));
        let text = self.files.get(place).map_or(text, String::as_str);
        let mut detail = match (error.range(), error.line()) {
            (Some(range), _) => excerpt::at_range(place, text, range),
            (None, Some(line)) => excerpt::at_line(place, text, line, ""),
            (None, None) => format!("The file is {place}."),
        };
        let wrong = error.range().and_then(|range| text.get(range)).unwrap_or_default();
        let wrong = wrong.split(['(', '.', '[']).next().unwrap_or_default().trim();
        let fact = match (error.kind(), error.detail()) {
            (ErrorKind::OutOfFuel, _) => format!("the template takes more than {MOST_STEPS} steps"),
            (kind @ (ErrorKind::SyntaxError | ErrorKind::UnknownFilter | ErrorKind::UnknownTest), Some(detail)) => {
                format!("{kind}: {detail}")
            }
            (_, Some(detail)) => detail.to_owned(),
            (ErrorKind::UndefinedError, None) if !wrong.is_empty() => format!("`{wrong}` is undefined"),
            (kind, None) => kind.to_string(),
        };
        detail.push_str(&format!("\n{fact}"));
        let told = Error::config(format!("{owner} cannot be rendered")).detail(detail);
        match error.kind() {
            ErrorKind::OutOfFuel => told.hint("look for a loop or a macro that repeats without end"),
            ErrorKind::UnknownFunction | ErrorKind::UndefinedError if !wrong.is_empty() => {
                let known = self.names.iter().map(String::as_str).chain(GLOBALS);
                told.hint(did_you_mean(wrong, known).unwrap_or_else(|| {
                    format!("known functions: {}, and the macros of the project", GLOBALS.join(", "))
                }))
            }
            _ => told,
        }
    }
}

/// The filter `literal`: text in quotes, numbers as they are, nothing as NULL, a list as `'a', 'b'`.
fn literal(value: &Value) -> std::result::Result<String, minijinja::Error> {
    match value.kind() {
        ValueKind::None => Ok("NULL".to_owned()),
        ValueKind::Number | ValueKind::Bool => Ok(value.to_string()),
        ValueKind::Seq => {
            let items: std::result::Result<Vec<String>, _> = value.try_iter()?.map(|item| literal(&item)).collect();
            Ok(items?.join(", "))
        }
        ValueKind::String => Ok(quote_literal(value.as_str().unwrap_or_default())),
        kind => Err(minijinja::Error::new(ErrorKind::InvalidOperation, format!("a {kind} has no SQL literal"))),
    }
}

/// A buffer that takes no more than [`LARGEST_TEXT`].
#[derive(Default)]
struct Capped {
    bytes: Vec<u8>,
    full: bool,
}

impl io::Write for Capped {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.bytes.len() + bytes.len() > LARGEST_TEXT {
            self.full = true;
            return Err(io::Error::other("the rendered text is too large"));
        }
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
