//! Turns a template as dbt's Jinja takes it into one that the template engine takes, without moving a line.
//!
//! Expressions change as `expression` tells. `{% call %}` blocks become an argument named `caller`, because the engine's
//! own cannot be handed to a macro that runs as a template of its own; their bodies become templates too.

use super::edits::Edits;
use super::expression::{Expressions, Shape};
use super::fault::{Fault, Trouble};
use super::scan::{Part, PartKind, Scan, Token};
use super::signature::{self, Parameter};
use super::source::{Origin, Writer};
use std::ops::Range;

/// Text in a loop that costs nothing; more is counted at each turn, so that a captured loop cannot fill the memory.
const FREE_LOOP_TEXT: usize = 256;

/// The body of a `{% call %}` block.
#[derive(Debug)]
pub(super) struct CallBody {
    /// What `caller()` takes.
    pub parameters: Vec<Parameter>,
    /// The body, rewritten.
    pub template: Rewritten,
}

/// A template for the engine.
#[derive(Debug)]
pub(super) struct Rewritten {
    /// The text.
    pub text: String,
    /// Where it comes from.
    pub origin: Origin,
    /// Bodies of its call blocks, in order of their numbers.
    pub bodies: Vec<CallBody>,
}

/// Rewrites the parts of a scanned text.
pub(super) struct Rewriter<'a> {
    text: &'a str,
    scanned: &'a Scan,
}

impl<'a> Rewriter<'a> {
    pub fn new(text: &'a str, scanned: &'a Scan) -> Self {
        Rewriter { text, scanned }
    }

    /// All of the text.
    pub fn whole(&self) -> Result<Rewritten, Trouble> {
        self.template(0..self.scanned.parts.len(), 0..self.text.len(), Writer::default())
    }

    /// The text as one macro: its first part is the opening tag, its last the closing one.
    pub fn definition(&self) -> Result<(Vec<Parameter>, Rewritten), Trouble> {
        let last = self.scanned.parts.len().saturating_sub(1);
        let head = &self.scanned.parts[0];
        let mut edits = Edits::default();
        let tokens = self.scanned.tokens_of(head);
        let parameters = signature::of_tag(self.text, tokens, &head.whole, &mut edits)?;
        let template = self.body(0, last, &parameters)?;
        Ok((parameters, template))
    }

    /// What stands between the tags `open` and `close`, with the defaults of its parameters in front.
    fn body(&self, open: usize, close: usize, parameters: &[Parameter]) -> Result<Rewritten, Trouble> {
        let (head, tail) = (&self.scanned.parts[open], &self.scanned.parts[close]);
        let mut content = head.whole.end..tail.whole.start.max(head.whole.end);
        let is_text = |index: usize| self.scanned.parts[index].kind == PartKind::Text;
        if head.trims_right && open + 1 < close && is_text(open + 1) {
            let first = &self.text[self.scanned.parts[open + 1].whole.clone()];
            content.start += first.len() - first.trim_start().len();
        }
        if tail.trims_left && open + 1 < close && is_text(close - 1) {
            let last = self.scanned.parts[close - 1].whole.start.max(content.start);
            content.end = last + self.text[last..content.end].trim_end().len();
        }
        let mut writer = Writer::default();
        for parameter in parameters {
            let Some(default) = &parameter.default else { continue };
            let name = &parameter.name;
            writer.insert(&format!("{{% set {name} = {name} if {name} is __given else ("), default.start);
            self.default_expression(head, default, &mut writer);
            writer.insert(") %}", default.end);
        }
        self.template(open + 1..close, content, writer)
    }

    fn default_expression(&self, head: &Part, range: &Range<usize>, writer: &mut Writer) {
        let tokens = self.scanned.tokens_of(head);
        let within: Vec<Token> =
            tokens.iter().filter(|t| range.start <= t.range.start && t.range.end <= range.end).cloned().collect();
        let mut edits = Edits::default();
        let understood = Expressions::new(self.text, &within, &mut edits).expression().is_some();
        let edits = if understood { edits } else { Edits::default() };
        edits.apply(self.text, range.clone(), writer);
    }

    fn template(&self, parts: Range<usize>, content: Range<usize>, mut writer: Writer) -> Result<Rewritten, Trouble> {
        let mut edits = Edits::default();
        let mut bodies = Vec::new();
        let mut index = parts.start;
        while index < parts.end {
            let part = &self.scanned.parts[index];
            index += 1;
            if part.kind == PartKind::Print {
                self.attempt(part, &mut edits, |reader| reader.tuple(true).map(|_| ()));
            }
            let Some(keyword) = self.scanned.keyword(self.text, part) else { continue };
            match keyword {
                "call" => index = self.call(index - 1, parts.end, &mut edits, &mut bodies)?,
                "include" | "import" | "from" | "extends" => {
                    let message = format!("`{{% {keyword} %}}` has nothing to load; macros are known everywhere");
                    return Err(Fault::syntax(message, part.whole.clone()));
                }
                _ => {
                    self.attempt(part, &mut edits, |reader| statement(keyword, reader));
                }
            }
            if keyword == "for" {
                self.count_loop_text(index - 1, &mut edits);
            }
        }
        edits.apply(self.text, content, &mut writer);
        let (text, origin) = writer.finish();
        Ok(Rewritten { text, origin, bodies })
    }

