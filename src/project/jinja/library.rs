//! The macros of a project, and the rendering of templates that call them.

use super::blocks::Block;
use super::callable::{Capped, MacroValue};
use super::environment;
use super::fault::{Called, Fault, FaultKind};
use super::rendering::{Globals, Limits, Rendering, Returned, Scope};
use super::signature::Parameter;
use super::source::Source;
use super::template::Template;
use minijinja::value::{Kwargs, Value};
use minijinja::{Environment, Error};
use std::collections::{BTreeMap, HashMap};
use std::ops::Range;
use std::sync::{Arc, PoisonError, RwLock};

/// What happens to names that nobody knows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Undefined {
    /// As in dbt: they print nothing, their attributes are undefined too; only calling them is an error.
    #[default]
    Lenient,
    /// Any use is an error.
    Strict,
}

/// How a library renders.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    /// What happens to unknown names.
    pub undefined: Undefined,
    /// Limits of one rendering.
    pub limits: Limits,
}

/// One macro.
#[derive(Debug)]
pub struct Macro {
    /// Package that it belongs to.
    pub package: String,
    /// Its name.
    pub name: String,
    /// Its file.
    pub path: String,
    /// Line of its opening tag, from 1.
    pub line: usize,
    /// Its parameters.
    pub parameters: Vec<Parameter>,
    /// Where it stands in the text of its file.
    pub range: Range<usize>,
    pub(super) takes_varargs: bool,
    pub(super) takes_kwargs: bool,
    pub(super) template: Template,
}

impl Macro {
    /// Its text, tags included.
    #[must_use]
    pub fn text(&self) -> &str {
        self.template.source.text.get(self.range.clone()).unwrap_or_default()
    }
}

/// The engine's texts of macros by its names for them.
type Texts = Arc<RwLock<HashMap<String, String>>>;

/// All macros; shared by all renderings, changed by none.
#[derive(Debug)]
pub struct Library {
    pub(super) engine: Environment<'static>,
    pub(super) limits: Limits,
    /// What the engine compiles when it is first called: most macros of a package never are, and the code of one takes
    /// many times the room of its text.
    texts: Texts,
    /// By the engine's name for them, `package.name`.
    macros: BTreeMap<String, (Arc<Macro>, Value)>,
}

impl Library {
    /// A library without macros.
    #[must_use]
    pub fn new(options: Options) -> Library {
        let texts = Texts::default();
        let mut engine = environment::new(options);
        let known = texts.clone();
        engine.set_loader(move |name| Ok(known.read().unwrap_or_else(PoisonError::into_inner).get(name).cloned()));
        Library { engine, limits: options.limits, texts, macros: BTreeMap::new() }
    }

    /// Adds a macro that [`super::split`] found in the file's `text`; a macro of the same name is replaced.
    pub fn add_macro(&mut self, package: &str, path: &str, text: &Arc<str>, block: &Block) -> Result<(), Fault> {
        self.add(package, path, text, block, true)
    }

    /// As [`Library::add_macro`] for a macro that comes with the program: it is well-formed, so that the engine need not
    /// look at it before it is called.
    pub fn add_own_macro(&mut self, package: &str, path: &str, text: &Arc<str>, block: &Block) -> Result<(), Fault> {
        self.add(package, path, text, block, false)
    }

    fn add(
        &mut self,
        package: &str,
        path: &str,
        text: &Arc<str>,
        block: &Block,
        is_checked: bool,
    ) -> Result<(), Fault> {
        self.check_size(path, text)?;
        let key = format!("{package}.{}", block.name);
        let definition = Template::of_macro(&key, path, text, block.whole.clone())?;
        self.add_text(&definition.template, is_checked)?;
        let found = Arc::new(Macro {
            package: package.to_owned(),
            name: block.name.clone(),
            path: path.to_owned(),
            line: block.start_line,
            parameters: definition.parameters,
            range: block.whole.clone(),
            takes_varargs: definition.takes_varargs,
            takes_kwargs: definition.takes_kwargs,
            template: definition.template,
        });
        let value = Value::from_object(MacroValue(found.clone()));
        self.macros.insert(key, (found, value));
        Ok(())
    }

    /// Leaves the text of a template and of its call blocks to the engine.
    fn add_text(&mut self, template: &Template, is_checked: bool) -> Result<(), Fault> {
        let source = &template.source;
        if is_checked && let Err(error) = self.engine.template_from_named_str(&source.name, &source.rewritten) {
            return Err(Fault::of_engine(error, source, Vec::new()));
        }
        // One that was called already would live on under its name.
        self.engine.remove_template(&source.name);
        let mut texts = self.texts.write().unwrap_or_else(PoisonError::into_inner);
        texts.insert(source.name.clone(), source.rewritten.clone());
        drop(texts);
        template.bodies.iter().try_for_each(|body| self.add_text(&body.template, is_checked))
    }

    /// Prepares a text for rendering, and tells what is wrong with its syntax.
    pub fn compile(&self, name: &str, path: &str, text: &str) -> Result<Template, Fault> {
        let template = self.prepare(name, path, text)?;
        let source = &template.source;
        match self.engine.template_from_named_str(&source.name, &source.rewritten) {
            Ok(_) => Ok(template),
            Err(error) => Err(Fault::of_engine(error, source, Vec::new())),
        }
    }

    fn prepare(&self, name: &str, path: &str, text: &str) -> Result<Template, Fault> {
        self.check_size(path, text)?;
        // A name of its own, so that no template can be taken for a macro.
        Template::new(&format!("template {name}"), path, text)
    }

