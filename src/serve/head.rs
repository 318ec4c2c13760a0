//! What every page begins with: the workspace, the run that is shown, and banners about what is wrong with it.

use super::format::{age, instant};
use crate::config::Schemas;
use crate::warehouse::pages::{Standing, WorkspaceEntry};
use serde::Serialize;

/// The common part of the pages.
#[derive(Serialize)]
pub(super) struct Head {
    /// Address of the page, for links to itself.
    pub(super) path: &'static str,
    pub(super) workspace: String,
    pub(super) workspaces: Vec<Choice>,
    pub(super) marts: String,
    pub(super) raw: String,
    pub(super) run: Option<RunView>,
    pub(super) banners: Vec<Banner>,
    pub(super) version: &'static str,
}

/// A workspace of the selector.
#[derive(Serialize)]
pub(super) struct Choice {
    name: String,
    title: String,
    is_selected: bool,
}

/// The run that is shown.
#[derive(Serialize)]
pub(super) struct RunView {
    number: i64,
    as_of: String,
    as_of_iso: String,
    data_age: String,
    published: String,
}

/// Something to know before the figures are read.
#[derive(Serialize)]
pub(super) struct Banner {
    /// Class of its colours: `warn` or `error`.
    pub(super) kind: &'static str,
    pub(super) title: String,
    pub(super) text: String,
}

impl Head {
    /// The head of the page at `path`.
    pub(super) fn new(
        path: &'static str,
        schemas: &Schemas,
        workspaces: &[WorkspaceEntry],
        standing: &Standing,
    ) -> Head {
        let choice = |entry: &WorkspaceEntry| Choice {
            name: entry.name.clone(),
            title: entry.title.clone().unwrap_or_else(|| entry.name.clone()),
            is_selected: entry.name == schemas.workspace,
        };
        let run = standing.run_id.zip(standing.as_of).map(|(number, as_of)| RunView {
            number,
            as_of: instant(as_of),
            as_of_iso: as_of.to_rfc3339(),
            data_age: age(as_of, standing.now),
            published: standing.published_at.map_or_else(String::new, |at| age(at, standing.now)),
        });
        Head {
            path,
            workspace: schemas.workspace.clone(),
            workspaces: workspaces.iter().map(choice).collect(),
            marts: schemas.marts.clone(),
            raw: schemas.raw.clone(),
            run,
            banners: failed_run(standing).into_iter().collect(),
            version: env!("CARGO_PKG_VERSION"),
        }
    }
}

/// The last run did not end well, and what is shown is older.
fn failed_run(standing: &Standing) -> Option<Banner> {
    if standing.last_state.as_deref() != Some("failed") {
        return None;
    }
    let number = standing.last_run_id.unwrap_or_default();
    let mut text = match standing.failed.as_slice() {
        [] => "The log of the run tells why.".to_owned(),
        [only] => format!("\"{only}\" failed."),
        [first, rest @ ..] => format!("\"{first}\" and {} more failed.", rest.len()),
    };
    text.push_str(match standing.run_id {
        Some(_) => " The page still shows the run published before it.",
        None => " Nothing has been published yet.",
    });
    let when = standing.last_finished_at.map_or_else(String::new, |at| format!(" {} ago", age(at, standing.now)));
    Some(Banner { kind: "error", title: format!("Run {number} failed{when}"), text })
}
