//! `modules.re`: Python's patterns, look-around and back-references included, within a bound of steps.
//!
//! What a linear-time engine can do is left to one; only the rest goes back and forth, and ends with an error when it has
//! done so a million times. So no pattern can hang a rendering.

use crate::project::jinja::arguments::Arguments;
use crate::project::jinja::fault::refuse;
use crate::project::jinja::operators::spend;
use crate::project::jinja::values::{Dict, List};
use fancy_regex::{Regex, RegexBuilder};
use minijinja::value::{Object, ObjectRepr, Rest, Tuple, Value, ValueOrKwargs};
use minijinja::{Error, ErrorKind, State};
use std::fmt;
use std::sync::Arc;

/// Largest compiled pattern in bytes.
const LARGEST_PATTERN: usize = 1 << 20;
/// Steps back that one match may take.
const MOST_STEPS: usize = 1_000_000;
const FLAGS: [(&str, &str, i64); 4] =
    [("IGNORECASE", "I", 2), ("MULTILINE", "M", 8), ("DOTALL", "S", 16), ("VERBOSE", "X", 64)];
const FUNCTIONS: [&str; 7] = ["match", "search", "fullmatch", "findall", "split", "sub", "finditer"];

/// The value of `modules.re`.
pub(super) fn module() -> Value {
    let mut members: Vec<(String, Value)> = Vec::new();
    for (long, short, flag) in FLAGS {
        members.extend([(long.to_owned(), Value::from(flag)), (short.to_owned(), Value::from(flag))]);
    }
    for name in FUNCTIONS {
        let function = move |state: &mut State, pattern: Value, args: Rest<ValueOrKwargs>| {
            let args = args.into_values();
            let pattern = compile(&pattern, &args)?;
            pattern.run(state, name, &args)
        };
        members.push((name.to_owned(), Value::from_function(function)));
    }
    let compiled = |pattern: Value, flags: Option<i64>| -> Result<Value, Error> {
        Ok(Value::from_object(build(pattern.as_str().unwrap_or_default(), flags.unwrap_or(0))?))
    };
    members.push(("compile".to_owned(), Value::from_function(compiled)));
    members.push(("escape".to_owned(), Value::from_function(escape)));
    Value::from_pairs(members)
}

/// As `re.escape`: a backslash before what has a meaning in a pattern.
fn escape(text: &str) -> String {
    let mut out = String::new();
    for letter in text.chars() {
        if "()[]{}?*+-|^$\\.&~# \t\n\r".contains(letter) {
            out.push('\\');
        }
        out.push(letter);
    }
    out
}

/// Groups of a match.
type Captures<'t> = fancy_regex::Captures<'t, str>;
/// One group of a match.
type Group<'t> = fancy_regex::Match<'t>;

/// A compiled pattern.
#[derive(Debug)]
struct Pattern {
    regex: Regex,
    text: String,
    flags: i64,
}

fn compile(pattern: &Value, args: &[Value]) -> Result<Arc<Pattern>, Error> {
    if let Some(compiled) = pattern.downcast_object::<Pattern>() {
        return Ok(compiled);
    }
    let text = pattern.as_str().ok_or_else(|| refuse("the pattern must be a string"))?;
    let flags = Arguments::new("re", args)?.named_only("flags").and_then(|flags| flags.as_i64()).unwrap_or(0);
    Ok(Arc::new(build(text, flags)?))
}

fn build(text: &str, flags: i64) -> Result<Pattern, Error> {
    let letters: String =
        [(2, 'i'), (8, 'm'), (16, 's'), (64, 'x')].iter().filter(|(f, _)| flags & f != 0).map(|(_, l)| *l).collect();
    let pattern = match letters.as_str() {
        "" => spelled(text),
        letters => format!("(?{letters}){}", spelled(text)),
    };
    let regex =
        RegexBuilder::new(&pattern).delegate_size_limit(LARGEST_PATTERN).backtrack_limit(MOST_STEPS).build().map_err(
            |error| {
                let told = error.to_string();
                let last = told.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned();
                refuse(format!("the pattern '{text}' is wrong: {last}"))
            },
        )?;
    Ok(Pattern { regex, text: text.to_owned(), flags })
}

/// Python's spelling as this engine's: `\Z` ends a text, and a brace that begins no repetition is a letter.
fn spelled(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(['\\', '{', '}']) {
        out.push_str(&rest[..at]);
        let found = &rest[at..];
        let length = if found.starts_with("\\Z") {
            out.push_str("\\z");
            2
        } else if found.starts_with('\\') {
            let length = 1 + found.chars().nth(1).map_or(0, char::len_utf8);
            out.push_str(&found[..length]);
            length
        } else if let Some(length) = repetition(found) {
            // `{,3}` has no lower bound in Python; here it must be spelled out.
            out.push_str(&found[..length].replace("{,", "{0,"));
            length
        } else {
            out.push('\\');
            out.push_str(&found[..1]);
            1
        };
        rest = &found[length..];
    }
    out.push_str(rest);
    out
}

