//! A server's or a connection's fault as our error: SQLSTATE, detail, hint and the place in the statement are kept.

use crate::error::{Error, Kind};

/// Turns a driver error into ours. `doing` is the start of the message: `model "x" failed`, `migration failed`.
#[must_use]
pub fn fault(doing: &str, error: &tokio_postgres::Error) -> Error {
    let Some(db) = error.as_db_error() else {
        let cause = std::error::Error::source(error).map_or_else(|| error.to_string(), ToString::to_string);
        let kind = if error.is_closed() || is_io(error) { Kind::Unreachable } else { Kind::Failed };
        return Error::new(kind, format!("{doing}: {cause}"));
    };
    let code = db.code().code().to_owned();
    let kind = match &code[..2] {
        "08" | "28" | "3D" => Kind::Unreachable,
        _ if code.starts_with("57P") => Kind::Unreachable,
        _ => Kind::Failed,
    };
    let mut told = Error::new(kind, format!("{doing}: {}", db.message()));
    let mut facts = vec![format!("SQLSTATE {code}.")];
    facts.extend(db.detail().map(str::to_owned));
    told.detail = Some(facts.join(" "));
    told.hint = db.hint().map(str::to_owned).or_else(|| hint_for(&code).map(str::to_owned));
    told.sqlstate = Some(code);
    told
}

/// As [`fault`], with the line and a caret where the server points into `sql`.
#[must_use]
pub fn fault_in(doing: &str, sql: &str, error: &tokio_postgres::Error) -> Error {
    let mut told = fault(doing, error);
    if let Some(tokio_postgres::error::ErrorPosition::Original(position)) =
        error.as_db_error().and_then(|db| db.position())
    {
        let place = excerpt(sql, *position as usize);
        told.detail = Some(format!("{}\n{place}", told.detail.unwrap_or_default()));
    }
    told
}

/// As [`fault_in`], for a `part` of what was sent: its lines are counted, as the user knows it. What the server points
/// at outside the part is told without a place.
#[must_use]
pub fn fault_within(doing: &str, part: &str, sent: &str, error: &tokio_postgres::Error) -> Error {
    let mut told = fault(doing, error);
    let Some(tokio_postgres::error::ErrorPosition::Original(position)) =
        error.as_db_error().and_then(|db| db.position())
    else {
        return told;
    };
    let before = sent.find(part).map_or(0, |start| sent[..start].chars().count());
    let within = (*position as usize).checked_sub(before).filter(|at| (1..=part.chars().count()).contains(at));
    if let Some(at) = within {
        told.detail = Some(format!("{}\n{}", told.detail.unwrap_or_default(), excerpt(part, at)));
    }
    told
}

fn is_io(error: &tokio_postgres::Error) -> bool {
    std::error::Error::source(error).is_some_and(<dyn std::error::Error>::is::<std::io::Error>)
}

fn hint_for(sqlstate: &str) -> Option<&'static str> {
    match sqlstate {
        "28P01" | "28000" => Some("check user and password in the database URL"),
        "3D000" => Some("create the database, or correct its name in the database URL"),
        "42501" => {
            Some("grant the missing right to the role of the database URL, or let an owner run `quintile migrate`")
        }
        "53100" => Some("free disk space on the database server; the published relations are untouched"),
        "53300" => Some("lower database.max_connections, or raise max_connections of the server"),
        _ => None,
    }
}

/// The line of `sql` that holds the 1-based character `position`, numbered, with a caret under it.
fn excerpt(sql: &str, position: usize) -> String {
    let before: String = sql.chars().take(position.saturating_sub(1)).collect();
    let number = before.matches('\n').count() + 1;
    let column = before.chars().rev().take_while(|c| *c != '\n').count();
    let line = sql.lines().nth(number - 1).unwrap_or_default();
    let margin = format!("line {number}: ");
    format!("{margin}{line}\n{}^", " ".repeat(margin.len() + column))
}

#[cfg(test)]
mod tests {
    use super::excerpt;

    #[test]
    fn excerpt_points_at_the_character() {
        assert_eq!(excerpt("select 1,\n  frm x", 13), "line 2:   frm x\n          ^");
    }
}
