//! For tests: a host with a database in memory, and an environment with every object in it.

use super::{Flags, Host, Level, Policy, Statements};
use crate::error::{Error as Told, Result};
use crate::project::{
    Answer, Cell, Database, ExistingColumn, ExistingRelation, RelationKind, RelationName, quote_identifier,
};
use minijinja::{Environment, Error, UndefinedBehavior, Value};
use std::sync::{Arc, Mutex};

/// A relation with its columns.
type Stored = (ExistingRelation, Vec<ExistingColumn>);

/// A database that knows three queries and remembers what was asked of it.
#[derive(Debug, Default)]
pub(in crate::project) struct Memory {
    relations: Mutex<Vec<Stored>>,
    schemas: Mutex<Vec<String>>,
    asked: Mutex<Vec<String>>,
}

impl Memory {
    fn ask(&self, text: String) {
        self.asked.lock().expect("unpoisoned").push(text);
    }
}

/// A relation of the fake database: `db.shop.<identifier>`.
pub(super) fn name(identifier: &str) -> RelationName {
    RelationName { database: "db".into(), schema: "shop".into(), identifier: identifier.into() }
}

impl Database for Memory {
    fn describe(&self, sql: &str) -> Result<Vec<ExistingColumn>> {
        Err(crate::error::Error::failed(format!("the fake database cannot describe {sql}")))
    }

    fn execute(&self, sql: &str) -> Result<Answer> {
        self.ask(sql.trim().to_owned());
        let answer = |columns: &[&str], rows: Vec<Vec<Cell>>| Answer {
            columns: columns.iter().map(|name| (*name).to_owned()).collect(),
            tag: format!("SELECT {}", rows.len()),
            rows_affected: rows.len() as u64,
            rows,
        };
        let order = |id: i64, status: Option<&str>, amount: &str| {
            let status = status.map_or(Cell::Null, |status| Cell::Text(status.into()));
            vec![Cell::Int(id), status, Cell::Number(amount.into())]
        };
        match sql.trim() {
            "select * from orders" => {
                let rows = vec![order(1, Some("placed"), "1.5"), order(2, None, "2.5"), order(3, Some("placed"), "4")];
                Ok(answer(&["id", "status", "amount"], rows))
            }
            "select nothing" => Ok(answer(&["id"], Vec::new())),
            "show grants" => {
                let grant = |who: &str, what: &str| vec![Cell::Text(who.into()), Cell::Text(what.into())];
                let rows = vec![grant("ann", "select"), grant("bob", "select"), grant("ann", "insert")];
                Ok(answer(&["grantee", "privilege_type"], rows))
            }
            "select bad" => {
                Err(Told { sqlstate: Some("42703".into()), ..Told::failed("column \"bad\" does not exist") })
            }
            _ => Ok(Answer { tag: "DONE".into(), ..Answer::default() }),
        }
    }

    fn relation(&self, name: &RelationName) -> Result<Option<ExistingRelation>> {
        let relations = self.relations.lock().expect("unpoisoned");
        Ok(relations.iter().map(|(relation, _)| relation).find(|relation| relation.name == *name).cloned())
    }

    fn relations(&self, schema: &str) -> Result<Vec<ExistingRelation>> {
        let relations = self.relations.lock().expect("unpoisoned");
        Ok(relations.iter().map(|(relation, _)| relation.clone()).filter(|r| r.name.schema == schema).collect())
    }

    fn columns(&self, name: &RelationName) -> Result<Vec<ExistingColumn>> {
        let relations = self.relations.lock().expect("unpoisoned");
        Ok(relations.iter().find(|(relation, _)| relation.name == *name).map(|(_, c)| c.clone()).unwrap_or_default())
    }

    fn schemas(&self) -> Result<Vec<String>> {
        Ok(self.schemas.lock().expect("unpoisoned").clone())
    }

    fn create_schema(&self, schema: &str) -> Result<()> {
        self.schemas.lock().expect("unpoisoned").push(schema.to_owned());
        Ok(())
    }

    fn drop_schema(&self, schema: &str) -> Result<()> {
        self.schemas.lock().expect("unpoisoned").retain(|known| known != schema);
        Ok(())
    }

    fn drop_relation(&self, relation: &ExistingRelation) -> Result<()> {
        self.relations.lock().expect("unpoisoned").retain(|(known, _)| known != relation);
        Ok(())
    }

    fn rename_relation(&self, from: &ExistingRelation, to: &RelationName) -> Result<()> {
        for (known, _) in self.relations.lock().expect("unpoisoned").iter_mut().filter(|(known, _)| known == from) {
            known.name = to.clone();
        }
        Ok(())
    }

    fn truncate_relation(&self, name: &RelationName) -> Result<()> {
        self.ask(format!("truncate {}", quote_identifier(&name.identifier)));
        Ok(())
    }
}

/// A rendering that remembers what was said.
#[derive(Debug, Default)]
pub(super) struct Fake {
    database: Option<Arc<Memory>>,
    quoting: Policy,
    said: Mutex<Vec<(Level, String)>>,
    sent: Mutex<Vec<(Option<String>, String)>>,
}

impl Fake {
    /// Messages so far.
    pub fn said(&self) -> Vec<(Level, String)> {
        self.said.lock().expect("unpoisoned").clone()
    }

