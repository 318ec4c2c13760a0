//! Whether a model can be refreshed, that is made from its rows of the run before and the keys that changed since, and how.
//!
//! A model with `refresh='keys'` makes the rows of a key from that key's rows in what it reads; one with `refresh='sums'`
//! adds up over keys. What it reads is *keyed* by the same column (`distributed_by`) and then narrowed to the keys that
//! changed, or read whole and then must hold the same rows as before. Whatever cannot be told makes the model anew.

use super::carry::Decision;
use super::plan::{Step, published_context};
use super::step::RunContext;
use crate::error::{Error, Result};
use crate::project::{Context, Materialization, Model, Project, RelationName};
use crate::warehouse::Warehouse;
use crate::warehouse::connect::Client;
use crate::warehouse::materialize::run_relation;
use crate::warehouse::refresh::{Changes, Narrowed, Refreshing, Renewal, SMALL_TABLE, before_relation, now_relation};
use crate::warehouse::runs::Live;
use crate::warehouse::statement::qualified;
use chrono::{DateTime, Utc};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};

/// What a run knows of the runs before it, and what its own steps have changed so far.
#[derive(Debug, Default)]
pub struct Former {
    /// What is published, by model; empty where everything is to be made anew.
    pub live: BTreeMap<String, Live>,
    /// What the run does about each step.
    pub decisions: BTreeMap<String, Decision>,
    /// See [`recipe`], by model.
    pub recipes: BTreeMap<String, String>,
    /// Models that were refreshed in this run: their changed keys lie in the store.
    pub refreshed: Mutex<BTreeSet<String>>,
}

/// How a model asks to be refreshed.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Manner {
    Keys,
    Sums { group_by: Vec<String> },
}

/// A model's wish to be refreshed, and the column of its key.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Wish {
    manner: Manner,
    key: String,
    /// Models that are read whole, and of which rows that were read never change.
    settled: Vec<String>,
}

impl Former {
    /// The note that a step was refreshed.
    pub fn note(&self, model: &str) {
        self.refreshed.lock().unwrap_or_else(PoisonError::into_inner).insert(model.to_owned());
    }

    fn was_refreshed(&self, model: &str) -> bool {
        self.refreshed.lock().unwrap_or_else(PoisonError::into_inner).contains(model)
    }
}

/// Hash of how a model that can be refreshed makes its rows: its SQL and that of the views it reads, for no run and no instant.
///
/// None for others.
///
/// # Errors
/// The SQL asks for `as_of`: then rows change with time alone, and no key that changed tells it.
pub fn recipe(project: &Project, warehouse: &Warehouse, name: &str) -> Result<Option<String>> {
    let Some(model) = project.models.get(name) else { return Ok(None) };
    if wish(model).is_none() {
        return match model.config.contains_key("refresh") {
            true => Err(Error::config(format!("model \"{name}\" is to be refreshed, but by no key"))
                .hint("name the column of the key: distributed_by='customer_id', or refresh_key for sums over it")),
            false => Ok(None),
        };
    }
    let at = |instant: DateTime<Utc>| published_context(project, warehouse, 0, instant);
    let (early, late) = (at(DateTime::UNIX_EPOCH), at(DateTime::UNIX_EPOCH + chrono::TimeDelta::days(1)));
    let sql = project.compile(name, &early)?;
    if sql != project.compile(name, &late)? {
        return Err(Error::config(format!("model \"{name}\" is refreshed, but its rows depend on as_of"))
            .detail("Rows that change with time alone cannot be taken over from the run before.")
            .hint("leave as_of out of it, or remove refresh from its config"));
    }
    let mut hasher = blake3::Hasher::new();
    let mut part = |text: &str| {
        hasher.update(&(text.len() as u64).to_le_bytes());
        hasher.update(text.as_bytes());
    };
    part(env!("CARGO_PKG_VERSION"));
    part(&serde_json::to_string(&model.config).unwrap_or_default());
    part(&sql);
    let mut pending = project.parents(name);
    let mut seen = BTreeSet::new();
    while let Some(parent) = pending.pop() {
        let is_view = project.models.get(&parent).is_some_and(|m| m.materialization == Materialization::View);
        if is_view && seen.insert(parent.clone()) {
            part(&parent);
            part(&project.compile(&parent, &early)?);
            pending.extend(project.parents(&parent));
        }
    }
    Ok(Some(hasher.finalize().to_hex()[..32].to_owned()))
}

