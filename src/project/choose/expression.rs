//! From words and from `selectors.yml` to one tree of unions, intersections and differences.

use super::criterion::{Criterion, Method, parse_method};
use super::{Indirect, Request};
use crate::error::{Error, Result};
use crate::project::files::selectors::{Definition, MethodDefinition, Selector};
use crate::project::name::did_you_mean;

/// What is to be picked.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Expression {
    /// What one criterion finds.
    Criterion(Criterion),
    /// What several parts make together.
    Group(Group),
}

/// Several parts.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Group {
    pub operator: Operator,
    pub parts: Vec<Expression>,
    /// When tests whose other nodes other parts pick are taken in.
    pub indirect: Indirect,
    /// The word a person wrote, if picking nothing is worth a warning.
    pub asked: Option<String>,
}

/// How parts make a set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operator {
    Union,
    Intersection,
    /// The first part without the others.
    Difference,
}

/// What is picked if nothing is asked for: everything that stands in the graph.
const EVERYTHING: [&str; 5] = ["fqn:*", "source:*", "exposure:*", "metric:*", "semantic_model:*"];

/// The tree of a request.
pub(super) fn of_request(selectors: &[Selector], request: &Request<'_>) -> Result<Expression> {
    let lower = Lower { selectors, indirect: request.indirect };
    if let Some(name) = request.selector {
        return lower.named(name, &mut Vec::new());
    }
    if request.select.is_empty()
        && request.exclude.is_empty()
        && let Some(default) = selectors.iter().find(|selector| selector.is_default)
    {
        return lower.named(&default.name, &mut Vec::new());
    }
    let included = if request.select.is_empty() {
        lower.words(&EVERYTHING.map(str::to_owned), false)?
    } else {
        lower.words(request.select, true)?
    };
    let excluded = lower.words(request.exclude, true)?;
    // The difference itself takes no test in again: what is excluded stays out.
    Ok(group(Operator::Difference, vec![included, excluded], Indirect::Eager))
}

fn group(operator: Operator, parts: Vec<Expression>, indirect: Indirect) -> Expression {
    Expression::Group(Group { operator, parts, indirect, asked: None })
}

struct Lower<'a> {
    selectors: &'a [Selector],
    indirect: Indirect,
}

impl Lower<'_> {
    /// A union of words between spaces, each an intersection of criteria between commas.
    fn words(&self, arguments: &[String], is_asked: bool) -> Result<Expression> {
        let mut union = Vec::new();
        for word in arguments.iter().flat_map(|argument| argument.split(' ')) {
            let word = word.trim();
            if word.is_empty() && !arguments.iter().all(|argument| argument.trim().is_empty()) {
                continue;
            }
            let parts = word.split(',').map(|raw| self.word(raw, &mut Vec::new())).collect::<Result<_>>()?;
            let asked = is_asked.then(|| word.to_owned());
            let word = Group { operator: Operator::Intersection, parts, indirect: self.indirect, asked };
            union.push(Expression::Group(word));
        }
        Ok(group(Operator::Union, union, self.indirect))
    }

    /// One criterion; `selector:nightly` stands for a whole tree.
    fn word(&self, raw: &str, trail: &mut Vec<String>) -> Result<Expression> {
        let criterion = Criterion::parse(raw, self.indirect)?;
        if criterion.method != Method::Selector {
            return Ok(Expression::Criterion(criterion));
        }
        if criterion.parents.is_some() || criterion.children.is_some() || criterion.childrens_parents {
            return Err(Error::usage(format!("selector \"{raw}\" puts an operator on a named selector"))
                .hint("put the operator on the criteria inside of the named selector"));
        }
        self.named(&criterion.text(), trail)
    }

    /// The tree of a named selector; `trail` are the names that led here.
    fn named(&self, name: &str, trail: &mut Vec<String>) -> Result<Expression> {
        let Some(selector) = self.selectors.iter().find(|selector| selector.name == name) else {
            let known: Vec<&str> = self.selectors.iter().map(|selector| selector.name.as_str()).collect();
            let hint = did_you_mean(name, known.iter().copied()).unwrap_or_else(|| match known.is_empty() {
                true => "define it in selectors.yml".to_owned(),
                false => format!("known selectors: {}", known.join(", ")),
            });
            return Err(Error::usage(format!("selector \"{name}\" does not exist")).hint(hint));
        };
        if trail.iter().any(|seen| seen == name) {
            let path = [trail.join(" → "), name.to_owned()].join(" → ");
            return Err(Error::config(format!("selector \"{name}\" refers to itself"))
                .detail(format!("{}:{} is on the way {path}.", selector.path, selector.line))
                .hint("take one of the references out"));
        }
        trail.push(name.to_owned());
        let expression = self.definition(&selector.definition, trail).map_err(|error| {
            if error.detail.is_some() {
                return error;
            }
            error.detail(format!("It stands in selector \"{name}\", {}:{}.", selector.path, selector.line))
        });
        trail.pop();
        expression
    }

    fn definition(&self, definition: &Definition, trail: &mut Vec<String>) -> Result<Expression> {
        // The parts of a YAML selector judge tests each for itself, as in dbt.
        let indirect = Indirect::Eager;
        let mut all =
            |parts: &[Definition]| parts.iter().map(|part| self.definition(part, trail)).collect::<Result<Vec<_>>>();
        let (base, exclude) = match definition {
            Definition::Text(raw) => return self.word(raw, trail),
            Definition::Union(parts, exclude) => (group(Operator::Union, all(parts)?, indirect), exclude),
            Definition::Intersection(parts, exclude) => (group(Operator::Intersection, all(parts)?, indirect), exclude),
            Definition::Method(method, exclude) => (Expression::Criterion(self.criterion(method)?), exclude),
            Definition::Selector(name, exclude) => (self.named(name, trail)?, exclude),
        };
        if exclude.is_empty() {
            return Ok(base);
        }
        let exclude = exclude.iter().map(|part| self.definition(part, trail)).collect::<Result<_>>()?;
        let exclude = group(Operator::Union, exclude, indirect);
        Ok(group(Operator::Difference, vec![base, exclude], indirect))
    }

    fn criterion(&self, written: &MethodDefinition) -> Result<Criterion> {
        let value = written.value.as_str().map_or_else(|| written.value.to_string(), str::to_owned);
        let raw = format!("{}:{value}", written.method);
        let (method, arguments) = parse_method(&written.method, &raw)?;
        let depth = |depth: Option<u64>| depth.map_or(usize::MAX, |d| usize::try_from(d).unwrap_or(usize::MAX));
        Criterion {
            method,
            arguments,
            value: written.value.clone(),
            parents: written.parents.then(|| depth(written.parents_depth)),
            children: written.children.then(|| depth(written.children_depth)),
            childrens_parents: written.childrens_parents,
            indirect: match &written.indirect_selection {
                Some(word) => Indirect::from_word(word)?,
                None => self.indirect,
            },
            raw,
        }
        .checked()
    }
}
