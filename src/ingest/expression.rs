//! Arithmetic over file columns in exact decimal: `list_price * (1 - "Discount Percent" / 100)`.
//!
//! Four operations and parentheses, no more: what needs a condition belongs into a model, where it can be tested.

use super::number::parse_number;
use super::value::quoted;
use rust_decimal::Decimal;

/// Parentheses and signs within each other; a mapping written by a program must not exhaust the stack.
const MAX_DEPTH: usize = 32;

/// A formula, read once and evaluated for each row.
#[derive(Clone, Debug, PartialEq)]
pub struct Expression {
    text: String,
    root: Node,
    columns: Vec<String>,
}

#[derive(Clone, Debug, PartialEq)]
enum Node {
    Number(Decimal),
    /// Place in [`Expression::columns`].
    Column(usize),
    Negative(Box<Node>),
    Operation(Operator, Box<Node>, Box<Node>),
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Operator {
    Plus,
    Minus,
    Times,
    Over,
}

#[derive(Clone, Debug, PartialEq)]
enum Token {
    Number(Decimal),
    Column(String),
    Sign(char),
}

impl Expression {
    /// Reads a formula, or tells in words why it is none.
    pub(crate) fn parse(text: &str) -> Result<Expression, String> {
        let tokens = tokens(text)?;
        let mut parser = Parser { tokens: &tokens, next: 0, depth: 0, columns: Vec::new() };
        let root = parser.sum()?;
        match parser.peek() {
            None => Ok(Expression { text: text.to_owned(), root, columns: parser.columns }),
            Some(token) => Err(format!("{} is not expected", shown(token))),
        }
    }

    /// Names of the file columns in it, each once.
    #[must_use]
    pub fn columns(&self) -> &[String] {
        &self.columns
    }

    /// The formula as written.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The formula in SQL over `columns`, which stand in the order of [`Expression::columns`]; dividing by zero gives no value.
    pub(crate) fn sql(&self, columns: &[String]) -> String {
        format!("trim_scale({})", sql(&self.root, columns))
    }

    /// The value for `values`, which stand in the order of [`Expression::columns`].
    pub(crate) fn evaluate(&self, values: &[Decimal]) -> Result<Decimal, String> {
        value(&self.root, values).map(|number| number.normalize())
    }
}

fn value(node: &Node, values: &[Decimal]) -> Result<Decimal, String> {
    let too_large = || "the expression's value is too large".to_owned();
    Ok(match node {
        Node::Number(number) => *number,
        Node::Column(place) => *values.get(*place).ok_or("a column of the expression has no value")?,
        Node::Negative(inner) => -value(inner, values)?,
        Node::Operation(operator, left, right) => {
            let (left, right) = (value(left, values)?, value(right, values)?);
            let result = match operator {
                Operator::Plus => left.checked_add(right),
                Operator::Minus => left.checked_sub(right),
                Operator::Times => left.checked_mul(right),
                Operator::Over if right.is_zero() => return Err("the expression divides by zero".into()),
                Operator::Over => left.checked_div(right),
            };
            result.ok_or_else(too_large)?
        }
    })
}

fn sql(node: &Node, columns: &[String]) -> String {
    match node {
        Node::Number(number) => format!("{number}::numeric"),
        Node::Column(place) => columns.get(*place).cloned().unwrap_or_else(|| "NULL::numeric".into()),
        Node::Negative(inner) => format!("(- {})", sql(inner, columns)),
        Node::Operation(operator, left, right) => {
            let (left, right) = (sql(left, columns), sql(right, columns));
            match operator {
                Operator::Plus => format!("({left} + {right})"),
                Operator::Minus => format!("({left} - {right})"),
                Operator::Times => format!("({left} * {right})"),
                // A quotient has as many places as its parts, and by itself only some sixteen digits.
                Operator::Over => format!("(round({left}, 28) / nullif({right}, 0))"),
            }
        }
    }
}

fn tokens(text: &str) -> Result<Vec<Token>, String> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let end = match first {
            '+' | '-' | '*' | '/' | '(' | ')' => {
                tokens.push(Token::Sign(first));
                1
            }
            '"' => {
                let end = rest[1..].find('"').ok_or("a quote is not closed")? + 1;
                tokens.push(Token::Column(rest[1..end].to_owned()));
                end + 1
            }
            '0'..='9' | '.' => {
                let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
                tokens.push(Token::Number(parse_number(&rest[..end])?));
                end
            }
            c if c.is_alphabetic() || c == '_' => {
                let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
                tokens.push(Token::Column(rest[..end].to_owned()));
                end
            }
            c => return Err(format!("{} is not expected", quoted(&c.to_string()))),
        };
        rest = rest[end..].trim_start();
    }
    Ok(tokens)
}

