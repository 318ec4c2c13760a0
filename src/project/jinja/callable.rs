//! What templates call: macros of the library, and the bodies of call blocks.
//!
//! Both run as templates of their own, so that a macro sees the globals and not the variables of whoever calls it.

use super::fault::{Called, refuse};
use super::library::Macro;
use super::rendering::{Rendering, Scope};
use super::signature::Parameter;
use super::template::{Body, Template};
use super::values::Dict;
use minijinja::value::{Enumerator, Kwargs, Object, ObjectRepr, Tuple, Value};
use minijinja::{Error, State};
use std::fmt;
use std::io;
use std::sync::Arc;

/// Stands for an argument that was not given, until the default takes its place.
#[derive(Debug)]
struct NotGiven;

impl Object for NotGiven {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }
}

/// The test `__given` of the defaults.
pub(super) fn is_given(value: &Value) -> bool {
    value.downcast_object_ref::<NotGiven>().is_none()
}

/// Keyword arguments of a call.
pub(super) type Named = Vec<(String, Value)>;

/// Positional and keyword arguments of a call.
pub(super) fn arguments(args: &[Value]) -> Result<(&[Value], Named), Error> {
    match args.split_last() {
        Some((last, positional)) if last.is_kwargs() => {
            let kwargs = Kwargs::try_from(last.clone())?;
            let named: Result<Vec<_>, Error> =
                kwargs.args().map(|name| Ok((name.to_owned(), kwargs.get::<Value>(name)?))).collect();
            Ok((positional, named?))
        }
        _ => Ok((args, Vec::new())),
    }
}

/// How a callable takes what its parameters do not name.
#[derive(Clone, Copy)]
struct Extras {
    varargs: bool,
    kwargs: bool,
}

/// Binds arguments to parameters as Jinja2 does.
fn bind(what: &str, parameters: &[Parameter], extras: Extras, args: &[Value]) -> Result<Vec<(String, Value)>, Error> {
    let (positional, mut named) = arguments(args)?;
    let mut locals = Vec::with_capacity(parameters.len() + 3);
    for (index, parameter) in parameters.iter().enumerate() {
        let by_name = named.iter().position(|(name, _)| *name == parameter.name).map(|at| named.remove(at).1);
        let value = match (positional.get(index), by_name) {
            (Some(_), Some(_)) => {
                return Err(refuse(format!("{what} got two values for the argument '{}'", parameter.name)));
            }
            (Some(value), None) => value.clone(),
            (None, Some(value)) => value,
            (None, None) if parameter.default.is_some() => Value::from_object(NotGiven),
            (None, None) => Value::UNDEFINED,
        };
        locals.push((parameter.name.clone(), value));
    }
    let rest = positional.get(parameters.len()..).unwrap_or_default();
    if !rest.is_empty() && !extras.varargs {
        return Err(refuse(format!("{what} takes not more than {} argument(s)", parameters.len())));
    }
    let caller = named.iter().position(|(name, _)| name == "caller").map(|at| named.remove(at).1);
    if let Some((name, _)) = named.first().filter(|_| !extras.kwargs) {
        return Err(refuse(format!("{what} takes no keyword argument '{name}'")));
    }
    if extras.varargs {
        locals.push(("varargs".to_owned(), Value::from(Tuple::from(rest))));
    }
    if extras.kwargs {
        let pairs = named.into_iter().map(|(name, value)| (Value::from(name), value));
        locals.push(("kwargs".to_owned(), Dict::from_pairs(pairs).into_value()));
    }
    if !parameters.iter().any(|parameter| parameter.name == "caller") {
        locals.push(("caller".to_owned(), caller.unwrap_or(Value::UNDEFINED)));
    }
    Ok(locals)
}

