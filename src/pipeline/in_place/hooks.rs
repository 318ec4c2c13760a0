//! Hooks of a node: statements before and after its own, inside of its transaction or outside of it.

use super::locate;
use super::step::Work;
use crate::error::{Error, Result};
use crate::project::manifest::Node;
use crate::warehouse::in_place::SqlFault;
use serde_json::Value as Json;

/// When hooks run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// Before the node's own statements.
    Before,
    /// After them.
    After,
}

/// One hook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hook {
    /// Its text, not rendered.
    pub sql: String,
    /// Whether it runs in the node's transaction.
    pub is_inside: bool,
}

/// The hooks of a node, in order.
pub fn of(node: &Node, when: When) -> Vec<Hook> {
    let keys = match when {
        When::Before => ["pre-hook", "pre_hook"],
        When::After => ["post-hook", "post_hook"],
    };
    let value = keys.iter().find_map(|key| node.config.get(*key)).cloned().unwrap_or_default();
    let items = match value {
        Json::Array(items) => items,
        Json::Null => Vec::new(),
        one => vec![one],
    };
    items.iter().filter_map(hook).filter(|hook| !hook.sql.trim().is_empty()).collect()
}

/// A text, a map, or the map as the text that `before_begin` and `after_commit` make.
fn hook(value: &Json) -> Option<Hook> {
    match value {
        Json::String(text) => match serde_json::from_str::<Json>(text) {
            Ok(inner @ Json::Object(_)) => hook(&inner),
            _ => Some(Hook { sql: text.clone(), is_inside: true }),
        },
        Json::Object(map) => Some(Hook {
            sql: map.get("sql").and_then(Json::as_str)?.to_owned(),
            is_inside: map.get("transaction").and_then(Json::as_bool).unwrap_or(true),
        }),
        _ => None,
    }
}

/// The hooks of a node whose own statements come next.
#[derive(Debug)]
pub struct Around {
    /// Those that still have to run, after the node's own statements.
    pub after: Vec<Hook>,
    /// Whether the node has hooks at all.
    pub is_any: bool,
}

/// Runs what comes before the node's own statements. A hook inside of the transaction opens it, and the node joins it.
pub async fn run_before(work: &Work) -> Result<Around> {
    let before = of(&work.node, When::Before);
    let after = of(&work.node, When::After);
    run(work, &before, false).await?;
    if before.iter().any(|hook| hook.is_inside) {
        work.session.begin().await?;
        run(work, &before, true).await?;
    }
    Ok(Around { is_any: !before.is_empty() || !after.is_empty(), after })
}

/// Renders and runs those hooks that belong inside or outside of the transaction.
pub async fn run(work: &Work, hooks: &[Hook], is_inside: bool) -> Result<()> {
    for hook in hooks.iter().filter(|hook| hook.is_inside == is_inside) {
        let text = hook.sql.clone();
        let sql = work.blocking(move |compiler, node| compiler.text(node, &text)).await?;
        if !sql.trim().is_empty() {
            work.session.execute(&sql).await.map_err(|e| told(work, &sql, e))?;
        }
    }
    Ok(())
}

/// The error of a hook's statement, with the statement as it was rendered.
fn told(work: &Work, sql: &str, mut error: Error) -> Error {
    let words = error.message.strip_prefix("statement failed: ").unwrap_or(&error.message);
    error.message = format!("hook of {} failed: {words}", work.node.label());
    let path = format!("hook of {} as rendered", work.run.manifest.shown_file(&work.node));
    let position = SqlFault::of(&error).and_then(|fault| fault.position);
    let place = locate::excerpt_of(&path, sql, position);
    error.detail = Some(error.detail.map_or(place.clone(), |facts| format!("{place}\n{facts}")));
    error
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::project::manifest::Resource;
    use serde_json::json;

    #[test]
    fn hooks_are_texts_or_maps_one_or_many() {
        let mut node = Node::blank(Resource::Model);
        node.config.insert("pre-hook".into(), json!("select 1"));
        node.config.insert(
            "post-hook".into(),
            json!(["analyze x", {"sql": "vacuum x", "transaction": false}, "{\"sql\": \"a\", \"transaction\": false}", ""]),
        );
        assert_eq!(of(&node, When::Before), [Hook { sql: "select 1".into(), is_inside: true }]);
        let after = of(&node, When::After);
        assert_eq!(after.iter().map(|hook| hook.is_inside).collect::<Vec<_>>(), [true, false, false]);
    }
}
