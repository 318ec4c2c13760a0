//! The parameters of a connection from all places, each with its origin: what is given first stays.

use super::keyword::{self, KEYWORDS, Use};
use super::{pairs, url};
use std::collections::BTreeMap;
use std::fmt;

/// Where a part of a connection comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The connection URL, or the `keyword=value` string.
    Given,
    /// A service file of this path.
    ServiceFile(String),
    /// A variable of this name.
    Variable(&'static str),
    /// A password file of this path.
    PasswordFile(String),
    /// Nothing said otherwise.
    Default,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::Given => f.write_str("connection URL"),
            Origin::ServiceFile(path) | Origin::PasswordFile(path) => f.write_str(path),
            Origin::Variable(name) => f.write_str(name),
            Origin::Default => f.write_str("default"),
        }
    }
}

/// Checked keywords with their values. Values may be secrets, so this has no `Debug`.
#[derive(Default)]
pub(in crate::config) struct Parameters {
    values: BTreeMap<&'static str, (String, Origin)>,
    /// Sentences without values.
    pub problems: Vec<String>,
}

impl Parameters {
    /// Those of a URL or a `keyword=value` string; the error is a sentence without values.
    pub fn of(text: &str) -> Result<Parameters, String> {
        let given = match url::without_scheme(text.trim()) {
            Some(rest) => url::parse(rest)?,
            None if text.contains("://") => return Err("the scheme of a URL must be postgres or postgresql".into()),
            None => pairs::parse(text)?,
        };
        let mut parameters = Parameters::default();
        // Of two values in one string the later counts.
        for (name, value) in given.into_iter().rev() {
            parameters.fill(&name, value, Origin::Given);
        }
        Ok(parameters)
    }

    /// Takes a value unless one is there; an empty one is none.
    pub fn fill(&mut self, name: &str, value: String, origin: Origin) {
        let place = match &origin {
            Origin::Variable(variable) => format!("variable {variable}"),
            Origin::ServiceFile(path) => format!("connection keyword \"{name}\" in {path}"),
            _ => format!("connection keyword \"{name}\""),
        };
        let Some(keyword) = keyword::find(name) else {
            self.problems.push(format!("{place} is not known{}", nearest(name)));
            return;
        };
        if value.is_empty() {
            return;
        }
        match keyword.taken {
            Use::Taken => {
                self.values.entry(keyword.name).or_insert((value, origin));
            }
            Use::Idle => {}
            Use::Only(values, _) if values.contains(&value.as_str()) => {}
            Use::Only(_, reason) | Use::Refused(reason) => {
                self.problems.push(format!("{place} cannot be followed: {reason}"));
            }
        }
    }

    /// Fills what is missing from the variables of the manual's section "Environment Variables".
    pub fn fill_from_environment(&mut self, variables: &BTreeMap<String, String>) {
        for keyword in KEYWORDS {
            if let Some(variable) = keyword.variable
                && let Some(value) = variables.get(variable)
            {
                self.fill(keyword.name, value.clone(), Origin::Variable(variable));
            }
        }
    }

    /// The value of a keyword.
    pub fn get(&self, name: &'static str) -> Option<&str> {
        self.values.get(name).map(|(value, _)| value.as_str())
    }

    /// Where the value of a keyword comes from.
    pub fn origin(&self, name: &'static str) -> Origin {
        self.values.get(name).map_or(Origin::Default, |(_, origin)| origin.clone())
    }

    /// One of the values that a keyword may have.
    pub fn choice<T: Copy>(&mut self, name: &'static str, choices: &[(&str, T)], default: T) -> T {
        let Some(value) = self.get(name) else { return default };
        if let Some((_, choice)) = choices.iter().find(|(word, _)| *word == value) {
            return *choice;
        }
        let words: Vec<&str> = choices.iter().map(|(word, _)| *word).collect();
        self.problems.push(format!("connection keyword \"{name}\" must be one of {}", words.join(", ")));
        default
    }

    /// A number that is not negative.
    pub fn number(&mut self, name: &'static str) -> Option<u64> {
        let value = self.get(name)?;
        // libpq takes negative numbers of seconds for zero.
        match value.parse::<i64>() {
            Ok(number) => u64::try_from(number).ok().or(Some(0)),
            Err(_) => {
                self.problems.push(format!("connection keyword \"{name}\" must be a whole number"));
                None
            }
        }
    }

    /// The items of a comma-separated value, of which an item may be empty.
    pub fn list(&self, name: &'static str) -> Vec<String> {
        self.get(name).map(|value| value.split(',').map(|item| item.trim().to_owned()).collect()).unwrap_or_default()
    }
}

/// `; did you mean "sslmode"?`, for a keyword that differs in one letter or begins alike.
fn nearest(name: &str) -> String {
    let is_near = |known: &str| {
        let same = known.chars().zip(name.chars()).take_while(|(a, b)| a == b).count();
        same + 2 >= known.len().max(name.len()) || (name.len() >= 4 && known.starts_with(name))
    };
    let found = KEYWORDS.iter().find(|keyword| is_near(keyword.name));
    found.map(|keyword| format!("; did you mean \"{}\"?", keyword.name)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_given_first_stays_and_the_rest_is_filled() {
        let mut parameters = Parameters::of("host=a host=b user=u").expect("right");
        parameters.fill("user", "late".into(), Origin::ServiceFile("/f".into()));
        parameters.fill("port", "1".into(), Origin::ServiceFile("/f".into()));
        let variables = [("PGPORT", "2"), ("PGDATABASE", "d"), ("PGSSLCRL", ""), ("PGTZ", "UTC")];
        parameters.fill_from_environment(&variables.map(|(name, value)| (name.into(), value.into())).into());
        let all = ["host", "user", "port", "dbname"].map(|name| parameters.get(name).unwrap_or_default().to_owned());
        assert_eq!(all, ["b", "u", "1", "d"]);
        assert_eq!(parameters.origin("dbname"), Origin::Variable("PGDATABASE"));
        assert_eq!(parameters.problems, Vec::<String>::new());
    }

    #[test]
    fn unknown_and_refused_keywords_are_named_with_the_reason() {
        let mut parameters =
            Parameters::of("postgres://h/d?sslmod=x&krbsrvname=postgres&gssencmode=prefer").expect("URL");
        parameters.fill_from_environment(&[("PGREQUIREAUTH".to_owned(), "md5".to_owned())].into());
        assert_eq!(
            parameters.problems,
            [
                "connection keyword \"krbsrvname\" cannot be followed: Kerberos is not supported; use a password or a client certificate",
                "connection keyword \"sslmod\" is not known; did you mean \"sslmode\"?",
                "variable PGREQUIREAUTH cannot be followed: it cannot be enforced; channel_binding=require can",
            ]
        );
        assert_eq!(
            Parameters::of("mysql://h/d").err().as_deref(),
            Some("the scheme of a URL must be postgres or postgresql")
        );
    }
}
