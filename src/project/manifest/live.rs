//! `live('name')`: a relation as readers see it before the run, so that a model can tell what the run changes.
//!
//! It is no edge of the graph and no input: what was published decides nothing about what the rows of a run are, only
//! about what is news in them, and where no input has changed there is no news.

use super::Resource;
use super::fault::refuse;
use super::rendering::{Phase, Rendering};
use crate::project::context::Relation;
use crate::project::database::RelationName;
use minijinja::value::{Kwargs, Rest};
use minijinja::{Error, Value};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// What a model published before the run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LiveRelation {
    /// Its published view.
    pub relation: RelationName,
    /// The view's columns.
    pub columns: BTreeSet<String>,
    /// The run whose rows it shows.
    pub run_id: i64,
    /// For a history: which run's rows each model showed when this one was last built.
    pub saw: BTreeMap<String, i64>,
}

/// The function that templates call.
pub(super) fn function(rendering: Arc<Rendering>) -> Value {
    Value::from_function(move |args: Rest<Value>, kwargs: Kwargs| call(&rendering, &args, &kwargs))
}

fn call(rendering: &Rendering, args: &[Value], kwargs: &Kwargs) -> Result<Value, Error> {
    let [name] = args else { return Err(refuse("live() takes the name of one model")) };
    let name = name.as_str().ok_or_else(|| refuse("live() takes a name as text"))?;
    let columns: Vec<String> = kwargs.get::<Option<Vec<String>>>("columns")?.unwrap_or_default();
    let seen_by: Option<String> = kwargs.get("seen_by")?;
    kwargs.assert_all_used()?;
    if rendering.node.resource != Resource::Model {
        return Err(refuse("live() is for models: a data test looks at the rows of its run"));
    }
    let Phase::Run(scope) = &rendering.phase else {
        let mut record = rendering.lock();
        for named in [Some(name), seen_by.as_deref()].into_iter().flatten() {
            if !record.lives.iter().any(|known| known == named) {
                record.lives.push(named.to_owned());
            }
        }
        let schema = rendering.world.target.schema.clone();
        let placeholder = RelationName { database: String::new(), schema, identifier: name.to_owned() };
        return Ok(Relation::new(placeholder).value());
    };
    let found = scope.live.get(name).filter(|live| columns.iter().all(|column| live.columns.contains(column)));
    let found = found.filter(|live| match &seen_by {
        None => true,
        Some(history) => scope.live.get(history).and_then(|h| h.saw.get(name)) == Some(&live.run_id),
    });
    Ok(found.map_or_else(|| Value::from(()), |live| Relation::new(live.relation.clone()).value()))
}