fn shown(token: &Token) -> String {
    match token {
        Token::Number(number) => quoted(&number.to_string()),
        Token::Column(name) => quoted(name),
        Token::Sign(sign) => quoted(&sign.to_string()),
    }
}

struct Parser<'a> {
    tokens: &'a [Token],
    next: usize,
    depth: usize,
    columns: Vec<String>,
}

impl Parser<'_> {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.next)
    }

    /// Takes the next token if it is one of these signs.
    fn take(&mut self, signs: &[(char, Operator)]) -> Option<Operator> {
        let Some(Token::Sign(found)) = self.peek() else { return None };
        let operator = signs.iter().find(|(sign, _)| sign == found)?.1;
        self.next += 1;
        Some(operator)
    }

    fn sum(&mut self) -> Result<Node, String> {
        let mut left = self.product()?;
        while let Some(operator) = self.take(&[('+', Operator::Plus), ('-', Operator::Minus)]) {
            left = Node::Operation(operator, Box::new(left), Box::new(self.product()?));
        }
        Ok(left)
    }

    fn product(&mut self) -> Result<Node, String> {
        let mut left = self.factor()?;
        while let Some(operator) = self.take(&[('*', Operator::Times), ('/', Operator::Over)]) {
            left = Node::Operation(operator, Box::new(left), Box::new(self.factor()?));
        }
        Ok(left)
    }

    fn factor(&mut self) -> Result<Node, String> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(format!("it is nested deeper than {MAX_DEPTH}"));
        }
        let token = self.peek().cloned().ok_or("something is missing at its end")?;
        self.next += 1;
        let node = match token {
            Token::Number(number) => Node::Number(number),
            Token::Column(name) => {
                let known = self.columns.iter().position(|column| *column == name);
                Node::Column(known.unwrap_or_else(|| {
                    self.columns.push(name);
                    self.columns.len() - 1
                }))
            }
            Token::Sign('-') => Node::Negative(Box::new(self.factor()?)),
            Token::Sign('(') => {
                let inner = self.sum()?;
                if self.peek() != Some(&Token::Sign(')')) {
                    return Err("a parenthesis is not closed".into());
                }
                self.next += 1;
                inner
            }
            Token::Sign(sign) => return Err(format!("{} is not expected", quoted(&sign.to_string()))),
        };
        self.depth -= 1;
        Ok(node)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn number(text: &str) -> Decimal {
        parse_number(text).unwrap()
    }

    #[test]
    fn values_are_exact_and_rules_of_precedence_hold() {
        let discounted = Expression::parse("\"List Price\" * (1 - percent / 100)").unwrap();
        assert_eq!(discounted.columns(), ["List Price", "percent"]);
        assert_eq!(discounted.evaluate(&[number("260"), number("2")]).unwrap().to_string(), "254.8");
        for (text, expected) in
            [("1 + 2 * 3", "7"), ("(1 + 2) * 3", "9"), ("8 / 4 / 2", "1"), ("2 - -3 - 1", "4"), ("0.1 + 0.2", "0.3")]
        {
            assert_eq!(Expression::parse(text).unwrap().evaluate(&[]).unwrap().to_string(), expected, "{text}");
        }
    }

    #[test]
    fn what_is_no_formula_is_told() {
        let deep = "(".repeat(5_000) + "1" + &")".repeat(5_000);
        let texts = ["", "a +", "(a", "a b", "a ^ 2", "* a", "\"a", "a)", "1.2.3", "f(a)", "a; b", &deep];
        let told = texts.map(|text| Expression::parse(text).unwrap_err());
        insta::assert_snapshot!(told.join("\n"));
    }

    #[test]
    fn what_cannot_be_computed_is_told() {
        let share = Expression::parse("a / b").unwrap();
        assert_eq!(share.evaluate(&[Decimal::ONE, Decimal::ZERO]), Err("the expression divides by zero".into()));
        let square = Expression::parse("a * a").unwrap();
        assert_eq!(square.evaluate(&[Decimal::MAX]), Err("the expression's value is too large".into()));
    }

    proptest! {
        #[test]
        fn any_text_is_a_formula_or_a_reason(text in "[a-c0-9.+*/() \"-]{0,60}") {
            if let Ok(expression) = Expression::parse(&text) {
                let _ = expression.evaluate(&vec![Decimal::ONE; expression.columns().len()]);
            }
        }
    }
}
