//! Whether a model can be refreshed, that is made from its rows of the run before and the keys that changed since, and how.
//!
//! A model with `refresh='keys'` makes the rows of a key from that key's rows in what it reads; one with `refresh='sums'`
//! adds up over keys, one with `refresh='lines'` over order lines. What it reads is *keyed* by the same column
//! (`distributed_by`) and then narrowed to the keys that changed; or it has a row for each order line (`line_by_line`) and is
//! made from the lines of these keys; or it is read whole and then must hold the same rows as before. Whatever cannot be told
//! makes the model anew.

mod lines;
mod narrowing;
mod news;

pub use lines::is_line_by_line;
pub use news::news;

use lines::{collect_lines, orders, reads_orders_alone};
use narrowing::{Narrowing, Side};

use super::carry::Decision;
use super::plan::{Step, published_context};
use super::step::RunContext;
use crate::error::{Error, Result};
use crate::project::{Context, Materialization, Model, Project, RelationName, quote_identifier};
use crate::warehouse::Warehouse;
use crate::warehouse::changed_lines::{
    CUSTOMER, line_keys_relation, lines_of_keys_relation, lines_relation, removed_lines_relation,
};
use crate::warehouse::connect::Client;
use crate::warehouse::materialize::run_relation;
use crate::warehouse::refresh::{Changes, Narrowed, Refreshing, Renewal, SMALL_TABLE, before_relation, now_relation};
use crate::warehouse::runs::Live;
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
    /// By the run since which they changed: the order lines that were collected and their keys, or why they were not.
    pub lines: tokio::sync::Mutex<BTreeMap<i64, std::result::Result<Vec<String>, String>>>,
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
    /// Empty where each order line is a key of its own.
    key: String,
    /// The key of an order line, as an expression over the line `o`; empty as the key is.
    line_key: String,
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

    /// Drops the lines that were collected for models of the run, all of which are made.
    pub async fn drop_lines(&self, warehouse: &Warehouse, run_id: i64) -> Result<()> {
        for (since, collected) in std::mem::take(&mut *self.lines.lock().await) {
            if let Ok(line_keys) = collected {
                warehouse.drop_lines(since, &line_keys, run_id).await?;
            }
        }
        Ok(())
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

/// Refuses what could not be refreshed later, when it is made for the first time.
///
/// # Errors
/// A column of `group_by` or `row_count` is missing, or order lines have no such key.
pub async fn keep_shape(run: &RunContext, step: &Step, client: &Client) -> Result<()> {
    let Some(wish) = run.project.models.get(&step.name).and_then(wish) else { return Ok(()) };
    let reads_lines = run.project.parents(&step.name).iter().any(|parent| reads_orders_alone(&run.project, parent));
    if reads_lines && !wish.line_key.is_empty() {
        run.warehouse.try_line_key(client, &wish.line_key).await.map_err(|e| {
            Error::failed(format!("model \"{}\" is refreshed by a key that order lines do not have", step.name))
                .detail(e.report())
                .hint("let line_key tell it, as an expression over the line o: line_key='o.product_id'")
        })?;
    }
    let Manner::Sums { group_by } = wish.manner else { return Ok(()) };
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
    let mut found = Found {
        run,
        wish: &wish,
        base: live,
        changes: Vec::new(),
        same: Vec::new(),
        keyed: Vec::new(),
        lines: Vec::new(),
    };
    for parent in run.project.parents(&step.name) {
        if let Err(reason) = found.look_at(&parent).await? {
            return Ok(Err(format!("{parent}: {reason}")));
        }
    }
    if !found.lines.is_empty() {
        if !found.changes.is_empty() || !found.keyed.is_empty() {
            return Ok(Err("it reads order lines and keyed tables".into()));
        }
        if let Err(reason) = collect_lines(run, live).await? {
            return Ok(Err(reason));
        }
        let (since, run_id) = (live.run_id, run.run_id);
        found.changes.push(match wish.line_key.as_str() {
            "" => Changes::Lines { came: lines_relation(since, run_id), went: removed_lines_relation(since, run_id) },
            line_key => Changes::KeysOfLines(line_keys_relation(since, line_key, run_id)),
        });
    } else if wish.key.is_empty() {
        return Ok(Err("it reads no view that is line_by_line".into()));
    }
    found.refreshing(step)
}

/// What the parents of a model tell.
struct Found<'a> {
    run: &'a RunContext,
    wish: &'a Wish,
    base: &'a Live,
    changes: Vec<Changes>,
    same: Vec<(String, String)>,
    keyed: Vec<String>,
    /// Views that have a row for each order line.
    lines: Vec<String>,
}

type Told = std::result::Result<(), String>;

