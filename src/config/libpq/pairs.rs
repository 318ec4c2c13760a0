//! The `keyword=value` form of a connection string.

use std::iter::Peekable;
use std::str::Chars;

/// `host=localhost port=5432 password='with blank'` as pairs; the error is a sentence without values.
pub(super) fn parse(text: &str) -> Result<Vec<(String, String)>, String> {
    let mut pairs = Vec::new();
    let mut rest = text.chars().peekable();
    loop {
        skip_blanks(&mut rest);
        if rest.peek().is_none() {
            return Ok(pairs);
        }
        let mut name = String::new();
        while let Some(c) = rest.next_if(|c| *c != '=' && !c.is_whitespace()) {
            name.push(c);
        }
        skip_blanks(&mut rest);
        if rest.next() != Some('=') {
            // What stands here may be a part of a password with a blank in it.
            return Err(format!("an equal sign is missing after the {} keyword", ordinal(pairs.len() + 1)));
        }
        skip_blanks(&mut rest);
        let value = value(&mut rest).ok_or_else(|| format!("the quote of \"{name}\" does not end"))?;
        pairs.push((name, value));
    }
}

/// A word, or a text in single quotes; a backslash takes the next character as it is.
fn value(rest: &mut Peekable<Chars<'_>>) -> Option<String> {
    let is_quoted = rest.next_if_eq(&'\'').is_some();
    let mut value = String::new();
    loop {
        match rest.peek().copied() {
            None => return (!is_quoted).then_some(value),
            Some('\'') if is_quoted => {
                rest.next();
                return Some(value);
            }
            Some(c) if !is_quoted && c.is_whitespace() => return Some(value),
            Some('\\') => {
                rest.next();
                value.extend(rest.next());
            }
            Some(c) => {
                rest.next();
                value.push(c);
            }
        }
    }
}

fn skip_blanks(rest: &mut Peekable<Chars<'_>>) {
    while rest.next_if(|c| c.is_whitespace()).is_some() {}
}

fn ordinal(number: usize) -> String {
    match number {
        1 => "first".into(),
        2 => "second".into(),
        3 => "third".into(),
        _ => format!("{number}th"),
    }
}

#[cfg(test)]
mod tests {
    use super::parse;

    fn pairs(text: &str) -> Vec<(String, String)> {
        parse(text).expect("right")
    }

    fn pair(name: &str, value: &str) -> (String, String) {
        (name.into(), value.into())
    }

    #[test]
    fn the_manual_s_examples_are_read() {
        let expected = [pair("host", "localhost"), pair("port", "5432"), pair("dbname", "mydb")];
        assert_eq!(pairs("host=localhost port=5432 dbname=mydb"), expected);
        assert_eq!(pairs(" host = localhost\n port= 5432 dbname ='mydb'"), expected);
    }

    #[test]
    fn quotes_and_backslashes_are_taken_off() {
        assert_eq!(pairs(r"password='it\'s \\ me' user=''"), [pair("password", r"it's \ me"), pair("user", "")]);
        assert_eq!(pairs(r"password=a\ b\'c"), [pair("password", "a b'c")]);
        assert_eq!(pairs(""), []);
    }

    #[test]
    fn what_cannot_be_read_is_told_without_values() {
        assert_eq!(parse("host=h password=two words").unwrap_err(), "an equal sign is missing after the third keyword");
        assert_eq!(parse("password='open").unwrap_err(), "the quote of \"password\" does not end");
    }
}