    fn check_size(&self, path: &str, text: &str) -> Result<(), Fault> {
        let most = self.limits.source_bytes;
        if text.len() <= most {
            return Ok(());
        }
        Err(Fault {
            kind: FaultKind::Limit,
            message: format!("the file is larger than {} KiB", most >> 10),
            path: Arc::from(path),
            text: Arc::from(""),
            range: None,
            calls: Vec::new(),
            cause: None,
        })
    }

    /// Renders a text once.
    pub fn render_text(self: &Arc<Self>, path: &str, text: &str, globals: &Arc<dyn Globals>) -> Result<String, Fault> {
        self.render(&self.prepare(path, path, text)?, globals)
    }

    /// Renders a template.
    pub fn render(self: &Arc<Self>, template: &Template, globals: &Arc<dyn Globals>) -> Result<String, Fault> {
        if template.is_plain {
            return Ok(template.source.rewritten.clone());
        }
        let rendering = Rendering::new(self, globals);
        self.run(template, &rendering).map_err(|error| self.fault(error, Some(template), &rendering))
    }

    /// Renders as dbt does values in YAML: a text that is one `{{ ... }}` gives the value, any other gives text.
    pub fn evaluate(self: &Arc<Self>, path: &str, text: &str, globals: &Arc<dyn Globals>) -> Result<Value, Fault> {
        let template = self.prepare(path, path, text)?;
        let rendering = Rendering::new(self, globals);
        let rendered =
            self.run(&template, &rendering).map_err(|error| self.fault(error, Some(&template), &rendering))?;
        let native = rendering.native().filter(|_| template.is_one_print);
        match native {
            Some(value) => super::native::resolve(&value).map_err(|e| self.fault(e, Some(&template), &rendering)),
            None => Ok(Value::from(rendered)),
        }
    }

    /// Calls a macro from outside of any template.
    pub fn call(
        self: &Arc<Self>,
        package: &str,
        name: &str,
        args: &[Value],
        kwargs: &[(&str, Value)],
        globals: &Arc<dyn Globals>,
    ) -> Result<Value, Fault> {
        let rendering = Rendering::new(self, globals);
        let key = format!("{package}.{name}");
        let Some((found, _)) = self.macros.get(&key) else {
            return Err(Fault {
                kind: FaultKind::Undefined,
                message: format!("macro '{name}' is not in package '{package}'"),
                path: Arc::from(""),
                text: Arc::from(""),
                range: None,
                calls: Vec::new(),
                cause: None,
            });
        };
        let mut all = args.to_vec();
        if !kwargs.is_empty() {
            let named: Kwargs = kwargs.iter().map(|(name, value)| (*name, value.clone())).collect();
            all.push(Value::from(named));
        }
        let value = MacroValue(found.clone()).expand(&rendering, None, &all);
        value.map_err(|error| self.fault(error, Some(&found.template), &rendering))
    }

    /// A macro as a value that templates can call.
    #[must_use]
    pub fn macro_value(&self, package: &str, name: &str) -> Option<Value> {
        self.macros.get(&format!("{package}.{name}")).map(|(_, value)| value.clone())
    }

    /// A macro by package and name.
    #[must_use]
    pub fn macro_named(&self, package: &str, name: &str) -> Option<&Arc<Macro>> {
        self.macros.get(&format!("{package}.{name}")).map(|(found, _)| found)
    }

    /// All macros, by package and name.
    pub fn macros(&self) -> impl Iterator<Item = &Arc<Macro>> {
        self.macros.values().map(|(found, _)| found)
    }

    fn run(self: &Arc<Self>, template: &Template, rendering: &Arc<Rendering>) -> Result<String, Error> {
        let source = &template.source;
        rendering.begin(template);
        let mut output = Capped::new(self.limits.output_bytes);
        let rendered = self.engine.template_from_named_str(&source.name, &source.rewritten).and_then(|compiled| {
            compiled.render_captured_to(Scope::value(rendering, Vec::new()), &mut output).map(|_| ())
        });
        match rendered {
            _ if output.is_full => Err(output.error()),
            Ok(()) => Ok(output.into_text()),
            Err(error) => Err(error),
        }
    }

    /// Tells an error of the engine where people can find it; `template` is what was rendered.
    fn fault(&self, error: Error, template: Option<&Template>, rendering: &Rendering) -> Fault {
        let name = error.name().unwrap_or_default().to_owned();
        let calls: Vec<Called> = rendering.trace();
        let own = template.and_then(|template| template.find(&name));
        let source = own.or_else(|| self.source(&name)).or_else(|| template.map(|template| &template.source));
        match source {
            Some(source) => {
                let returned = std::error::Error::source(&error).is_some_and(<dyn std::error::Error>::is::<Returned>);
                let calls = if returned { Vec::new() } else { calls };
                Fault::of_engine(error, source, calls)
            }
            None => Fault {
                kind: FaultKind::Failed,
                message: error.to_string(),
                path: Arc::from(""),
                text: Arc::from(""),
                range: None,
                calls,
                cause: Some(error),
            },
        }
    }

    /// The source of a macro, or of a call block in one.
    fn source(&self, name: &str) -> Option<&Source> {
        let key = name.split_once("#call").map_or(name, |(key, _)| key);
        self.macros.get(key)?.0.template.find(name)
    }

    /// The template of a macro by the engine's name for it.
    pub(super) fn macro_template(&self, key: &str) -> Option<&Template> {
        Some(&self.macros.get(key)?.0.template)
    }
}