impl Found<'_> {
    async fn look_at(&mut self, parent: &str) -> Result<Told> {
        if self.wish.settled.iter().any(|name| name == parent) {
            return Ok(Ok(()));
        }
        if is_line_by_line(&self.run.project, parent) {
            self.lines.push(parent.to_owned());
            return self.look_at_lines(parent).await;
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

    /// A view of order lines has the changes of the orders.
    async fn look_at_lines(&self, view: &str) -> Result<Told> {
        if !reads_orders_alone(&self.run.project, view) {
            return Ok(Err("it is line_by_line, and reads other things than raw.orders".into()));
        }
        let Some(seen) = &self.base.sources_seen else {
            return Ok(Err("changes of orders were not followed then".into()));
        };
        if !self.run.warehouse.orders_are_followed(seen).await? {
            return Ok(Err("too many order lines went, or nobody noted which".into()));
        }
        Ok(Ok(()))
    }

    /// A keyed view has the changes of what it reads.
    async fn look_through(&mut self, view: &str) -> Result<Told> {
        let Some(model) = self.run.project.models.get(view) else { return Ok(Err("it is not in the project".into())) };
        if !model.sources.is_empty() {
            return Ok(Err("it reads a source, and not line_by_line".into()));
        }
        for parent in self.run.project.parents(view) {
            if self.wish.settled.contains(&parent) {
                continue;
            }
            let model = self.run.project.models.get(&parent);
            let is_keyed = model.and_then(key_of).is_some_and(|key| key == self.wish.key);
            let is_view = model.is_some_and(|m| m.materialization == Materialization::View);
            let told = match (is_view, is_keyed) {
                (true, true) => Box::pin(self.look_through(&parent)).await?,
                (true, false) => Err(format!("{parent} is a view that is not keyed")),
                (false, _) => self.look_at_table(&parent, is_keyed).await?,
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

    fn refreshing(self, step: &Step) -> Result<std::result::Result<Refreshing, String>> {
        let mut narrowing = Narrowing {
            run: self.run,
            step: &step.name,
            key: &self.wish.key,
            tables: BTreeMap::new(),
            narrowed: Vec::new(),
        };
        let now =
            Side { name: "n", relations: self.run.context.relations.clone(), as_of: self.run.as_of, former: None };
        let before = Side { name: "b", as_of: self.base.as_of, former: Some(&self.run.former.live), ..now.clone() };
        let mut sides = vec![now];
        if matches!(self.wish.manner, Manner::Sums { .. }) {
            sides.push(before);
        }
        let mut selects = Vec::new();
        for mut side in sides {
            let told = match self.lines.is_empty() {
                true => self.narrow_tables(&mut narrowing, &mut side)?,
                false => self.narrow_lines(&mut narrowing, &mut side)?,
            };
            if let Err(reason) = told {
                return Ok(Err(reason));
            }
            let context = Context { relations: side.relations, ..self.run.context.clone() };
            selects.push(self.run.project.compile(&step.name, &context)?);
        }
        let (before, now) = (selects.get(1).cloned().unwrap_or_default(), selects[0].clone());
        Ok(Ok(Refreshing {
            former: run_relation(&step.name, self.base.run_id),
            key: self.wish.key.clone(),
            changes: self.changes,
            same: self.same,
            narrowed: narrowing.narrowed,
            renewal: match &self.wish.manner {
                Manner::Keys => Renewal::Keys { select: now },
                Manner::Sums { group_by } => Renewal::Sums { group_by: group_by.clone(), before, now },
            },
        }))
    }

    /// Puts what is narrowed to the changed keys in the place of what the model reads by key.
    fn narrow_tables(&self, narrowing: &mut Narrowing<'_>, side: &mut Side<'_>) -> Result<Told> {
        let (run_id, store) = (self.run.run_id, &self.run.warehouse.schemas.store);
        // A refreshed table has kept its rows of the changed keys, before and now; where nothing else is narrowed, they serve.
        if let ([parent], [Changes::OfModel(model)]) = (self.keyed.as_slice(), self.changes.as_slice())
            && parent == model
        {
            let kept = match side.former {
                None => now_relation(parent, run_id),
                Some(_) => before_relation(parent, run_id),
            };
            side.relations.insert(parent.clone(), in_store(store, kept));
            return Ok(Ok(()));
        }
        for parent in &self.keyed {
            match narrowing.narrow(parent, side)? {
                Ok(relation) => side.relations.insert(parent.clone(), relation),
                Err(reason) => return Ok(Err(reason)),
            };
        }
        Ok(Ok(()))
    }

    /// Puts the views over the lines that were collected in the place of those over all orders.
    fn narrow_lines(&self, narrowing: &mut Narrowing<'_>, side: &mut Side<'_>) -> Result<Told> {
        let (since, run_id) = (self.base.run_id, self.run.run_id);
        let mut lines = match self.wish.line_key.as_str() {
            "" => lines_relation(since, run_id),
            line_key => lines_of_keys_relation(since, line_key, run_id),
        };
        let store = &self.run.warehouse.schemas.store;
        if side.former.is_some() {
            let then = format!("{}__then", narrowing.step);
            let keys = Some(self.wish.line_key.as_str()).filter(|line_key| !line_key.is_empty());
            let keys = keys.map(|line_key| (line_key.to_owned(), line_keys_relation(since, line_key, run_id)));
            let removed = removed_lines_relation(since, run_id);
            narrowing.narrowed.push(Narrowed::Then { view: then.clone(), lines, removed, keys });
            lines = then;
        }
        let sources = BTreeMap::from([(orders(), in_store(store, lines))]);
        let context = Context { sources, as_of: side.as_of.to_rfc3339(), ..self.run.context.clone() };
        for view in &self.lines {
            let select = self.run.project.compile(view, &context)?;
            let relation = narrowing.add_view(side, &select);
            side.relations.insert(view.clone(), relation);
        }
        Ok(Ok(()))
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
        Some("sums" | "lines") => Manner::Sums { group_by: words("group_by") },
        _ => return None,
    };
    let word = |key: &str| model.config.get(key).and_then(Value::as_str);
    let key = match word("refresh") {
        Some("lines") => "",
        _ => word("refresh_key").or_else(|| key_of(model))?,
    };
    let line_key = match (key, word("line_key")) {
        ("", _) => String::new(),
        (_, Some(expression)) => expression.to_owned(),
        ("customer_id", None) => CUSTOMER.to_owned(),
        (column, None) => format!("o.{}", quote_identifier(column)),
    };
    Some(Wish { manner, key: key.to_owned(), line_key, settled: words("settled_refs") })
}