/// Renders a template one level deeper; `return()` inside of a macro gives its value.
fn run(
    rendering: &Arc<Rendering>,
    state: Option<&State<'_, '_>>,
    called: Option<Called>,
    template: &Template,
    locals: Vec<(String, Value)>,
) -> Result<Value, Error> {
    let catches = called.is_some();
    rendering.enter(state, called)?;
    let engine = &rendering.library.engine;
    let source = &template.source;
    let mut output = Capped::new(rendering.library.limits.output_bytes);
    let rendered = engine
        .get_template(&source.name)
        .or_else(|_| engine.template_from_named_str(&source.name, &source.rewritten))
        .and_then(|template| template.render_captured_to(Scope::value(rendering, locals), &mut output));
    match rendered {
        _ if output.is_full => {
            rendering.fail();
            Err(output.error())
        }
        Ok(captured) => {
            rendering.leave(captured.state())?;
            Ok(Value::from(output.into_text()))
        }
        Err(error) if catches => rendering.returned(error).inspect_err(|_| rendering.fail()),
        Err(error) => {
            rendering.fail();
            Err(error)
        }
    }
}

/// A macro as a value.
pub(super) struct MacroValue(pub Arc<Macro>);

impl fmt::Debug for MacroValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<macro {}.{}>", self.0.package, self.0.name)
    }
}

impl MacroValue {
    /// Calls the macro from a template (`state`) or from outside.
    pub fn expand(
        &self,
        rendering: &Arc<Rendering>,
        state: Option<&State<'_, '_>>,
        args: &[Value],
    ) -> Result<Value, Error> {
        let found = &self.0;
        let extras = Extras { varargs: found.takes_varargs, kwargs: found.takes_kwargs };
        let locals = bind(&format!("macro '{}'", found.name), &found.parameters, extras, args)?;
        rendering.globals.entered(&found.package, &found.name, rendering.is_outside_of_macros());
        let name = format!("{}.{}", found.package, found.name);
        let called = Called { name, path: found.path.clone(), line: found.line, called_at: None };
        run(rendering, state, Some(called), &found.template, locals)
    }
}

impl Object for MacroValue {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        match key.as_str()? {
            "name" => Some(Value::from(self.0.name.as_str())),
            "arguments" => Some(self.0.parameters.iter().map(|parameter| parameter.name.as_str()).collect()),
            _ => None,
        }
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::NonEnumerable
    }

    fn call(self: &Arc<Self>, state: &mut State<'_, '_>, args: &[Value]) -> Result<Value, Error> {
        self.expand(&Rendering::of(state)?, Some(state), args)
    }
}

/// The body of a call block with the variables that it saw where it stood.
#[derive(Debug)]
struct Caller {
    body: Arc<Body>,
    seen: Vec<(String, Value)>,
}

impl Object for Caller {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn call(self: &Arc<Self>, state: &mut State<'_, '_>, args: &[Value]) -> Result<Value, Error> {
        let rendering = Rendering::of(state)?;
        let extras = Extras { varargs: false, kwargs: false };
        let mut locals = bind("caller()", &self.body.parameters, extras, args)?;
        // A call block inside of a macro still sees the `caller` of that macro, not one of its own.
        locals.retain(|(name, _)| name != "caller" || self.body.parameters.iter().any(|p| p.name == "caller"));
        locals.extend(self.seen.iter().cloned());
        run(&rendering, Some(state), None, &self.body.template, locals)
    }
}

/// The function `__caller`, which the rewriting puts in: the body of call block `number` of the running template.
pub(super) fn caller(state: &State<'_, '_>, number: usize) -> Result<Value, Error> {
    let rendering = Rendering::of(state)?;
    let body = rendering.body(state.name(), number).ok_or_else(|| refuse("the body of the call block is gone"))?;
    let seen = body.free.iter().filter_map(|name| Some((name.clone(), state.lookup(name)?))).collect();
    Ok(Value::from_object(Caller { body, seen }))
}

/// Takes a rendered text up to a limit.
pub(super) struct Capped {
    bytes: Vec<u8>,
    most: usize,
    pub is_full: bool,
}

impl Capped {
    pub fn new(most: usize) -> Self {
        Capped { bytes: Vec::new(), most, is_full: false }
    }

    pub fn error(&self) -> Error {
        super::fault::limit(format!("the rendered text is larger than {} KiB", self.most >> 10))
    }

    /// The engine writes nothing but text, so nothing is lost here.
    pub fn into_text(self) -> String {
        String::from_utf8(self.bytes).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
    }
}

impl io::Write for Capped {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.bytes.len() + bytes.len() > self.most {
            self.is_full = true;
            return Err(io::Error::other("the rendered text is too large"));
        }
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
