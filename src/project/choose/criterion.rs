//! One criterion: `2+tag:nightly+`, as written on the command line.

use super::Indirect;
use crate::error::{Error, Result};
use crate::project::name::did_you_mean;
use serde_json::Value as Json;

/// How a criterion looks for nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Method {
    Fqn,
    Tag,
    Group,
    Access,
    Source,
    Path,
    File,
    Package,
    Config,
    TestName,
    TestType,
    ResourceType,
    State,
    Exposure,
    Metric,
    Result,
    SourceStatus,
    Version,
    SemanticModel,
    SavedQuery,
    UnitTest,
    Selector,
}

/// All methods by their words.
pub(super) const METHODS: [(&str, Method); 22] = [
    ("fqn", Method::Fqn),
    ("tag", Method::Tag),
    ("group", Method::Group),
    ("access", Method::Access),
    ("source", Method::Source),
    ("path", Method::Path),
    ("file", Method::File),
    ("package", Method::Package),
    ("config", Method::Config),
    ("test_name", Method::TestName),
    ("test_type", Method::TestType),
    ("resource_type", Method::ResourceType),
    ("state", Method::State),
    ("exposure", Method::Exposure),
    ("metric", Method::Metric),
    ("result", Method::Result),
    ("source_status", Method::SourceStatus),
    ("version", Method::Version),
    ("semantic_model", Method::SemanticModel),
    ("saved_query", Method::SavedQuery),
    ("unit_test", Method::UnitTest),
    ("selector", Method::Selector),
];

impl Method {
    /// As it is written.
    pub fn as_str(self) -> &'static str {
        METHODS.iter().find(|(_, method)| *method == self).map_or("", |(word, _)| word)
    }
}

/// One criterion.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Criterion {
    /// As it was written, for messages.
    pub raw: String,
    pub method: Method,
    /// `materialized` of `config.materialized:table`.
    pub arguments: Vec<String>,
    /// Text, or any value in a YAML selector.
    pub value: Json,
    /// Steps up; none without `+` before.
    pub parents: Option<usize>,
    /// Steps down; none without `+` behind.
    pub children: Option<usize>,
    /// `@`: what comes after, and everything that needs.
    pub childrens_parents: bool,
    pub indirect: Indirect,
}

impl Criterion {
    /// Reads one word without commas.
    pub fn parse(raw: &str, indirect: Indirect) -> Result<Self> {
        let (childrens_parents, rest) = match raw.strip_prefix('@') {
            Some(rest) => (true, rest),
            None => (false, raw),
        };
        let (parents, rest) = match rest.split_once('+') {
            Some((digits, after)) if is_digits(digits) => (Some(steps(digits)), after),
            _ => (None, rest),
        };
        let (method, rest) = match rest.split_once(':') {
            Some((method, value)) if is_method_word(method) => (Some(method), value),
            _ => (None, rest),
        };
        let (children, value) = match rest.rsplit_once('+') {
            Some((value, digits)) if is_digits(digits) => (Some(steps(digits)), value),
            _ => (None, rest),
        };
        let (method, arguments) = match method {
            Some(word) => parse_method(word, raw)?,
            None => (default_method(value), Vec::new()),
        };
        let value = Json::String(value.to_owned());
        Criterion { raw: raw.to_owned(), method, arguments, value, parents, children, childrens_parents, indirect }
            .checked()
    }

    /// The same, unless its operators contradict each other.
    pub fn checked(self) -> Result<Self> {
        if self.childrens_parents && self.children.is_some() {
            return Err(Error::usage(format!("selector \"{}\" has both @ and a + behind it", self.raw))
                .hint("drop the +: @ already takes what comes after"));
        }
        Ok(self)
    }

    /// The value as text.
    pub fn text(&self) -> String {
        match &self.value {
            Json::String(text) => text.clone(),
            other => other.to_string(),
        }
    }
}

/// The method of a word such as `config.materialized`, and what stands behind its dots.
pub(super) fn parse_method(word: &str, raw: &str) -> Result<(Method, Vec<String>)> {
    let mut parts = word.split('.');
    let name = parts.next().unwrap_or_default();
    let Some((_, method)) = METHODS.iter().find(|(known, _)| *known == name) else {
        let known = METHODS.map(|(known, _)| known);
        let nearest = did_you_mean(name, known);
        return Err(Error::usage(format!("selector \"{raw}\" has an unknown method \"{name}\""))
            .detail(format!("The methods are {}.", known.join(", ")))
            .hint(nearest.unwrap_or_else(|| "write a method of the list before the colon".to_owned())));
    };
    Ok((*method, parts.map(str::to_owned).collect()))
}

fn default_method(value: &str) -> Method {
    let lower = value.to_lowercase();
    if value.contains('/') {
        Method::Path
    } else if [".sql", ".py", ".csv"].iter().any(|suffix| lower.ends_with(suffix)) {
        Method::File
    } else {
        Method::Fqn
    }
}

fn is_digits(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_method_word(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '.')
}

/// Without digits, or with more than any graph is deep, as far as it goes.
fn steps(digits: &str) -> usize {
    digits.parse().unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(raw: &str) -> (Option<usize>, &'static str, String, Option<usize>, bool) {
        let c = Criterion::parse(raw, Indirect::Eager).expect(raw);
        (c.parents, c.method.as_str(), c.text(), c.children, c.childrens_parents)
    }

    #[test]
    fn operators_method_and_value_come_apart() {
        const ALL: Option<usize> = Some(usize::MAX);
        let cases = [
            ("orders", (None, "fqn", "orders", None, false)),
            ("+orders", (ALL, "fqn", "orders", None, false)),
            ("2+orders+3", (Some(2), "fqn", "orders", Some(3), false)),
            ("@orders", (None, "fqn", "orders", None, true)),
            ("+tag:a+", (ALL, "tag", "a", ALL, false)),
            ("models/staging", (None, "path", "models/staging", None, false)),
            ("orders.SQL", (None, "file", "orders.SQL", None, false)),
            ("config.meta.owner:a:b", (None, "config", "a:b", None, false)),
            ("a-b:c", (None, "fqn", "a-b:c", None, false)),
            ("a+b", (None, "fqn", "a+b", None, false)),
            ("99999999999999999999999+a", (ALL, "fqn", "a", None, false)),
        ];
        for (raw, (parents, method, value, children, at)) in cases {
            assert_eq!(parsed(raw), (parents, method, value.to_owned(), children, at), "{raw}");
        }
    }

    #[test]
    fn contradictions_and_unknown_methods_are_refused() {
        let error = Criterion::parse("@orders+", Indirect::Eager).expect_err("refused");
        assert_eq!(error.message, "selector \"@orders+\" has both @ and a + behind it");
        let error = Criterion::parse("tags:nightly", Indirect::Eager).expect_err("refused");
        assert_eq!(error.message, "selector \"tags:nightly\" has an unknown method \"tags\"");
        assert!(error.detail.is_some_and(|detail| detail.contains("fqn, tag, group, access")));
        assert_eq!(error.hint.as_deref(), Some("did you mean \"tag\"?"));
    }
}
