//! The one error type: what failed, the facts, the next step, and the exit code that follows.

use std::fmt;

/// What kind of failure this is; decides the exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The command line asks for something that cannot be.
    Usage,
    /// A setting, a mapping file or a project file is wrong.
    Config,
    /// The database cannot be reached or refuses us.
    Unreachable,
    /// A model, a data test, a load or a run failed.
    Failed,
    /// The user or the system asked us to stop.
    Interrupted,
}

impl Kind {
    /// Exit code of the process: 1 failed, 2 usage or configuration, 3 no database, 130 interrupted.
    #[must_use]
    pub fn exit_code(self) -> u8 {
        match self {
            Kind::Failed => 1,
            Kind::Usage | Kind::Config => 2,
            Kind::Unreachable => 3,
            Kind::Interrupted => 130,
        }
    }
}

/// A failure told in PostgreSQL's grammar: message (lower case, no period), detail, hint.
///
/// `Display` is the message alone; [`Error::report`] prints everything, once, at the edge.
#[derive(Debug)]
pub struct Error {
    /// Decides the exit code.
    pub kind: Kind,
    /// What failed: object kind and quoted name, lower case, no final period.
    pub message: String,
    /// The facts, as sentences; may hold several lines (an excerpt with a caret, for example).
    pub detail: Option<String>,
    /// One action that helps.
    pub hint: Option<String>,
    /// The cause, if another error is behind this one.
    pub source: Option<Box<dyn std::error::Error + Send + Sync>>,
    /// SQLSTATE of the server's answer, where one is behind this error.
    pub sqlstate: Option<String>,
}

/// Shorthand for results of this crate.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// A new error of this kind.
    pub fn new(kind: Kind, message: impl Into<String>) -> Self {
        Error { kind, message: message.into(), detail: None, hint: None, source: None, sqlstate: None }
    }

    /// A wrong command line.
    pub fn usage(message: impl Into<String>) -> Self {
        Error::new(Kind::Usage, message)
    }

    /// A wrong setting, mapping or project file.
    pub fn config(message: impl Into<String>) -> Self {
        Error::new(Kind::Config, message)
    }

    /// A database that cannot be reached.
    pub fn unreachable(message: impl Into<String>) -> Self {
        Error::new(Kind::Unreachable, message)
    }

    /// A failed model, test, load or run.
    pub fn failed(message: impl Into<String>) -> Self {
        Error::new(Kind::Failed, message)
    }

    /// A stop that was asked for.
    pub fn interrupted(message: impl Into<String>) -> Self {
        Error::new(Kind::Interrupted, message)
    }

    /// Adds the facts.
    #[must_use]
    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    /// Adds the next step.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Adds the cause.
    #[must_use]
    pub fn source(mut self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// Exit code of the process that ends with this error.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        self.kind.exit_code()
    }

    /// Whether a lock could not be had or a deadlock was broken: the same work may succeed a moment later.
    #[must_use]
    pub fn is_lock_trouble(&self) -> bool {
        matches!(self.sqlstate.as_deref(), Some("55P03" | "40P01" | "40001"))
    }

    /// Whether another try may not meet this fault: a lost connection, a lock, a full or stopping server.
    ///
    /// A model that is wrong stays wrong, and a refused login stays refused.
    #[must_use]
    pub fn may_pass(&self) -> bool {
        match self.sqlstate.as_deref() {
            None => self.kind == Kind::Unreachable,
            // A server that takes no writes was the primary until now; the next connection finds the new one.
            Some("25006") => true,
            Some(state) => self.is_lock_trouble() || ["08", "53", "57P"].iter().any(|class| state.starts_with(class)),
        }
    }

    /// The whole story for a terminal: `error:`, `caused by:`, `detail:`, `hint:`; no final newline.
    #[must_use]
    pub fn report(&self) -> String {
        let mut text = format!("error: {}", self.message);
        let mut cause = self.source.as_deref().map(|e| e as &dyn std::error::Error);
        while let Some(error) = cause {
            let told = error.to_string();
            // What the message or the facts say in full is not said twice.
            if !self.message.contains(&told) && !self.detail.as_ref().is_some_and(|detail| detail.contains(&told)) {
                text.push_str(&format!("\n  caused by: {told}"));
            }
            cause = error.source();
        }
        if let Some(detail) = &self.detail {
            // A list begins on a line of its own.
            let space = if detail.starts_with('\n') { "" } else { " " };
            text.push_str(&format!("\ndetail:{space}{}", detail.replace('\n', "\n  ")));
        }
        if let Some(hint) = &self.hint {
            text.push_str(&format!("\nhint: {hint}"));
        }
        text
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_deref().map(|e| e as &(dyn std::error::Error + 'static))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn report_tells_message_cause_detail_and_hint_in_this_order() {
        let cause = std::io::Error::new(std::io::ErrorKind::NotFound, "no such file");
        let error =
            Error::config("mapping \"shop\" cannot be read").source(cause).detail("line 1\nline 2").hint("create it");
        assert_eq!(
            error.report(),
            "error: mapping \"shop\" cannot be read\n  caused by: no such file\ndetail: line 1\n  line 2\nhint: create it"
        );
    }

    #[test]
    fn a_cause_that_is_told_already_is_not_told_twice() {
        let error = Error::failed("x failed: gone").source(std::io::Error::other("gone"));
        assert_eq!(error.report(), "error: x failed: gone");
    }

    #[test]
    fn faults_of_the_server_may_pass_and_faults_of_the_model_do_not() {
        let coded = |kind, state: &str| Error { sqlstate: Some(state.into()), ..Error::new(kind, "x") };
        for state in ["08006", "25006", "53100", "57P01", "57P03", "40001", "40P01", "55P03"] {
            assert!(coded(Kind::Failed, state).may_pass(), "{state}");
        }
        for state in ["42P01", "42501", "22012", "23505", "25P02", "57014"] {
            assert!(!coded(Kind::Failed, state).may_pass(), "{state}");
        }
        assert!(Error::unreachable("gone").may_pass());
        assert!(!coded(Kind::Unreachable, "28P01").may_pass());
        assert!(coded(Kind::Failed, "55P03").is_lock_trouble() && !coded(Kind::Failed, "53100").is_lock_trouble());
    }

    #[test]
    fn exit_codes_are_those_of_the_design() {
        let codes =
            [Kind::Failed, Kind::Usage, Kind::Config, Kind::Unreachable, Kind::Interrupted].map(Kind::exit_code);
        assert_eq!(codes, [1, 2, 2, 3, 130]);
    }
}
