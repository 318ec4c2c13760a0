//! What is left to do of the last run: what failed, was skipped, or was never reached.

use super::{DbtLayout, is_good, ledger, load};
use crate::error::{Error, Result};
use crate::project::artifact::read;
use crate::project::artifact::run_results::Status;
use crate::warehouse::Warehouse;
use crate::warehouse::invocations::PastInvocation;
use serde_json::{Map, Value as Json};
use std::collections::BTreeSet;

/// The rest of a run.
#[derive(Clone, Debug, PartialEq)]
pub struct Rest {
    /// Its command.
    pub command: String,
    /// The options it was given.
    pub arguments: Json,
    /// Nodes to run, those that the project still has.
    pub ids: BTreeSet<String>,
    /// Which run it is the rest of, for people.
    pub of: String,
}

/// Finds the rest of the last run of this project and target: in the database, else in `run_results.json`.
pub async fn rest(warehouse: &Warehouse, project: &DbtLayout) -> Result<Rest> {
    let (name, schema) = (&project.project.name, &project.world.target.schema);
    let mut rest = match warehouse.last_invocation(name, schema).await? {
        Some(past) => of_invocation(past),
        None => of_file(project)?,
    };
    let known = &project.manifest;
    rest.ids.retain(|id| known.nodes.contains_key(id) || known.kept.contains_key(id));
    Ok(rest)
}

fn of_invocation(past: PastInvocation) -> Rest {
    let ended_well = |id: &String| past.statuses.get(id).is_some_and(|status| ends_well(status));
    Rest {
        ids: past.selected.iter().filter(|id| !ended_well(id)).cloned().collect(),
        of: format!("quintile {} of {}", past.command, past.started_at.format("%Y-%m-%d %H:%M:%S UTC")),
        command: past.command,
        arguments: past.arguments,
    }
}

/// A word of a later version of this program is no reason to run a node less.
fn ends_well(word: &str) -> bool {
    Status::from_word(word).is_some_and(is_good)
}

fn of_file(project: &DbtLayout) -> Result<Rest> {
    let path = project.target_dir.join("run_results.json");
    let Some(text) = load::optional(&path)? else {
        return Err(Error::usage("there is no earlier run to retry")
            .detail("Neither the database nor the target folder knows one of this project and target.")
            .hint("run the project first: quintile build"));
    };
    let shown = path.display().to_string();
    let past = read::run_results(&shown, &text)?;
    let command = past.args.get("which").and_then(Json::as_str).unwrap_or("build").to_owned();
    Ok(Rest {
        ids: past.results.iter().filter(|r| !is_good(r.status)).map(|r| r.unique_id.clone()).collect(),
        of: format!("the run in {shown}"),
        command,
        arguments: Json::Object(past.args),
    })
}

impl Rest {
    /// Variables that the run was given, as far as they may be written down.
    pub fn vars(&self) -> Result<Map<String, Json>> {
        let vars = self.arguments.get("vars").and_then(Json::as_object).cloned().unwrap_or_default();
        let hidden = |value: &Json| value.to_string().contains(ledger::HIDDEN);
        match vars.iter().find(|(_, value)| hidden(value)) {
            Some((name, _)) => Err(Error::usage(format!("variable \"{name}\" holds a secret, which is not kept"))
                .hint(format!("give it again: quintile retry --vars '{{{name}: ...}}'"))),
            None => Ok(vars),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::DateTime;
    use serde_json::json;

    fn past(statuses: &[(&str, &str)]) -> PastInvocation {
        PastInvocation {
            id: "i".into(),
            command: "build".into(),
            arguments: json!({"vars": {"days": 3}}),
            selected: ["a", "b", "c", "d"].map(str::to_owned).to_vec(),
            state: "error".into(),
            started_at: DateTime::UNIX_EPOCH,
            statuses: statuses.iter().map(|(id, status)| ((*id).to_owned(), (*status).to_owned())).collect(),
        }
    }

    #[test]
    fn what_failed_was_skipped_or_never_reached_is_left() {
        let rest = of_invocation(past(&[("a", "success"), ("b", "error"), ("c", "skipped")]));
        assert_eq!(rest.ids.into_iter().collect::<Vec<_>>(), ["b", "c", "d"]);
    }

    #[test]
    fn of_a_killed_run_everything_is_left_and_of_a_good_one_nothing() {
        assert_eq!(of_invocation(past(&[])).ids.len(), 4);
        let good = past(&[("a", "success"), ("b", "pass"), ("c", "warn"), ("d", "no-op")]);
        assert!(of_invocation(good).ids.is_empty());
    }

    #[test]
    fn a_hidden_variable_has_to_be_given_again() {
        let mut rest = of_invocation(past(&[]));
        assert_eq!(rest.vars().expect("plain")["days"], 3);
        rest.arguments = json!({"vars": {"api_token": "*****"}});
        assert!(rest.vars().expect_err("hidden").message.contains("api_token"));
    }
}
