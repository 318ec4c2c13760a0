//! The files that a project has more because some of its sources are relations: staging models, sources and data tests.
//!
//! | model | rows |
//! |---|---|
//! | `stg_read_NAME` | all of the relation, with what becomes of each |
//! | `stg_source_NAME` | those that fit, with the columns of the raw table |
//! | `stg_counts_NAME` | how many there are of each outcome and reason |
//! | `stg_raw_orders` and so on | the raw table, and the relations beside it |
//! | `stg_raw_loads` | `raw.loads`, and the relations as if each was loaded once, now |
//! | `stg_relation_rejects` | reasons why rows of relations were left out |

use super::rows;
use super::text::verbatim;
use crate::ingest::mapping::{Mapping, SourceRelation};
use crate::project::{LONGEST_NAME as LONGEST_MODEL, quote_literal};
use crate::warehouse::entity::Entity;
use serde_json::json;
use std::collections::BTreeSet;

/// The variable by which the macro `raw_rows` knows which raw tables have relations beside them.
pub const TABLES_VARIABLE: &str = "relation_tables";
/// Longest name of a mapping that becomes models.
pub const LONGEST_NAME: usize = LONGEST_MODEL - "stg_source_".len();
/// Columns of `raw.loads` that models read.
const LOADS: [&str; 11] = [
    "load_id",
    "source",
    "table_name",
    "file_name",
    "outcome",
    "rows_read",
    "rows_loaded",
    "rows_unchanged",
    "rows_rejected",
    "rows_erased",
    "finished_at",
];

/// A mapping whose source is a relation.
#[derive(Clone, Debug)]
pub struct RelationSource {
    /// Name of the mapping file, without `.toml`.
    pub name: String,
    /// The mapping.
    pub mapping: Mapping,
    /// Its relation.
    pub relation: SourceRelation,
}

impl RelationSource {
    /// The mapping of this name, if its source is a relation.
    #[must_use]
    pub fn of(name: &str, mapping: Mapping) -> Option<RelationSource> {
        let relation = mapping.relation.clone()?;
        Some(RelationSource { name: name.to_owned(), mapping, relation })
    }
}

/// Whether models can be named after the mapping.
#[must_use]
pub fn is_model_name(name: &str) -> bool {
    let mut letters = name.chars();
    letters.next().is_some_and(|c| c.is_ascii_lowercase())
        && letters.all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
        && name.len() <= LONGEST_NAME
}

/// Name of the model that reads a relation whole.
#[must_use]
pub fn read_model(name: &str) -> String {
    format!("stg_read_{name}")
}

/// Paths and texts of the files, as if they stood in the project's folder.
#[must_use]
pub fn files(sources: &[RelationSource]) -> Vec<(String, String)> {
    if sources.is_empty() {
        return Vec::new();
    }
    let mut files = vec![("models/sources/relations.yml".to_owned(), properties(sources))];
    let mut model = |name: String, text: String| files.push((format!("models/sources/{name}.sql"), text));
    for source in sources {
        let name = &source.name;
        model(read_model(name), reading(source));
        model(format!("stg_source_{name}"), fitting(source));
        model(format!("stg_counts_{name}"), counts(source));
    }
    let tables: BTreeSet<&str> = sources.iter().map(|source| source.mapping.entity.table()).collect();
    for entity in Entity::ALL.into_iter().filter(|entity| tables.contains(entity.table())) {
        let beside = sources.iter().filter(|source| source.mapping.entity == entity);
        model(format!("stg_raw_{}", entity.table()), union(entity, beside));
    }
    model("stg_raw_loads".into(), loads(sources));
    model("stg_relation_rejects".into(), rejects(sources));
    for RelationSource { name, .. } in sources {
        files.push((format!("tests/data/rows_fit_{name}.sql"), some_fit(name)));
    }
    files
}

fn view(why: &str) -> String {
    format!("{{{{ config(materialized='view', access='private', tags=['staging', 'sources']) }}}}\n\n-- {why}\n")
}

fn reading(source: &RelationSource) -> String {
    let from = format!("{{{{ source('{0}', '{0}') }}}}", source.name);
    let why = format!("The relation of config/sources/{}.toml, read as the mapping says.", source.name);
    view(&why) + &rows::select(&source.mapping, &from) + "\n"
}

/// Names of the raw table's columns after `source`, before `load_id`.
fn column_names(entity: Entity) -> impl Iterator<Item = &'static str> {
    entity.columns().iter().map(|column| column.name)
}

