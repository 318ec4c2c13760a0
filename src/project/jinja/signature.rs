//! Parameters of a macro: names and default expressions.

use super::edits::Edits;
use super::expression::Expressions;
use super::fault::{Fault, Trouble};
use super::scan::{Token, scan};
use std::ops::Range;

/// One parameter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parameter {
    /// Its name.
    pub name: String,
    /// Byte range of its default expression.
    pub default: Option<Range<usize>>,
}

/// Reads `(a, b=none, c: str = 'x')`; what follows a colon is a type, which dbt allows and no one checks here.
pub(super) fn read(reader: &mut Expressions<'_>) -> Option<Vec<Parameter>> {
    let mut parameters: Vec<Parameter> = Vec::new();
    reader.expect("(")?;
    while !reader.skip(")") {
        let name = reader.name()?.to_owned();
        if reader.skip(":") {
            skip_type(reader)?;
        }
        let default = if reader.skip("=") {
            let start = reader.start();
            reader.expression()?;
            Some(start..reader.end())
        } else {
            // As in Python, a parameter without default may not follow one that has it.
            if parameters.iter().any(|earlier| earlier.default.is_some()) {
                return None;
            }
            None
        };
        if parameters.iter().any(|earlier| earlier.name == name) {
            return None;
        }
        parameters.push(Parameter { name, default });
        if !reader.skip(",") {
            reader.expect(")")?;
            break;
        }
    }
    Some(parameters)
}

fn skip_type(reader: &mut Expressions<'_>) -> Option<()> {
    reader.name()?;
    if reader.skip("[") {
        while !reader.skip("]") {
            skip_type(reader)?;
            if !reader.skip(",") {
                return reader.expect("]");
            }
        }
    }
    Some(())
}

/// Parameters of the tag whose tokens these are (`macro name(...)`), with the changes that its defaults need.
pub(super) fn of_tag(
    text: &str,
    tokens: &[Token],
    whole: &Range<usize>,
    edits: &mut Edits,
) -> Result<Vec<Parameter>, Trouble> {
    let mut reader = Expressions::new(text, tokens, edits);
    reader.at = 2;
    let read = read(&mut reader);
    read.filter(|_| reader.is_done()).ok_or_else(|| {
        let place = tokens.get(reader.at.saturating_sub(1)).map_or(whole.clone(), |token| token.range.clone());
        Fault::syntax("the parameters are not `(name, name=default, ...)`", place)
    })
}

/// Parameters of a signature given alone, parentheses included.
pub fn parameters(signature: &str) -> Result<Vec<Parameter>, Trouble> {
    let tag = format!("{{% macro m{signature} %}}");
    let moved = "{% macro m".len();
    let back = |range: Range<usize>| range.start.saturating_sub(moved)..range.end.saturating_sub(moved);
    let scanned = scan(&tag)?;
    let found = of_tag(&tag, &scanned.tokens, &(0..tag.len()), &mut Edits::default())
        .map_err(|trouble| Trouble { range: back(trouble.range), ..trouble })?;
    Ok(found.into_iter().map(|p| Parameter { default: p.default.map(back), ..p }).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_defaults_and_types_are_read() {
        let signature = "(a, b: Dict[str, str], c=none, d=var('x', [1, 2]), e: str = ')',)";
        let found = parameters(signature).unwrap();
        let told: Vec<_> =
            found.iter().map(|p| (p.name.as_str(), p.default.clone().map(|range| &signature[range]))).collect();
        let expected =
            [("a", None), ("b", None), ("c", Some("none")), ("d", Some("var('x', [1, 2])")), ("e", Some("')'"))];
        assert_eq!(told, expected);
    }

    #[test]
    fn what_jinja_refuses_is_refused() {
        for signature in ["(a=1, b)", "(*args)", "(a b)", "(a, a)", "(1)", ""] {
            assert!(parameters(signature).is_err(), "{signature}");
        }
    }
}
