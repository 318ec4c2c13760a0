//! A template ready for the engine, with the bodies of its call blocks.

use super::fault::{Fault, Trouble};
use super::rewrite::{Rewriter, Rewritten};
use super::scan::{PartKind, Scan, TokenKind, scan};
use super::signature::Parameter;
use super::source::Source;
use std::sync::Arc;

/// A template, rewritten once and rendered as often as needed.
#[derive(Debug)]
pub struct Template {
    /// Its texts.
    pub(super) source: Source,
    /// Bodies of its call blocks.
    pub(super) bodies: Vec<Arc<Body>>,
    /// Whether it is one print and nothing else, so that native rendering gives its value.
    pub(super) is_one_print: bool,
    /// Whether it has no tag, print or comment at all.
    pub(super) is_plain: bool,
}

/// The body of a `{% call %}` block.
#[derive(Debug)]
pub(super) struct Body {
    /// The body as a template.
    pub template: Template,
    /// Parameters of `caller()`.
    pub parameters: Vec<Parameter>,
    /// Names that it does not define itself: what it takes from where it stands.
    pub free: Vec<String>,
}

/// A macro cut out of its file.
pub(super) struct Definition {
    pub template: Template,
    pub parameters: Vec<Parameter>,
    pub takes_varargs: bool,
    pub takes_kwargs: bool,
}

impl Template {
    /// Rewrites a whole text.
    pub(super) fn new(name: &str, path: &str, text: &str) -> Result<Template, Fault> {
        let whole: Arc<str> = Arc::from(text);
        let file = File { path, text: &whole, base: 0 };
        // As Jinja2, the last line end does not count.
        let shown = text.strip_suffix('\n').unwrap_or(text);
        let shown = shown.strip_suffix('\r').unwrap_or(shown);
        let scanned = scan(shown).map_err(|trouble| file.fault(trouble))?;
        let rewritten = Rewriter::new(shown, &scanned).whole().map_err(|trouble| file.fault(trouble))?;
        let mut template = file.template(name, rewritten)?;
        template.is_one_print = matches!(scanned.parts.as_slice(), [part] if part.kind == PartKind::Print);
        template.is_plain = scanned.parts.iter().all(|part| part.kind == PartKind::Text);
        Ok(template)
    }

    /// Rewrites one macro of a file.
    pub(super) fn of_macro(
        name: &str,
        path: &str,
        text: &Arc<str>,
        whole: std::ops::Range<usize>,
    ) -> Result<Definition, Fault> {
        let file = File { path, text, base: whole.start };
        let part = text.get(whole).unwrap_or_default();
        let scanned = scan(part).map_err(|trouble| file.fault(trouble))?;
        let (parameters, rewritten) = Rewriter::new(part, &scanned).definition().map_err(|t| file.fault(t))?;
        let template = file.template(name, rewritten)?;
        let mentions = |scanned: &Scan, name: &str| {
            scanned.tokens.iter().any(|token| token.kind == TokenKind::Name && &part[token.range.clone()] == name)
        };
        let (takes_varargs, takes_kwargs) = (mentions(&scanned, "varargs"), mentions(&scanned, "kwargs"));
        Ok(Definition { template, parameters, takes_varargs, takes_kwargs })
    }

    /// The source of the template or call body that the engine knows by this name.
    pub(super) fn find(&self, name: &str) -> Option<&Source> {
        if self.source.name == name {
            return Some(&self.source);
        }
        self.bodies.iter().find_map(|body| body.template.find(name))
    }
}

/// Where templates come from.
struct File<'a> {
    path: &'a str,
    text: &'a Arc<str>,
    base: usize,
}

impl File<'_> {
    fn fault(&self, trouble: Trouble) -> Fault {
        let range = self.base + trouble.range.start..self.base + trouble.range.end;
        Fault::of_syntax(self.path, self.text, Trouble { range, ..trouble })
    }

    fn template(&self, name: &str, rewritten: Rewritten) -> Result<Template, Fault> {
        let mut bodies = Vec::with_capacity(rewritten.bodies.len());
        for (index, body) in rewritten.bodies.into_iter().enumerate() {
            let template = self.template(&format!("{name}#call{index}"), body.template)?;
            let mut free = free_names(&template.source)?;
            // What call blocks inside of it see, it must see too.
            free.extend(template.bodies.iter().flat_map(|inner| inner.free.iter().cloned()));
            free.sort_unstable();
            free.dedup();
            bodies.push(Arc::new(Body { template, parameters: body.parameters, free }));
        }
        let source = Source {
            name: name.to_owned(),
            path: Arc::from(self.path),
            text: self.text.clone(),
            base: self.base,
            rewritten: rewritten.text,
            origin: rewritten.origin,
        };
        Ok(Template { source, bodies, is_one_print: false, is_plain: false })
    }
}

/// Names that a body looks up outside of itself.
fn free_names(source: &Source) -> Result<Vec<String>, Fault> {
    let engine = minijinja::Environment::new();
    let parsed = engine.template_from_named_str(&source.name, &source.rewritten);
    let parsed = parsed.map_err(|error| Fault::of_engine(error, source, Vec::new()))?;
    Ok(parsed.undeclared_variables(false).into_iter().collect())
}
