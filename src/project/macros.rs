//! Macro files: cut into one template a macro, and made callable from every model without import.
//!
//! One template a macro, because `return()` unwinds to the innermost wrapper: macros that shared a template would call
//! each other past it. The name inside the template is changed for the same reason, so that recursion goes through the wrapper.

use super::frame::{self, FrameHandle};
use minijinja::value::{Kwargs, Object, Value};
use minijinja::{Error, ErrorKind, State};
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

/// One macro cut out of its file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Macro {
    /// The name that models call.
    pub name: String,
    /// The name inside the template: of the same length, never the same.
    pub inner: String,
    /// Template name: path, `#`, name. Errors are told with the part before `#`.
    pub template: String,
    /// The file's text with all but the macro blanked, so that lines and columns stay those of the file.
    pub text: String,
}

/// Macros of a file, and the byte range of the first text outside of them, if any.
pub(super) fn cut(path: &str, text: &str) -> (Vec<Macro>, Option<Range<usize>>) {
    let mut macros = Vec::new();
    let mut stray = None;
    let mut position = 0;
    while position < text.len() {
        let rest = &text[position..];
        if let Some(comment) = rest.strip_prefix("{#") {
            position += 2 + comment.find("#}").map_or(comment.len(), |end| end + 2);
        } else if let Some((name, name_at)) = tag_named(rest, "macro") {
            let end = macro_end(rest).unwrap_or(rest.len());
            let inner = format!("{}{}", if name.starts_with('_') { 'x' } else { '_' }, &name[1..]);
            let mut cut = blank(&text[..position]);
            cut.push_str(&rest[..name_at]);
            cut.push_str(&inner);
            cut.push_str(&rest[name_at + name.len()..end]);
            macros.push(Macro { template: format!("{path}#{name}"), name: name.to_owned(), inner, text: cut });
            position += end;
        } else {
            let letter = rest.chars().next().unwrap_or(' ');
            if !letter.is_whitespace() && stray.is_none() {
                let line_end = rest.find('\n').unwrap_or(rest.len());
                stray = Some(position..position + line_end);
            }
            position += letter.len_utf8();
        }
    }
    (macros, stray)
}

/// The word after the tag's name, with its offset, if `text` begins with `{% tag word`.
fn tag_named<'a>(text: &'a str, tag: &str) -> Option<(&'a str, usize)> {
    let inside = text.strip_prefix("{%")?.trim_start_matches(['-', '+']).trim_start();
    let after = inside.strip_prefix(tag)?;
    let word = after.trim_start();
    if word.len() == after.len() {
        return None;
    }
    let end = word.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(word.len());
    (end > 0).then(|| (&word[..end], text.len() - word.len()))
}

/// Offset behind the `{% endmacro %}` that closes the macro which `text` begins with.
fn macro_end(text: &str) -> Option<usize> {
    let mut position = 0;
    loop {
        let open = position + text[position..].find("{%")?;
        let inside = text[open + 2..].trim_start_matches(['-', '+']).trim_start();
        let close = open + text[open..].find("%}")? + 2;
        if inside.starts_with("endmacro") {
            return Some(close);
        }
        position = close;
    }
}

/// Spaces for every byte but line ends.
fn blank(text: &str) -> String {
    text.bytes().map(|b| if b == b'\n' { '\n' } else { ' ' }).collect()
}

/// The global that stands for a macro.
pub(super) struct GlobalMacro {
    pub name: String,
    pub inner: String,
    pub template: String,
}

impl fmt::Debug for GlobalMacro {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<macro {}>", self.name)
    }
}

impl Object for GlobalMacro {
    fn call(self: &Arc<Self>, state: &mut State<'_, '_>, args: &[Value]) -> Result<Value, Error> {
        if args
            .last()
            .filter(|a| a.is_kwargs())
            .is_some_and(|a| Kwargs::try_from(a.clone()).is_ok_and(|k| k.has("caller")))
        {
            return Err(Error::new(
                ErrorKind::InvalidOperation,
                format!("macro {} cannot be used in a call block; pass the text as an argument", self.name),
            ));
        }
        let frame = frame::of(state)?;
        frame.enter(&self.name)?;
        let result = self.expand(state, &frame, args);
        frame.leave();
        result
    }
}

impl GlobalMacro {
    fn expand(&self, state: &State<'_, '_>, frame: &FrameHandle, args: &[Value]) -> Result<Value, Error> {
        let mut captured = state.env().get_template(&self.template)?.render_captured(())?;
        let text = captured.with_state_mut(|inner| {
            let text = inner.call_macro(&self.inner, args);
            frame.burn(inner.fuel_levels().map_or(0, |(used, _)| used));
            text
        });
        text.map(Value::from).or_else(|error| frame.returned(error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cut_macro_keeps_its_line_and_column() {
        let text =
            "{# é {% macro no() %} #}\n{% macro one(a) %}1{% endmacro %}\n  {%- macro _two() -%}2{%- endmacro -%}\n";
        let (macros, stray) = cut("macros/m.sql", text);
        assert_eq!(stray, None);
        let names: Vec<_> = macros.iter().map(|m| (m.name.as_str(), m.inner.as_str())).collect();
        assert_eq!(names, [("one", "_ne"), ("_two", "xtwo")]);
        assert_eq!(macros[1].text.lines().nth(2), Some("  {%- macro xtwo() -%}2{%- endmacro -%}"));
        assert_eq!(macros[0].text.find("{% macro _ne"), text.find("{% macro one"));
    }

    #[test]
    fn text_outside_is_found_and_an_open_macro_runs_to_the_end() {
        let (macros, stray) = cut("macros/m.sql", "{% macro a() %}x{% endmacro %}\nselect 1\n");
        assert_eq!((macros.len(), stray), (1, Some(31..39)));
        let (macros, _) = cut("macros/m.sql", "{% macro a() %}x");
        assert_eq!(macros[0].text, "{% macro _() %}x");
    }
}