/// Refuses sums that could not be refreshed later, when they are made for the first time.
///
/// # Errors
/// A column of `group_by` or `row_count` is missing.
pub async fn keep_shape(run: &RunContext, step: &Step, client: &Client) -> Result<()> {
    let Some(Wish { manner: Manner::Sums { group_by }, .. }) = run.project.models.get(&step.name).and_then(wish) else {
        return Ok(());
    };
    let columns = run.warehouse.stored_columns(client, &step.name, &run_relation(&step.name, run.run_id)).await?;
    let mut needed = group_by.iter().map(String::as_str).chain(["row_count"]);
    match needed.find(|needed| columns.iter().all(|(name, _)| name != needed)) {
        None => Ok(()),
        Some("row_count") => {
            Err(Error::failed(format!("model \"{}\" is refreshed by sums and has no column \"row_count\"", step.name))
                .detail("By it a group goes of which nothing is left.")
                .hint("add count(*) AS row_count to its SELECT"))
        }
        Some(missing) => {
            Err(Error::failed(format!("model \"{}\" has group_by \"{missing}\", which is no column of it", step.name))
                .hint("let group_by name the columns that are no sums"))
        }
    }
}

/// How the step is to be refreshed; the reason why it is made anew instead.
///
/// # Errors
/// The store cannot be asked.
pub async fn plan(run: &RunContext, step: &Step) -> Result<std::result::Result<Refreshing, String>> {
    let Some(wish) = run.project.models.get(&step.name).and_then(wish) else {
        return Ok(Err("it does not ask for it".into()));
    };
    let former = &run.former;
    let Some(live) = former.live.get(&step.name) else { return Ok(Err("nothing is published".into())) };
    if live.recipe.is_none() || live.recipe.as_ref() != former.recipes.get(&step.name) {
        return Ok(Err("its SQL, its settings or a view that it reads have changed".into()));
    }
    if live.materialization != step.kind.name() || !live.has_rows || !live.hidden_reads.is_empty() {
        return Ok(Err("the rows published cannot be taken over".into()));
    }
    if live.as_of > run.as_of {
        return Ok(Err("the rows published are of a later instant".into()));
    }
    if !step.sources.is_empty() {
        return Ok(Err("it reads a source itself, and not through a view that is keyed".into()));
    }
    let mut found = Found { run, wish: &wish, base: live, changes: Vec::new(), same: Vec::new(), keyed: Vec::new() };
    for parent in run.project.parents(&step.name) {
        if let Err(reason) = found.look_at(&parent).await? {
            return Ok(Err(format!("{parent}: {reason}")));
        }
    }
    Ok(found.refreshing(step))
}

/// What the parents of a model tell.
struct Found<'a> {
    run: &'a RunContext,
    wish: &'a Wish,
    base: &'a Live,
    changes: Vec<Changes>,
    same: Vec<(String, String)>,
    keyed: Vec<String>,
}

type Told = std::result::Result<(), String>;

