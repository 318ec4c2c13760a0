//! The macros that come with the program, case by case as dbt-core has them: what they render, what PostgreSQL answers.

use crate::harness::Database;
use quintile::project::context::Target;
use quintile::project::files::dbt_project::DbtProject;
use quintile::project::manifest::{self, Compiler, Input, Node, Package, Resource, RunScope};
use quintile::warehouse::Warehouse;
use quintile::warehouse::in_place::{Blocking, Limits, Session};
use serde::Deserialize;
use std::fmt::Write;
use std::sync::Arc;
use tokio_postgres::{Client, SimpleQueryMessage};

/// Name that the file gives the database; a test's own has another one.
const DATABASE: &str = "macro_cases";

#[derive(Deserialize)]
struct File {
    setup: String,
    prelude: String,
    case: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    call: String,
    text: Option<String>,
    value: Option<String>,
    #[serde(rename = "type")]
    type_name: Option<String>,
    rows: Option<String>,
    types: Option<Vec<String>>,
    error: Option<String>,
}

/// The macros over a database that the file's setup prepared.
struct Bench {
    warehouse: Warehouse,
    client: Client,
    compiler: Compiler,
    prelude: String,
}

#[tokio::test(flavor = "multi_thread")]
async fn the_macros_render_and_answer_as_in_dbt() {
    let db = Database::empty().await;
    let name = db.url().rsplit('/').next().and_then(|rest| rest.split('?').next()).expect("a name").to_owned();
    let text = include_str!("../fixtures/dbt_macros.toml").replace(DATABASE, &name);
    let file: File = toml::from_str(&text).expect("the cases");
    let client = db.client().await;
    client.batch_execute(&file.setup).await.expect("the setup");
    let bench = Bench { warehouse: db.warehouse().await, client, compiler: compiler(&name), prelude: file.prelude };
    let mut told = String::new();
    for case in &file.case {
        for difference in bench.differences(case).await {
            writeln!(told, "{}\n  {difference}", case.call).expect("a text");
        }
    }
    assert!(told.is_empty(), "{} cases, with these differences:\n{told}", file.case.len());
}

fn compiler(database: &str) -> Compiler {
    let project = DbtProject { name: "cases".into(), ..DbtProject::default() };
    let package = Package { project, project_text: String::new(), folder: String::new(), files: Vec::new() };
    let target = Target {
        name: "postgres".into(),
        database: database.into(),
        schema: "analytics".into(),
        threads: 1,
        ..Target::default()
    };
    let read = manifest::read(Input { packages: vec![package], target, ..Input::default() });
    assert!(read.problems.is_empty(), "{:?}", read.problems);
    Compiler { world: read.world, scope: Arc::new(RunScope::new(Arc::new(read.manifest))) }
}

impl Bench {
    /// What differs, each as a line.
    async fn differences(&self, case: &Case) -> Vec<String> {
        let rendered = match (self.render(&case.call).await, &case.error) {
            (Ok(text), None) => text,
            (Ok(text), Some(_)) => return vec![format!("is to fail, and renders {text}")],
            (Err(told), Some(wanted)) if told.contains(wanted) => return Vec::new(),
            (Err(told), wanted) => return vec![format!("fails, which is to say {wanted:?}: {told}")],
        };
        let mut found = Vec::new();
        let mut compare = |what: &str, got: &dyn std::fmt::Debug, wanted: &dyn std::fmt::Debug| {
            let (got, wanted) = (format!("{got:?}"), format!("{wanted:?}"));
            if got != wanted {
                found.push(format!("{what} is {got}\n  instead of {wanted}"));
            }
        };
        if let Some(text) = &case.text {
            compare("the text", &rendered, text);
        }
        let one = |expression: &str| format!("SELECT {expression} FROM (SELECT {rendered}) AS answers (answer)");
        if let Some(wanted) = &case.type_name {
            compare("the type", &self.value(&one("pg_typeof(answer)")).await, &Ok::<_, String>(wanted));
        }
        if let Some(wanted) = &case.value {
            compare("the value", &self.value(&one("answer::text")).await, &Ok::<_, String>(wanted));
        }
        if let Some(wanted) = &case.types {
            compare("the list of types", &self.types(&rendered).await, &Ok::<_, String>(wanted));
        }
        if let Some(wanted) = &case.rows {
            let rows = self.rows(&rendered).await.map(|rows| rows.trim_end().to_owned());
            compare("the answer", &rows, &Ok::<_, String>(wanted.trim_end()));
        }
        found
    }

    /// The text of a call with each run of white space as one blank, or the whole error.
    async fn render(&self, call: &str) -> Result<String, String> {
        // A session of its own: what a case asks for in vain must not stop the next.
        let session = Session::open(&self.warehouse, None, Limits::default()).await.map_err(|e| e.report())?;
        let database = Arc::new(Blocking::new(tokio::runtime::Handle::current(), Arc::new(session)));
        let compiler = self.compiler.over(database);
        let node = Arc::new(Node {
            package: "cases".into(),
            raw_code: format!("{}{{{{ {call} }}}}", self.prelude),
            ..Node::blank(Resource::Operation)
        });
        let compiled = tokio::task::spawn_blocking(move || compiler.inline(&node)).await.expect("no panic");
        let compiled = compiled.map_err(|e| e.report())?;
        Ok(compiled.code.split_whitespace().collect::<Vec<_>>().join(" "))
    }

    /// Types of the columns: a view keeps domains, which a description of the statement would show as what they are of.
    async fn types(&self, sql: &str) -> Result<Vec<String>, String> {
        let view = format!("DROP VIEW IF EXISTS pg_temp.answer; CREATE TEMP VIEW answer AS {sql}");
        self.client.batch_execute(&view).await.map_err(|e| format!("{e:?}"))?;
        let columns = "SELECT format_type(atttypid, atttypmod) FROM pg_attribute
            WHERE attrelid = 'pg_temp.answer'::regclass AND attnum > 0 ORDER BY attnum";
        let rows = self.client.query(columns, &[]).await.map_err(|e| format!("{e:?}"))?;
        Ok(rows.iter().map(|row| row.get(0)).collect())
    }

    /// The first row of a query that answers one.
    async fn value(&self, sql: &str) -> Result<String, String> {
        self.rows(sql).await.map(|rows| rows.lines().nth(1).unwrap_or_default().to_owned())
    }

    /// Names of columns, then rows, in the form of COPY.
    async fn rows(&self, sql: &str) -> Result<String, String> {
        let mut text = String::new();
        for message in self.client.simple_query(sql).await.map_err(|e| format!("{e:?}"))? {
            match message {
                SimpleQueryMessage::RowDescription(columns) => {
                    text.push_str(
                        &columns.iter().map(tokio_postgres::SimpleColumn::name).collect::<Vec<_>>().join("\t"),
                    );
                }
                SimpleQueryMessage::Row(row) => {
                    text.push('\n');
                    let values = (0..row.len()).map(|at| row.get(at).unwrap_or("\\N"));
                    text.push_str(&values.collect::<Vec<_>>().join("\t"));
                }
                _ => {}
            }
        }
        Ok(text)
    }
}
