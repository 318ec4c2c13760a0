//! Reads expressions by Jinja2's grammar and marks what the template engine must be told differently.
//!
//! The engine's lists and maps cannot change, its operators know no dates and no bound on memory, and its slices are lazy.
//! So literals go through a filter that makes a Python-like value (`[1]` becomes `[1]|__list`) and operators become filters
//! (`a + b` becomes `a|__add(b)`). Filters, not functions: no variable can hide a filter, and chains of operators stay flat.

use super::edits::Edits;
use super::scan::{Token, TokenKind};

/// Deepest nesting that is looked into; the engine refuses deeper text by itself.
const DEEPEST: usize = 60;

/// What an expression turned out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// A call: its last token closes the arguments.
    Call,
    /// Anything else.
    Other,
}

/// A reader of the tokens of one tag or print. `None` means: not an expression that Jinja2 would take.
pub(super) struct Expressions<'a> {
    text: &'a str,
    tokens: &'a [Token],
    /// Index of the next token.
    pub at: usize,
    pub edits: &'a mut Edits,
    depth: usize,
}

impl<'a> Expressions<'a> {
    pub fn new(text: &'a str, tokens: &'a [Token], edits: &'a mut Edits) -> Self {
        Expressions { text, tokens, at: 0, edits, depth: 0 }
    }