/// Length of `{3}`, `{3,}`, `{,3}` or `{3,5}` at the start of the text.
fn repetition(text: &str) -> Option<usize> {
    let inside = text.strip_prefix('{')?.split_once('}')?.0;
    let (low, high) = inside.split_once(',').unwrap_or((inside, "0"));
    let is_number = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    let is_repetition = !inside.is_empty() && inside != "," && is_number(low) && is_number(high);
    is_repetition.then_some(inside.len() + 2)
}

/// A pattern that goes back and forth too often.
fn exhausted(error: &fancy_regex::Error) -> Error {
    refuse(format!("the pattern cannot be matched: {error}"))
}

fn text_of(given: &mut Arguments<'_>) -> Result<Arc<str>, Error> {
    Ok(Arc::from(given.required_text("string")?))
}

impl Pattern {
    fn run(&self, state: &State<'_, '_>, name: &str, args: &[Value]) -> Result<Value, Error> {
        let mut given = Arguments::new(name, args)?;
        let result = match name {
            "match" | "search" | "fullmatch" => {
                let text = text_of(&mut given)?;
                let anchored = if name == "search" { None } else { Some(anchored(self, name == "fullmatch")?) };
                let found = anchored.as_ref().unwrap_or(&self.regex).captures(&*text).map_err(|e| exhausted(&e))?;
                found.map_or(Value::from(()), |found| self.matched(&found, &text))
            }
            "findall" => {
                let text = text_of(&mut given)?;
                spend(state, text.len().saturating_mul(4))?;
                List::new(self.all(&text, usize::MAX)?.iter().map(groups_found).collect()).into_value()
            }
            "finditer" => {
                let text = text_of(&mut given)?;
                let found = self.all(&text, usize::MAX)?;
                let found: Vec<Value> = found.iter().map(|found| self.matched(found, &text)).collect();
                spend(state, found.len().saturating_mul(128))?;
                List::new(found).into_value()
            }
            "split" => {
                let text = text_of(&mut given)?;
                let most = usize::try_from(given.integer("maxsplit", 0)?).unwrap_or(0);
                spend(state, text.len().saturating_mul(4))?;
                self.split(&text, if most == 0 { usize::MAX } else { most })?
            }
            "sub" => {
                let template = given.required_text("repl")?;
                let text = text_of(&mut given)?;
                let count = usize::try_from(given.integer("count", 0)?).unwrap_or(0);
                self.substitute(state, &text, &template, if count == 0 { usize::MAX } else { count })?
            }
            _ => return Err(Error::new(ErrorKind::UnknownMethod, format!("a pattern has no attribute '{name}'"))),
        };
        // Flags by position come last; they count only for patterns that are compiled here.
        let _ = (given.named_only("flags"), given.rest());
        given.finish()?;
        Ok(result)
    }

    fn matched(&self, found: &Captures<'_>, text: &str) -> Value {
        let position = |offset: usize| text[..offset].chars().count();
        let groups = found
            .iter()
            .map(|group| group.map(|group| (group.as_str().to_owned(), position(group.start()), position(group.end()))))
            .collect();
        let names = self.regex.capture_names().enumerate();
        let names = names.filter_map(|(at, name)| Some((name?.to_owned(), at))).collect();
        Value::from_object(Match { groups, names })
    }

    /// The first `most` matches.
    fn all<'t>(&self, text: &'t str, most: usize) -> Result<Vec<Captures<'t>>, Error> {
        self.regex.captures_iter(text).take(most).map(|found| found.map_err(|e| exhausted(&e))).collect()
    }

    fn split(&self, text: &str, most: usize) -> Result<Value, Error> {
        let mut parts = Vec::new();
        let mut at = 0;
        for found in self.all(text, most)? {
            let Some(whole) = found.get(0) else { continue };
            parts.push(Value::from(&text[at..whole.start()]));
            parts.extend(found.iter().skip(1).map(group_value));
            at = whole.end();
        }
        parts.push(Value::from(&text[at..]));
        Ok(List::new(parts).into_value())
    }

    fn substitute(&self, state: &State<'_, '_>, text: &str, template: &str, most: usize) -> Result<Value, Error> {
        let mut out = String::new();
        let mut at = 0;
        for found in self.all(text, most)? {
            let Some(whole) = found.get(0) else { continue };
            out.push_str(&text[at..whole.start()]);
            let before = out.len();
            expand(&mut out, template, &found)?;
            spend(state, out.len() - before)?;
            at = whole.end();
        }
        out.push_str(&text[at..]);
        spend(state, text.len())?;
        Ok(Value::from(out))
    }
}

/// The pattern tied to the start of the text, and to its end if `whole`.
fn anchored(pattern: &Pattern, whole: bool) -> Result<Regex, Error> {
    // A verbose pattern may end with a comment, which the line break ends.
    let is_verbose = pattern.flags & 64 != 0
        || pattern.text.starts_with("(?") && pattern.text[..8.min(pattern.text.len())].contains('x');
    let line_break = if is_verbose { "\n" } else { "" };
    let text = format!("\\A(?:{}{line_break}){}", pattern.text, if whole { "\\z" } else { "" });
    Ok(build(&text, pattern.flags)?.regex)
}