    /// Reads a whole part; one that is not understood stays as it is, and the engine tells what is wrong with it.
    fn attempt(&self, part: &Part, edits: &mut Edits, read: impl FnOnce(&mut Expressions<'_>) -> Option<()>) -> bool {
        let mark = edits.mark();
        let mut reader = Expressions::new(self.text, self.scanned.tokens_of(part), edits);
        let understood = read(&mut reader).is_some() && reader.is_done();
        if !understood {
            edits.back_to(mark);
        }
        understood
    }

    /// Index of the part that closes the block at `index`.
    fn closing(&self, index: usize, end: usize, opening: &str, closing: &str) -> Option<usize> {
        let mut depth = 0_usize;
        (index..end).find(|&at| {
            match self.scanned.keyword(self.text, &self.scanned.parts[at]) {
                Some(word) if word == opening => depth += 1,
                Some(word) if word == closing => depth -= 1,
                _ => return false,
            }
            depth == 0
        })
    }

    /// `{% call(x) f(y) %}body{% endcall %}` becomes `{{ f(y, caller=__caller(0)) }}`; returns the index behind it.
    fn call(&self, index: usize, end: usize, edits: &mut Edits, bodies: &mut Vec<CallBody>) -> Result<usize, Trouble> {
        let head = &self.scanned.parts[index];
        let close = self
            .closing(index, end, "call", "endcall")
            .ok_or_else(|| Fault::syntax("`{% endcall %}` is missing", head.whole.clone()))?;
        let tail = &self.scanned.parts[close];
        let tokens = self.scanned.tokens_of(head);
        let mut reader = Expressions::new(self.text, tokens, edits);
        reader.at = 1;
        let parameters = if reader.word() == "(" { signature::read(&mut reader) } else { Some(Vec::new()) };
        let start = reader.start();
        let shape = parameters.is_some().then(|| reader.expression()).flatten();
        let (Some(parameters), Some(Shape::Call), true) = (parameters, shape, reader.is_done()) else {
            return Err(Fault::syntax("`{% call %}` takes a call, as in `{% call f(x) %}`", head.whole.clone()));
        };
        let comma = match tokens.get(tokens.len() - 2).map(|token| &self.text[token.range.clone()]) {
            Some("(" | ",") => "",
            _ => ", ",
        };
        let closing_bracket = tokens[tokens.len() - 1].range.clone();
        edits.replace(&(head.whole.start..start), if head.trims_left { "{{- " } else { "{{ " });
        edits.replace(&closing_bracket, format!("{comma}caller=__caller({}))", bodies.len()));
        // Line ends of the body stay, inside of the print.
        let lines = self.text[closing_bracket.end..tail.whole.end].matches('\n').count();
        let end = if tail.trims_right { "-}}" } else { "}}" };
        edits.replace(&(closing_bracket.end..tail.whole.end), format!("{} {end}", "\n".repeat(lines)));
        let template = self.body(index, close, &parameters)?;
        bodies.push(CallBody { parameters, template });
        Ok(close + 1)
    }

    fn count_loop_text(&self, index: usize, edits: &mut Edits) {
        let head = &self.scanned.parts[index];
        let Some(close) = self.closing(index, self.scanned.parts.len(), "for", "endfor") else { return };
        let within = self.scanned.parts[index..close].iter();
        let bytes: usize =
            within.filter(|p| matches!(p.kind, PartKind::Text | PartKind::Raw)).map(|p| p.whole.len()).sum();
        if bytes > FREE_LOOP_TEXT {
            let trim = if head.trims_right { "-" } else { "" };
            edits.open(head.whole.end, format!("{{{{ {bytes}|__spend {trim}}}}}"));
        }
    }
}

/// Reads a tag; `None` where it is no statement of Jinja2.
fn statement(keyword: &str, reader: &mut Expressions<'_>) -> Option<()> {
    reader.at = 1;
    match keyword {
        "if" | "elif" => reader.tuple(false).map(|_| ()),
        "for" => {
            while !reader.is_done() && reader.word() != "in" {
                reader.at += 1;
            }
            reader.expect("in")?;
            reader.tuple(false)?;
            if reader.skip("if") {
                reader.expression()?;
            }
            reader.skip("recursive");
            Some(())
        }
        "set" => {
            while !reader.is_done() && !matches!(reader.word(), "=" | "|") {
                reader.at += 1;
            }
            if reader.skip("=") {
                return reader.tuple(true).map(|_| ());
            }
            while reader.skip("|") {
                reader.filter()?;
            }
            Some(())
        }
        "do" => {
            let start = reader.start();
            if reader.tuple(true)? != Shape::Call {
                // The engine's `do` takes nothing but calls.
                reader.edits.open(start, "__discard(");
                reader.edits.close(reader.end(), ")");
            }
            Some(())
        }
        "filter" => {
            reader.filter()?;
            while reader.skip("|") {
                reader.filter()?;
            }
            Some(())
        }
        "with" => {
            while !reader.is_done() {
                while !reader.is_done() && reader.word() != "=" {
                    reader.at += 1;
                }
                reader.expect("=")?;
                reader.expression()?;
                reader.skip(",");
            }
            Some(())
        }
        "macro" => {
            reader.name()?;
            signature::read(reader).map(|_| ())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::project::jinja::scan::scan;
    use proptest::prelude::*;

    fn rewritten(text: &str) -> String {
        let scanned = scan(text).unwrap();
        Rewriter::new(text, &scanned).whole().unwrap().text
    }

    #[test]
    fn literals_become_values_that_can_change() {
        for (text, expected) in [
            ("{{ [1, 'a]'] }}", "{{ [1, 'a]']|__list }}"),
            ("{{ {'a': [1]}['a'][0] }}", "{{ ({'a': [1]|__list}|__dict)['a'][0] }}"),
            ("{% do [1].append(2) %}", "{% do ([1]|__list).append(2) %}"),
            ("{{ f([], x=[1], *[2], **{}) }}", "{{ f([]|__list, x=[1]|__list, *[2]|__list, **{}|__dict) }}"),
            ("{{ x if y in [1] else [2] }}", "{{ x if y in [1]|__list else [2]|__list }}"),
            ("{% for a, b in [(1, 2)] if a %}", "{% for a, b in [(1, 2)]|__list if a %}"),
            ("{{ x is in ['a'] }}", "{{ x is in (['a']|__list) }}"),
            ("{% set a, b = 1, [2] %}", "{% set a, b = (1, [2]|__list) %}"),
            ("{{ 1, 2 }}", "{{ (1, 2) }}"),
        ] {
            assert_eq!(rewritten(text), expected);
        }
    }

    #[test]
    fn operators_become_flat_filters() {
        for (text, expected) in [
            ("{{ a + b - c }}", "{{ a |__add( b) |__sub( c) }}"),
            ("{{ a ~ b ~ 'x' ~ c }}", "{{ a |__concat( b , 'x' , c) }}"),
            ("{{ '%s' % (a, b) }}", "{{ '%s' |__mod( (a, b)) }}"),
            ("{{ -a * +b ** 2 }}", "{{ -a |__mul( b |__pow( 2)) }}"),
            ("{{ x[1:].y[::2] }}", "{{ (x|__slice(1,none)).y|__slice(none,none,2) }}"),
            ("{% do a if b %}", "{% do __discard(a if b) %}"),
            ("{{ a.b(c)[d] | f(e) is not none }}", "{{ a.b(c)[d] | f(e) is not none }}"),
        ] {
            assert_eq!(rewritten(text), expected);
        }
    }

    #[test]
    fn a_call_block_becomes_an_argument_and_keeps_its_lines() {
        let text = "{%- call(x, y=[1]) p.f(a) -%}\n body {{ x }}\n{%- endcall -%} z";
        let scanned = scan(text).unwrap();
        let found = Rewriter::new(text, &scanned).whole().unwrap();
        assert_eq!(found.text, "{{- p.f(a, caller=__caller(0))\n\n -}} z");
        let body = &found.bodies[0];
        assert_eq!(body.template.text, "{% set y = y if y is __given else ([1]|__list) %}body {{ x }}");
        assert_eq!(body.parameters.len(), 2);
        assert_eq!(found.origin.original(found.text.find('z').unwrap()), text.find('z').unwrap());
    }

    #[test]
    fn what_cannot_be_loaded_is_refused() {
        let text = "{% include 'x' %}";
        let scanned = scan(text).unwrap();
        assert!(Rewriter::new(text, &scanned).whole().unwrap_err().message.contains("include"));
    }

    proptest! {
        #[test]
        fn text_without_expressions_is_unchanged(text in "[a-z \\[\\]()+*%'\"\n-]{0,60}") {
            prop_assume!(!text.contains("{"));
            prop_assert_eq!(rewritten(&text), text);
        }

        #[test]
        fn lines_never_move(text in "([a-z]\n?|\\{\\{ ?\\[1,\n2\\] ?\\}\\}|\\{\\{ a\n~ b \\}\\}|\\{% if x\n%\\}){0,8}") {
            let new = rewritten(&text);
            prop_assert_eq!(new.matches('\n').count(), text.matches('\n').count());
            let scanned = scan(&text).unwrap();
            let found = Rewriter::new(&text, &scanned).whole().unwrap();
            for (index, _) in found.text.match_indices('\n') {
                prop_assert_eq!(text.as_bytes()[found.origin.original(index)], b'\n');
            }
        }
    }
}