impl Found<'_> {
    async fn look_at(&mut self, parent: &str) -> Result<Told> {
        if self.wish.settled.iter().any(|name| name == parent) {
            return Ok(Ok(()));
        }
        let model = self.run.project.models.get(parent);
        let is_keyed = model.and_then(key_of).is_some_and(|key| key == self.wish.key);
        if is_keyed {
            self.keyed.push(parent.to_owned());
        }
        let is_view = model.is_some_and(|m| m.materialization == Materialization::View);
        match (is_view, is_keyed) {
            (true, true) => Box::pin(self.look_through(parent)).await,
            (true, false) => Ok(Err("it is a view that is not keyed".into())),
            (false, _) => self.look_at_table(parent, is_keyed).await,
        }
    }

    /// A keyed view has the changes of what it reads.
    async fn look_through(&mut self, view: &str) -> Result<Told> {
        let Some(model) = self.run.project.models.get(view) else { return Ok(Err("it is not in the project".into())) };
        for (source, table) in &model.sources {
            if (source.as_str(), table.as_str()) != ("raw", "orders") {
                return Ok(Err(format!("nobody follows changes of the source {source}.{table}")));
            }
            let Some(seen) = &self.base.sources_seen else {
                return Ok(Err("changes of orders were not followed then".into()));
            };
            if !self.run.warehouse.orders_are_followed(seen).await? {
                return Ok(Err("too many orders went, or nobody noted whose they were".into()));
            }
            self.add(Changes::Orders { seen: seen.clone(), seen_from: self.base.as_of });
        }
        for parent in self.run.project.parents(view) {
            let model = self.run.project.models.get(&parent);
            if model.and_then(key_of).is_none_or(|key| key != self.wish.key) {
                return Ok(Err(format!("it reads {parent}, which is not keyed")));
            }
            let is_view = model.is_some_and(|m| m.materialization == Materialization::View);
            let told = match is_view {
                true => Box::pin(self.look_through(&parent)).await?,
                false => self.look_at_table(&parent, true).await?,
            };
            if told.is_err() {
                return Ok(told);
            }
        }
        Ok(Ok(()))
    }

    async fn look_at_table(&mut self, parent: &str, is_keyed: bool) -> Result<Told> {
        let (former, run_id) = (&self.run.former, self.run.run_id);
        let Some(live) = former.live.get(parent).filter(|live| live.run_id <= self.base.run_id && live.has_rows) else {
            return Ok(Err("it was published since, or never".into()));
        };
        let is_reused = match former.decisions.get(parent) {
            None | Some(Decision::Carry(_) | Decision::Leave) => return Ok(Ok(())),
            Some(Decision::Build) => false,
            Some(Decision::Reuse(_)) => true,
        };
        let wishes = self.run.project.models.get(parent).and_then(wish);
        let (before, now) = (run_relation(parent, live.run_id), run_relation(parent, run_id));
        if !is_keyed {
            if live.row_count.is_none_or(|rows| rows > SMALL_TABLE) {
                return Ok(Err("it is too large to be compared".into()));
            }
            self.same.push((before, now));
        } else if former.was_refreshed(parent)
            || is_reused && self.run.warehouse.has_changed_keys(parent, run_id).await?
        {
            self.add(Changes::OfModel(parent.to_owned()));
        } else if wishes.is_some() {
            return Ok(Err("it was made anew".into()));
        } else {
            self.add(Changes::Between(before, now));
        }
        Ok(Ok(()))
    }

    fn add(&mut self, changes: Changes) {
        if !self.changes.contains(&changes) {
            self.changes.push(changes);
        }
    }

    fn refreshing(self, step: &Step) -> std::result::Result<Refreshing, String> {
        let (run, store) = (self.run, &self.run.warehouse.schemas.store);
        let mut narrowed = Vec::new();
        let mut narrow = |parent: &str, side: &str, relation: String| {
            let table = format!("{}__{side}{}", step.name, narrowed.len());
            narrowed.push(Narrowed { table: table.clone(), relation });
            (parent.to_owned(), in_store(store, table))
        };
        let mut now = run.context.relations.clone();
        // A refreshed table has kept its rows of the changed keys, before and now; where nothing else is narrowed, they serve.
        let kept = match (self.keyed.as_slice(), self.changes.as_slice()) {
            ([parent], [Changes::OfModel(model)]) if parent == model => Some(parent.clone()),
            _ => None,
        };
        for parent in &self.keyed {
            if kept.is_some() {
                now.insert(parent.clone(), in_store(store, now_relation(parent, run.run_id)));
                continue;
            }
            let relation = now.get(parent).map(|r| qualified(&r.schema, &r.identifier));
            let Some(relation) = relation else { return Err(format!("{parent} has no relation in this run")) };
            let (name, table) = narrow(parent, "n", relation);
            now.insert(name, table);
        }
        let compile = |relations: BTreeMap<String, RelationName>| {
            let context = Context { relations, ..run.context.clone() };
            run.project.compile(&step.name, &context).map_err(|e| e.message)
        };
        let renewal = match &self.wish.manner {
            Manner::Keys => Renewal::Keys { select: compile(now)? },
            Manner::Sums { group_by } => {
                let mut before = run.context.relations.clone();
                for parent in &self.keyed {
                    if kept.is_some() {
                        before.insert(parent.clone(), in_store(store, before_relation(parent, run.run_id)));
                        continue;
                    }
                    let Some(live) = run.former.live.get(parent).filter(|live| live.parent_relation.is_some()) else {
                        return Err(format!("{parent} is no table"));
                    };
                    let relation = qualified(store, &run_relation(parent, live.run_id));
                    let (name, table) = narrow(parent, "b", relation);
                    before.insert(name, table);
                }
                Renewal::Sums { group_by: group_by.clone(), before: compile(before)?, now: compile(now)? }
            }
        };
        Ok(Refreshing {
            former: run_relation(&step.name, self.base.run_id),
            key: self.wish.key.clone(),
            changes: self.changes,
            same: self.same,
            narrowed,
            renewal,
        })
    }
}

fn in_store(store: &str, table: String) -> RelationName {
    RelationName { database: String::new(), schema: store.to_owned(), identifier: table }
}

/// The column by which the rows of a model are found.
fn key_of(model: &Model) -> Option<&str> {
    model.config.get("distributed_by").or_else(|| model.config.get("key")).and_then(Value::as_str)
}

fn wish(model: &Model) -> Option<Wish> {
    let words = |key: &str| match model.config.get(key) {
        Some(Value::String(word)) => vec![word.clone()],
        Some(Value::Array(words)) => words.iter().filter_map(|word| word.as_str().map(str::to_owned)).collect(),
        _ => Vec::new(),
    };
    let manner = match model.config.get("refresh").and_then(Value::as_str) {
        Some("keys") => Manner::Keys,
        Some("sums") => Manner::Sums { group_by: words("group_by") },
        _ => return None,
    };
    let key = model.config.get("refresh_key").and_then(Value::as_str).or_else(|| key_of(model))?;
    Some(Wish { manner, key: key.to_owned(), settled: words("settled_refs") })
}
