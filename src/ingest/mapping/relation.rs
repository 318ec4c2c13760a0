//! `[relation]`: the relation of the database that a source is, where no files are loaded.

use crate::warehouse::statement::qualified;

/// A table, a view or a foreign table that somebody else fills.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceRelation {
    /// Its schema.
    pub schema: String,
    /// Its name.
    pub name: String,
}

impl SourceRelation {
    /// Reads `shop.orders`, `orders` (in schema `public`), or `"My Shop"."Orders"`; letters stay as they are written.
    #[must_use]
    pub fn parse(text: &str) -> Option<SourceRelation> {
        let (first, rest) = part(text)?;
        match rest.strip_prefix('.') {
            None if rest.is_empty() => Some(SourceRelation { schema: "public".into(), name: first }),
            None => None,
            Some(rest) => {
                let (name, rest) = part(rest)?;
                rest.is_empty().then_some(SourceRelation { schema: first, name })
            }
        }
    }

    /// As SQL and messages write it.
    #[must_use]
    pub fn quoted(&self) -> String {
        qualified(&self.schema, &self.name)
    }
}

/// One part of a name, and what follows it.
fn part(text: &str) -> Option<(String, &str)> {
    let (name, rest) = match text.strip_prefix('"') {
        None => {
            let end = text.find(['.', '"']).unwrap_or(text.len());
            (text[..end].to_owned(), &text[end..])
        }
        Some(quoted) => {
            let mut name = String::new();
            let mut letters = quoted.char_indices();
            loop {
                let (place, letter) = letters.next()?;
                if letter != '"' {
                    name.push(letter);
                } else if quoted[place + 1..].starts_with('"') {
                    name.push('"');
                    letters.next();
                } else {
                    break (name, &quoted[place + 1..]);
                }
            }
        }
    };
    // The database keeps names of 63 bytes, and cuts longer ones to another name.
    let is_name = !name.is_empty() && name.len() <= 63 && !name.contains('\0');
    is_name.then_some((name, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_as_they_stand_in_the_database() {
        for (text, quoted) in [
            ("orders", "\"public\".\"orders\""),
            ("shop.Orders", "\"shop\".\"Orders\""),
            ("\"my.shop\".\"say \"\"hi\"\"\"", "\"my.shop\".\"say \"\"hi\"\"\""),
            ("shop.\"Orders 2024\"", "\"shop\".\"Orders 2024\""),
        ] {
            assert_eq!(SourceRelation::parse(text).expect(text).quoted(), quoted, "{text}");
        }
        for text in ["", ".", "shop.", ".orders", "a.b.c", "\"a", "\"a\"b", "a\"b\"", "\"\".a", &"x".repeat(64)] {
            assert_eq!(SourceRelation::parse(text), None, "{text}");
        }
    }
}