fn fitting(source: &RelationSource) -> String {
    let mapping = &source.mapping;
    let mut columns = vec!["r.source".to_owned()];
    for name in column_names(mapping.entity) {
        let is_line = name == "line" && mapping.entity == Entity::Orders;
        columns.push(if is_line { format!("{} AS line", rows::line(mapping)) } else { format!("r.{name}") });
    }
    columns.push("0::bigint AS load_id".into());
    view("Rows that fit, as if they had been loaded.")
        + &format!(
            "SELECT\n    {}\nFROM {{{{ ref('{}') }}}} AS r\nWHERE r.outcome = 'fits'\n",
            columns.join(",\n    "),
            read_model(&source.name)
        )
}

fn counts(source: &RelationSource) -> String {
    let literal = |text: &str| verbatim(&quote_literal(text));
    view("Rows by what became of them, and why.")
        + &format!(
            "SELECT\n    {}::text AS source,\n    {}::text AS relation,\n    '{}'::text AS table_name,\n    r.outcome,\n    \
             r.rejected_column AS column_name,\n    r.reason,\n    count(*) AS row_count\nFROM {{{{ ref('{}') }}}} AS r\n\
             GROUP BY r.outcome, r.rejected_column, r.reason\n",
            literal(&source.mapping.source),
            literal(&source.relation.quoted()),
            source.mapping.entity.table(),
            read_model(&source.name)
        )
}

fn union<'a>(entity: Entity, beside: impl Iterator<Item = &'a RelationSource>) -> String {
    let select = |from: &str| {
        let names: Vec<String> = ["source"]
            .into_iter()
            .chain(column_names(entity))
            .chain(["load_id"])
            .map(|name| format!("r.{name}"))
            .collect();
        format!("SELECT\n    {}\nFROM {{{{ {from} }}}} AS r\n", names.join(",\n    "))
    };
    let mut parts = vec![select(&format!("source('raw', '{}')", entity.table()))];
    parts.extend(beside.map(|source| select(&format!("ref('stg_source_{}')", source.name))));
    view("The raw table, and the relations that are read as they stand.") + &parts.join("UNION ALL\n")
}

/// A relation is a file that was loaded once, now: what is counted of loads holds for it.
fn loads(sources: &[RelationSource]) -> String {
    let names: Vec<String> = LOADS.iter().map(|name| format!("r.{name}")).collect();
    let mut parts =
        vec![format!("SELECT\n    {}\nFROM {{{{ source('raw', 'loads') }}}} AS r\n", names.join(",\n    "))];
    let sum = |outcome: &str| format!("coalesce(sum(c.row_count) FILTER (WHERE c.outcome = '{outcome}'), 0)::bigint");
    parts.extend(sources.iter().map(|source| {
        format!(
            "SELECT\n    0::bigint,\n    c.source,\n    c.table_name,\n    c.relation,\n    'loaded',\n    \
             sum(c.row_count)::bigint,\n    {},\n    {},\n    {},\n    {},\n    NULL::timestamptz\nFROM {{{{ ref('stg_counts_{}') }}}} AS c\n\
             GROUP BY c.source, c.table_name, c.relation\n",
            sum("fits"),
            sum("copy"),
            sum("rejected"),
            sum("erased"),
            source.name
        )
    }));
    view("Loads, and the relations beside them.") + &parts.join("UNION ALL\n")
}

fn rejects(sources: &[RelationSource]) -> String {
    let parts: Vec<String> = sources
        .iter()
        .map(|source| {
            format!(
                "SELECT\n    c.source,\n    c.relation,\n    c.table_name,\n    c.column_name,\n    c.reason,\n    c.row_count\n\
                 FROM {{{{ ref('stg_counts_{}') }}}} AS c\nWHERE c.outcome = 'rejected'\n",
                source.name
            )
        })
        .collect();
    view("Rows of relations that were left out, by reason.") + &parts.join("UNION ALL\n")
}

/// As for a file: where no row fits, the mapping is wrong and not the rows.
fn some_fit(name: &str) -> String {
    format!(
        "-- Rows are read, and not one of them fits: the mapping is wrong.\nSELECT sum(c.row_count) AS rows_read\n\
         FROM {{{{ ref('stg_counts_{name}') }}}} AS c\nHAVING bool_and(c.outcome = 'rejected')\n"
    )
}

/// The sources; JSON is YAML, and quotes every name.
fn properties(sources: &[RelationSource]) -> String {
    let declared: Vec<_> = sources
        .iter()
        .map(|source| {
            json!({
                "name": source.name,
                "description": source.mapping.description,
                "schema": source.relation.schema,
                "tables": [{"name": source.name, "identifier": source.relation.name}],
            })
        })
        .collect();
    json!({
        "version": 2,
        "sources": declared,
    })
    .to_string()
}