    /// Text of the next token, empty at the end.
    pub fn word(&self) -> &'a str {
        self.tokens.get(self.at).map_or("", |token| &self.text[token.range.clone()])
    }

    pub fn is_done(&self) -> bool {
        self.at >= self.tokens.len()
    }

    /// Steps over the next token if it is `word`.
    pub fn skip(&mut self, word: &str) -> bool {
        let found = self.word() == word && self.kind() != Some(TokenKind::Literal);
        self.at += usize::from(found);
        found
    }

    pub fn expect(&mut self, word: &str) -> Option<()> {
        self.skip(word).then_some(())
    }

    pub fn name(&mut self) -> Option<&'a str> {
        let word = self.word();
        (self.kind() == Some(TokenKind::Name)).then(|| {
            self.at += 1;
            word
        })
    }

    fn kind(&self) -> Option<TokenKind> {
        self.tokens.get(self.at).map(|token| token.kind)
    }

    /// Offset at which the next token begins.
    pub fn start(&self) -> usize {
        self.tokens.get(self.at).map_or_else(|| self.end(), |token| token.range.start)
    }

    /// Offset at which the last token ended.
    pub fn end(&self) -> usize {
        self.at.checked_sub(1).and_then(|index| self.tokens.get(index)).map_or(0, |token| token.range.end)
    }

    /// One expression, or several with commas between them, which are a tuple.
    pub fn tuple(&mut self, with_condition: bool) -> Option<Shape> {
        let start = self.start();
        let one = |reader: &mut Self| if with_condition { reader.expression() } else { reader.disjunction() };
        let mut shape = one(self)?;
        if self.word() == "," {
            while self.skip(",") {
                if self.is_done() || matches!(self.word(), "=" | "]" | "in" | "recursive") {
                    break;
                }
                one(self)?;
            }
            self.edits.open(start, "(");
            self.edits.close(self.end(), ")");
            shape = Shape::Other;
        }
        Some(shape)
    }

    /// An expression with an optional `if ... else ...`.
    pub fn expression(&mut self) -> Option<Shape> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return None;
        }
        let mut shape = self.disjunction()?;
        while self.skip("if") {
            self.disjunction()?;
            if self.skip("else") {
                self.expression()?;
            }
            shape = Shape::Other;
        }
        self.depth -= 1;
        Some(shape)
    }

    /// An expression without `if ... else ...`.
    pub fn disjunction(&mut self) -> Option<Shape> {
        let mut shape = self.negation()?;
        while self.skip("or") || self.skip("and") {
            self.negation()?;
            shape = Shape::Other;
        }
        Some(shape)
    }

    fn negation(&mut self) -> Option<Shape> {
        let mut negated = false;
        while self.skip("not") {
            negated = true;
        }
        let shape = self.comparison()?;
        Some(if negated { Shape::Other } else { shape })
    }

    fn comparison(&mut self) -> Option<Shape> {
        let mut shape = self.sum()?;
        loop {
            let compares = matches!(self.word(), "==" | "!=" | "<" | "<=" | ">" | ">=" | "in")
                && self.kind() != Some(TokenKind::Literal);
            if compares {
                self.at += 1;
            } else if self.word() == "not" && self.kind() == Some(TokenKind::Name) {
                self.at += 1;
                self.expect("in")?;
            } else {
                return Some(shape);
            }
            self.sum()?;
            shape = Shape::Other;
        }
    }

    /// A chain of operators of one rank: each becomes a filter upon all that stands before it.
    fn chain(&mut self, filters: &[(&str, &'static str)], operand: fn(&mut Self) -> Option<Shape>) -> Option<Shape> {
        let mut shape = operand(self)?;
        while self.kind() == Some(TokenKind::Operator) {
            let Some((_, filter)) = filters.iter().find(|(operator, _)| *operator == self.word()) else { break };
            self.edits.replace(&self.tokens[self.at].range, *filter);
            self.at += 1;
            operand(self)?;
            self.edits.close(self.end(), ")");
            shape = Shape::Other;
        }
        Some(shape)
    }

    fn sum(&mut self) -> Option<Shape> {
        self.chain(&[("+", "|__add("), ("-", "|__sub(")], Self::concatenation)
    }

    /// `a ~ b ~ c` is one operation on three, so that long chains neither nest nor copy twice.
    fn concatenation(&mut self) -> Option<Shape> {
        let mut shape = self.product()?;
        let mut chained = false;
        while self.word() == "~" && self.kind() == Some(TokenKind::Operator) {
            self.edits.replace(&self.tokens[self.at].range, if chained { "," } else { "|__concat(" });
            self.at += 1;
            self.product()?;
            chained = true;
        }
        if chained {
            self.edits.close(self.end(), ")");
            shape = Shape::Other;
        }
        Some(shape)
    }

    fn product(&mut self) -> Option<Shape> {
        let filters = [("*", "|__mul("), ("/", "|__div("), ("//", "|__floordiv("), ("%", "|__mod(")];
        self.chain(&filters, Self::power)
    }

    fn power(&mut self) -> Option<Shape> {
        self.chain(&[("**", "|__pow(")], |reader| reader.unary(true))
    }

    /// A sign, then a value with its attributes, calls, filters and tests.
    fn unary(&mut self, with_filters: bool) -> Option<Shape> {
        let signed = matches!(self.word(), "-" | "+") && self.kind() == Some(TokenKind::Operator);
        let start = self.start();
        let mut shape = if signed {
            if self.word() == "+" {
                // The engine knows no unary plus.
                self.edits.replace(&self.tokens[self.at].range, "");
            }
            self.at += 1;
            self.unary(false)?;
            Shape::Other
        } else {
            self.primary(false)?
        };
        if !signed {
            shape = self.postfix(start, shape, false)?;
        }
        if with_filters { self.filters(shape) } else { Some(shape) }
    }

    /// A name, a literal or something in brackets; `alone` where no filter may follow by the engine's grammar.
    fn primary(&mut self, alone: bool) -> Option<Shape> {
        let start = self.start();
        match self.kind()? {
            TokenKind::Name | TokenKind::Number => self.at += 1,
            TokenKind::Literal => {
                while self.kind() == Some(TokenKind::Literal) {
                    self.at += 1;
                }
            }
            TokenKind::Operator => {
                let bracket = self.word();
                self.at += 1;
                let filter = match bracket {
                    "(" => {
                        self.elements(")", false)?;
                        return Some(Shape::Other);
                    }
                    "[" => {
                        self.elements("]", false)?;
                        "|__list"
                    }
                    "{" => {
                        self.elements("}", true)?;
                        "|__dict"
                    }
                    _ => return None,
                };
                self.edits.close(self.end(), filter);
                if alone || matches!(self.word(), "." | "[" | "(") {
                    self.edits.open(start, "(");
                    self.edits.close(self.end(), ")");
                }
            }
        }
        Some(Shape::Other)
    }

    fn elements(&mut self, closing: &str, pairs: bool) -> Option<()> {
        while !self.skip(closing) {
            self.expression()?;
            if pairs {
                self.expect(":")?;
                self.expression()?;
            }
            if !self.skip(",") {
                return self.expect(closing);
            }
        }
        Some(())
    }

    fn postfix(&mut self, start: usize, mut shape: Shape, alone: bool) -> Option<Shape> {
        while self.kind() == Some(TokenKind::Operator) {
            match self.word() {
                "." => {
                    self.at += 2;
                    matches!(self.tokens.get(self.at - 1)?.kind, TokenKind::Name | TokenKind::Number).then_some(())?;
                    shape = Shape::Other;
                }
                "(" => {
                    self.arguments()?;
                    shape = Shape::Call;
                }
                "[" => {
                    self.subscript(start, alone)?;
                    shape = Shape::Other;
                }
                _ => break,
            }
        }
        Some(shape)
    }

    /// `x[key]` stays; `x[from:to:step]` becomes `x|__slice(from, to, step)`.
    fn subscript(&mut self, start: usize, alone: bool) -> Option<()> {
        let open = self.tokens[self.at].range.clone();
        self.at += 1;
        let mut bounds = 1;
        let mut given = self.word() != ":";
        if given {
            self.tuple(true)?;
        }
        while self.word() == ":" && bounds < 3 {
            self.edits.replace(&self.tokens[self.at].range, if given { "," } else { "none," });
            self.at += 1;
            bounds += 1;
            given = !matches!(self.word(), ":" | "]");
            if given {
                self.expression()?;
            }
        }
        let close = self.tokens.get(self.at)?.range.clone();
        self.expect("]")?;
        if bounds > 1 {
            self.edits.replace(&open, "|__slice(");
            self.edits.replace(&close, if given { ")" } else { "none)" });
            if alone || matches!(self.word(), "." | "[" | "(") {
                self.edits.open(start, "(");
                self.edits.close(self.end(), ")");
            }
        }
        Some(())
    }

    /// The arguments of a call, with their parentheses.
    pub fn arguments(&mut self) -> Option<()> {
        self.expect("(")?;
        while !self.skip(")") {
            if !self.skip("**") && !self.skip("*") && self.next_is_keyword() {
                self.at += 2;
            }
            self.expression()?;
            if !self.skip(",") {
                return self.expect(")");
            }
        }
        Some(())
    }

    fn next_is_keyword(&self) -> bool {
        let next = self.tokens.get(self.at + 1).map(|token| &self.text[token.range.clone()]);
        self.kind() == Some(TokenKind::Name) && next == Some("=")
    }

    /// Filters and tests behind a value.
    pub fn filters(&mut self, mut shape: Shape) -> Option<Shape> {
        loop {
            if self.skip("|") {
                self.filter()?;
            } else if self.kind() == Some(TokenKind::Name) && self.skip("is") {
                self.skip("not");
                self.dotted_name()?;
                self.test_argument()?;
            } else {
                return Some(shape);
            }
            shape = Shape::Other;
        }
    }

    /// The name of a filter and its arguments.
    pub fn filter(&mut self) -> Option<()> {
        self.dotted_name()?;
        if self.word() == "(" { self.arguments() } else { Some(()) }
    }

    fn dotted_name(&mut self) -> Option<()> {
        self.name()?;
        while self.skip(".") {
            self.name()?;
        }
        Some(())
    }

    fn test_argument(&mut self) -> Option<()> {
        let word = self.word();
        match self.kind() {
            Some(TokenKind::Operator) if word == "(" => self.arguments(),
            Some(TokenKind::Operator) if !matches!(word, "[" | "{") => Some(()),
            Some(TokenKind::Name)
                if matches!(word, "and" | "or" | "else" | "is" | "if" | "not" | "in" | "recursive") =>
            {
                Some(())
            }
            None => Some(()),
            Some(_) => {
                let start = self.start();
                let shape = self.primary(true)?;
                self.postfix(start, shape, true).map(|_| ())
            }
        }
    }
}