    /// Statements so far.
    pub fn sent(&self) -> Vec<(Option<String>, String)> {
        self.sent.lock().expect("unpoisoned").clone()
    }

    /// SQL that reached the database.
    pub fn asked(&self) -> Vec<String> {
        self.database.as_ref().map(|memory| memory.asked.lock().expect("unpoisoned").clone()).unwrap_or_default()
    }
}

impl Host for Fake {
    fn database(&self) -> Option<Arc<dyn Database>> {
        self.database.clone().map(|memory| memory as Arc<dyn Database>)
    }

    fn describe(&self, _: &str) -> Result<Vec<ExistingColumn>> {
        Ok(vec![column("id", "integer", None), column("code", "character varying", Some(8))])
    }

    fn macro_named(&self, package: Option<&str>, name: &str) -> Option<Value> {
        let known = [
            (Some("root"), "default__shadowed"),
            (Some("lib"), "default__shadowed"),
            (Some("lib"), "postgres__special"),
            (Some("lib"), "default__special"),
            (None, "default__anywhere"),
            (None, "get_incremental_delete_insert_sql"),
        ];
        let found = known.into_iter().find(|(home, known)| *home == package && *known == name)?;
        let place = found.0.unwrap_or("any").to_owned();
        let name = name.to_owned();
        Some(Value::from_function(move || format!("{place}.{name}")))
    }

    fn search_order(&self, namespace: &str) -> Vec<String> {
        if namespace == "lib" { vec!["root".into(), "lib".into()] } else { Vec::new() }
    }

    fn package(&self) -> String {
        "root".into()
    }

    fn say(&self, level: Level, text: &str) {
        self.said.lock().expect("unpoisoned").push((level, text.to_owned()));
    }

    fn sending(&self, name: Option<&str>, sql: &str) {
        self.sent.lock().expect("unpoisoned").push((name.map(str::to_owned), sql.to_owned()));
    }

    fn builtin(&self, name: &str) -> Option<Value> {
        (name == "ref").then(|| Value::from_function(|name: &str| format!("<{name}>")))
    }

    fn default_database(&self) -> String {
        "db".into()
    }

    fn default_schema(&self) -> String {
        "shop".into()
    }

    fn quoting(&self) -> Policy {
        self.quoting
    }

    fn invocation_id(&self) -> String {
        "00000000-0000-4000-8000-000000000001".into()
    }
}

fn column(name: &str, data_type: &str, char_size: Option<u32>) -> ExistingColumn {
    ExistingColumn { name: name.into(), data_type: data_type.into(), char_size, ..ExistingColumn::default() }
}

/// A rendering of the parse phase.
pub(super) fn parsing() -> Arc<Fake> {
    Arc::default()
}

/// A rendering of a project with its own quoting.
pub(super) fn quoting(quoting: Policy) -> Arc<Fake> {
    Arc::new(Fake { quoting, ..Fake::default() })
}

/// A rendering of the run phase: schema `shop` with the table `orders`, the view `paid` and the table `orders_new`.
pub(super) fn answering() -> Arc<Fake> {
    let relation = |identifier: &str, kind| ExistingRelation { name: name(identifier), kind };
    let code = |size| column("code", "character varying", Some(size));
    let orders = vec![column("id", "integer", None), code(8)];
    let newer = vec![column("id", "integer", None), code(20), column("note", "text", None)];
    let relations = vec![
        (relation("orders", RelationKind::Table), orders),
        (relation("paid", RelationKind::View), vec![column("id", "integer", None)]),
        (relation("orders_new", RelationKind::Table), newer),
    ];
    let memory = Memory {
        relations: Mutex::new(relations),
        schemas: Mutex::new(vec!["public".into(), "shop".into()]),
        ..Memory::default()
    };
    Arc::new(Fake { database: Some(Arc::new(memory)), ..Fake::default() })
}

fn try_render(host: &Arc<Fake>, text: &str) -> std::result::Result<String, Error> {
    let host: Arc<dyn Host> = host.clone();
    let mut env = Environment::new();
    env.set_undefined_behavior(UndefinedBehavior::Lenient);
    env.set_unknown_method_callback(minijinja_contrib::pycompat::unknown_method_callback);
    for (name, function) in Statements::new(host.clone()).functions() {
        env.add_global(name, function);
    }
    env.add_global("api", super::api(&host));
    env.add_global("adapter", super::adapter(host.clone()));
    env.add_global("builtins", super::builtins(host.clone()));
    env.add_global("exceptions", super::exceptions(host.clone()));
    env.add_global("log", super::log(host.clone()));
    env.add_global("print", super::print(host));
    env.add_global("debug", super::debug());
    env.add_global("try_or_compiler_error", super::try_or_compiler_error());
    env.add_global("diff_of_two_dicts", super::diff_of_two_dicts());
    env.add_global("flags", Flags::default().value());
    env.render_str(text, ())
}

/// The text of a template that must render.
pub(super) fn render(host: &Arc<Fake>, text: &str) -> String {
    try_render(host, text).unwrap_or_else(|error| panic!("{text}\n{error}"))
}

/// The error of a template that must not render.
pub(super) fn error(host: &Arc<Fake>, text: &str) -> Error {
    try_render(host, text).expect_err("an error")
}

/// What that error says.
pub(super) fn fault(host: &Arc<Fake>, text: &str) -> String {
    error(host, text).detail().unwrap_or_default().to_owned()
}
