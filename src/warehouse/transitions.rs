//! Transitions between any two runs, out of the rows of the segment history.

use super::Warehouse;
use super::fault::fault;
use super::statement::fill;
use crate::error::{Error, Result};

const DOING: &str = "segment history cannot be read";

/// How many customers went from one segment to another.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Transition {
    /// None for those who were in no segment.
    pub from_segment: Option<String>,
    /// None for those who are in none any more.
    pub to_segment: Option<String>,
    /// How many; equal segments are those who stayed, or came back.
    pub customer_count: i64,
    /// Sum of their net revenue so far, when they moved last; not known of those who stayed.
    pub revenue: Option<String>,
}

/// What lies between two runs.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Transitions {
    /// The scheme of segments.
    pub scheme: String,
    /// The run at the beginning.
    pub from_run: i64,
    /// The run at the end.
    pub to_run: i64,
    /// One a pair of segments.
    pub transitions: Vec<Transition>,
}

impl Warehouse {
    /// The transitions in a scheme between two runs: by default from the one before the newest to the newest.
    pub async fn transitions(&self, scheme: &str, from: Option<i64>, to: Option<i64>) -> Result<Transitions> {
        let told = |e: tokio_postgres::Error| match e.code() {
            Some(&tokio_postgres::error::SqlState::UNDEFINED_TABLE) => {
                Error::failed(format!("workspace \"{}\" has no segment history", self.schemas.workspace))
                    .hint("publish its models: quintile build --select +segment_history +segment_transitions")
            }
            _ => fault(DOING, &e),
        };
        let filled = |sql| fill(sql, &[("marts", &self.schemas.marts)]);
        let client = self.client().await?;
        let schemes = client.query(&filled(include_str!("sql/transitions_schemes.sql")), &[]).await.map_err(told)?;
        let schemes: Vec<String> = schemes.iter().map(|row| row.get(0)).collect();
        if !schemes.iter().any(|known| known == scheme) {
            return Err(Error::usage(format!("scheme \"{scheme}\" is not in the segment history"))
                .hint(format!("known schemes: {}", schemes.join(", "))));
        }
        let sql = filled(include_str!("sql/transitions_runs.sql"));
        let runs = client.query(&sql, &[&self.schemas.workspace]).await.map_err(told)?;
        let runs: Vec<i64> = runs.iter().map(|row| row.get(0)).collect();
        let to_run = known(&runs, to.or(runs.last().copied()), "none")?;
        let before = runs.iter().rev().find(|run| **run < to_run).copied();
        let from_run = known(&runs, from.or(before), "nothing before it")?;
        if from_run >= to_run {
            return Err(Error::usage(format!("run {from_run} does not come before run {to_run}"))
                .hint("--from names the earlier run, --to the later one"));
        }
        let sql = filled(include_str!("sql/transitions_between.sql"));
        let rows = client.query(&sql, &[&scheme, &from_run, &to_run]).await.map_err(told)?;
        let transitions = rows.iter().map(|row| Transition {
            from_segment: row.get("from_segment"),
            to_segment: row.get("to_segment"),
            customer_count: row.get("customer_count"),
            revenue: row.get("revenue"),
        });
        Ok(Transitions { scheme: scheme.to_owned(), from_run, to_run, transitions: transitions.collect() })
    }
}

/// The run, if the history can tell of it.
fn known(runs: &[i64], wanted: Option<i64>, lacking: &str) -> Result<i64> {
    let span = match (runs.first(), runs.last()) {
        (Some(first), Some(last)) => format!("It begins with run {first} and goes up to run {last}."),
        _ => "It has no run.".to_owned(),
    };
    match wanted {
        Some(run) if runs.contains(&run) => Ok(run),
        Some(run) => Err(Error::usage(format!("run {run} is not in the segment history"))
            .detail(format!("{span} Runs that failed, or that a roll-back turned away from, are not in it."))
            .hint("see quintile runs")),
        None => Err(Error::failed(format!("segment history has {lacking} to compare with"))
            .detail(span)
            .hint("transitions are there from the second published run on")),
    }
}

#[cfg(test)]
mod tests {
    use super::known;

    #[test]
    fn a_run_that_the_history_does_not_know_is_told_with_those_it_does() {
        assert_eq!(known(&[3, 5], Some(5), "none").expect("known"), 5);
        let unknown = known(&[3, 5], Some(4), "none").expect_err("unknown");
        assert_eq!(unknown.message, "run 4 is not in the segment history");
        assert!(unknown.detail.is_some_and(|d| d.starts_with("It begins with run 3 and goes up to run 5.")));
        assert!(known(&[], None, "none").is_err());
    }
}