/// `\1`, `\g<1>` and `\g<name>` of Python's replacement templates.
fn expand(out: &mut String, template: &str, found: &Captures<'_>) -> Result<(), Error> {
    let mut rest = template;
    while let Some(at) = rest.find('\\') {
        out.push_str(&rest[..at]);
        let after = &rest[at + 1..];
        let digits = after.bytes().take(2).take_while(u8::is_ascii_digit).count();
        let (name, length) = if digits > 0 {
            (&after[..digits], digits)
        } else if let Some((name, _)) = after.strip_prefix("g<").and_then(|inside| inside.split_once('>')) {
            (name, name.len() + 3)
        } else {
            let letter = after.chars().next();
            match letter {
                Some('n') => out.push('\n'),
                Some('t') => out.push('\t'),
                Some(letter) => out.push(letter),
                None => out.push('\\'),
            }
            rest = &after[letter.map_or(0, char::len_utf8)..];
            continue;
        };
        let group = match name.parse::<usize>() {
            Ok(index) if index < found.len() => found.get(index),
            Ok(_) => return Err(refuse(format!("invalid group reference {name}"))),
            Err(_) => found.name(name),
        };
        out.push_str(group.map_or("", |group| group.as_str()));
        rest = &after[length..];
    }
    out.push_str(rest);
    Ok(())
}

fn group_value(group: Option<Group<'_>>) -> Value {
    group.map_or(Value::from(()), |group| Value::from(group.as_str()))
}

/// One entry of `findall`: the match, its only group, or a tuple of its groups.
fn groups_found(found: &Captures<'_>) -> Value {
    let text = |group: Option<Group<'_>>| Value::from(group.map_or("", |group| group.as_str()));
    match found.len() {
        1 => text(found.get(0)),
        2 => text(found.get(1)),
        _ => Value::from(Tuple::from(found.iter().skip(1).map(text).collect::<Vec<_>>())),
    }
}

impl Object for Pattern {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        (key.as_str() == Some("pattern")).then(|| Value::from(self.text.as_str()))
    }

    fn call_method(self: &Arc<Self>, state: &mut State<'_, '_>, name: &str, args: &[Value]) -> Result<Value, Error> {
        self.run(state, name, args)
    }

    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "re.compile('{}')", self.text)
    }
}

/// A match.
#[derive(Debug)]
struct Match {
    /// Text and character positions of each group.
    groups: Vec<Option<(String, usize, usize)>>,
    names: Vec<(String, usize)>,
}

impl Match {
    fn group(&self, key: &Value) -> Result<&Option<(String, usize, usize)>, Error> {
        let named = key.as_str().and_then(|name| self.names.iter().find(|(known, _)| known == name)).map(|(_, at)| *at);
        let group = named.or_else(|| key.as_usize()).and_then(|index| self.groups.get(index));
        group.ok_or_else(|| refuse("no such group"))
    }
}

impl Object for Match {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        let group = self.group(key).ok()?;
        Some(group.as_ref().map_or(Value::from(()), |(text, ..)| Value::from(text.as_str())))
    }

    fn call_method(self: &Arc<Self>, _: &mut State<'_, '_>, name: &str, args: &[Value]) -> Result<Value, Error> {
        let mut given = Arguments::new(name, args)?;
        let text = |group: &Option<(String, usize, usize)>| {
            group.as_ref().map_or(Value::from(()), |(text, ..)| Value::from(text.as_str()))
        };
        let result =
            match name {
                "group" => {
                    let wanted = given.rest();
                    match wanted.as_slice() {
                        [] => text(&self.groups[0]),
                        [one] => text(self.group(one)?),
                        many => Value::from(Tuple::from(
                            many.iter().map(|key| Ok(text(self.group(key)?))).collect::<Result<Vec<_>, Error>>()?,
                        )),
                    }
                }
                "groups" => {
                    let default = given.optional("default").unwrap_or(Value::from(()));
                    let or = |group: &Option<(String, usize, usize)>| {
                        if group.is_some() { text(group) } else { default.clone() }
                    };
                    Value::from(Tuple::from(self.groups.iter().skip(1).map(or).collect::<Vec<_>>()))
                }
                "groupdict" => {
                    let pairs =
                        self.names.iter().map(|(name, at)| (Value::from(name.as_str()), text(&self.groups[*at])));
                    Dict::from_pairs(pairs).into_value()
                }
                "start" | "end" | "span" => {
                    let group = self.group(&given.optional("group").unwrap_or(Value::from(0)))?;
                    let (start, end) = group.as_ref().map_or((-1, -1), |(_, start, end)| {
                        (i64::try_from(*start).unwrap_or(-1), i64::try_from(*end).unwrap_or(-1))
                    });
                    match name {
                        "start" => Value::from(start),
                        "end" => Value::from(end),
                        _ => Value::from((start, end)),
                    }
                }
                _ => return Err(Error::new(ErrorKind::UnknownMethod, format!("a match has no attribute '{name}'"))),
            };
        given.finish()?;
        Ok(result)
    }
}
