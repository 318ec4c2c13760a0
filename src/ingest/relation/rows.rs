//! The SELECT that reads a relation by its mapping: each step of the converter of files as one part of a WITH.
//!
//! `OFFSET 0` keeps the parts apart: the server would otherwise put each expression into the place of its name, and compute
//! it as often as it is named. Nothing here can fail for a value: what cannot be read has no value, and is judged after.

use super::column::{Reader, sql_type};
use super::text::{literals, trimmed, verbatim};
use crate::ingest::mapping::Mapping;
use crate::project::quote_literal;
use crate::warehouse::entity::{Entity, Kind};

/// What becomes of a row whose key stands twice.
const CONTRADICTION: &str = "another row with the same key has other content";

/// The template of the SELECT; `from` is the template of the relation's name.
///
/// Its rows are all rows of the relation: the columns of the raw table, `outcome` (`fits`, `rejected`, `copy` of another
/// row, `erased`), `rejected_column` and `reason`.
pub(super) fn select(mapping: &Mapping, from: &str) -> String {
    let reader = Reader::of(mapping);
    let mut parts = vec![
        format!(
            "fields AS (\n    -- The texts of the columns that are read.\n    SELECT\n        {}\n    FROM {from} AS s\n    OFFSET 0\n)",
            listed(&reader.fields)
        ),
        layer("parts", "Texts taken apart.", "fields", &reader.parts),
        layer("clocks", "Times as the clocks show them.", "parts", &reader.clocks),
        layer("typed", "Values, as far as they can be read.", "clocks", &reader.typed),
    ];
    let rejection = match reader.rejections.is_empty() {
        true => "NULL::text[]".to_owned(),
        false => format!("CASE\n            {}\n        END", reader.rejections.join("\n            ")),
    };
    parts.push(layer(
        "judged",
        "The first reason why a row does not fit: column and words.",
        "typed",
        &[verbatim(&format!("{rejection} AS rejection"))],
    ));
    parts.extend(key(mapping).map(|key| keyed(mapping, &key)));
    format!("WITH {}\n{}", parts.join(",\n"), last(mapping))
}

fn listed(columns: &[String]) -> String {
    columns.join(",\n        ")
}

fn layer(name: &str, why: &str, from: &str, columns: &[String]) -> String {
    let mut all = vec![format!("{}.*", &from[..1])];
    all.extend(columns.iter().cloned());
    let (letter, columns) = (&from[..1], listed(&all));
    format!("{name} AS (\n    -- {why}\n    SELECT\n        {columns}\n    FROM {from} AS {letter}\n    OFFSET 0\n)")
}

/// The key of a row where the mapping names one: without a line, the lines of an order are numbered.
fn key(mapping: &Mapping) -> Option<Vec<&'static str>> {
    let is_numbered = mapping.entity == Entity::Orders && mapping.recipe("line").is_none();
    (!is_numbered).then(|| mapping.entity.key().to_vec())
}

/// Rows of one key: the first stays, the others are copies of it, or all contradict each other.
fn keyed(mapping: &Mapping, key: &[&str]) -> String {
    let value = |name: &str| format!("j.{}", value_name(name));
    let content: Vec<String> = mapping.entity.columns().iter().map(|column| value(column.name)).collect();
    let content = format!("hash_record_extended(ROW({}), 0)", content.join(", "));
    let key: Vec<String> = key.iter().map(|name| value(name)).collect();
    let window = format!("OVER (PARTITION BY j.rejection IS NULL, {})", key.join(", "));
    let columns = [
        format!("row_number() {window} AS copy_number"),
        format!("min({content}) {window} <> max({content}) {window} AS contradicts"),
    ];
    layer("keyed", "Rows that have the same key.", "judged", &columns)
}

/// Name of the typed value of a column: no keyword, and not the name of any text beside it.
pub(super) fn value_name(column: &str) -> String {
    format!("{column}_value")
}

/// The columns of the raw table, and what becomes of the row; persons who were erased do not come back.
fn last(mapping: &Mapping) -> String {
    let source = quote_literal(&mapping.source);
    let has_customers = mapping.entity.has_customers();
    let keeps_orders = mapping.entity == Entity::Orders;
    let mut columns = vec![verbatim(&format!("{source}::text AS source"))];
    for column in mapping.entity.columns() {
        let value = format!("k.{}", value_name(column.name));
        columns.push(match column.name {
            "customer_id" if keeps_orders => {
                format!("CASE WHEN NOT e.keeps_orders IS TRUE THEN {value} END AS customer_id")
            }
            name => format!("{value} AS {name}"),
        });
    }
    let is_erased = match (has_customers, keeps_orders) {
        (false, _) => "false",
        (true, false) => "e.customer_hash IS NOT NULL",
        (true, true) => "NOT e.keeps_orders",
    };
    let key = key(mapping);
    let (last_part, contradicts, copy) = match key {
        Some(_) => ("keyed", "k.contradicts", "WHEN k.copy_number > 1 THEN 'copy'\n        "),
        None => ("judged", "false", ""),
    };
    columns.push(format!(
        "CASE\n        WHEN k.rejection IS NOT NULL OR {contradicts} THEN 'rejected'\n        {copy}WHEN {is_erased} THEN 'erased'\n        \
         ELSE 'fits'\n    END AS outcome"
    ));
    let told = |place: u8, words: &str| match &key {
        None => format!("k.rejection[{place}]"),
        Some(_) => format!(
            "CASE WHEN k.rejection IS NOT NULL THEN k.rejection[{place}] WHEN k.contradicts THEN {} END",
            quote_literal(words)
        ),
    };
    let names = key.as_deref().unwrap_or_default().join(", ");
    columns.push(format!("{} AS rejected_column", told(1, &names)));
    columns.push(format!("{} AS reason", told(2, CONTRADICTION)));
    let erased = if has_customers { erased(&source) } else { String::new() };
    format!("SELECT\n    {}\nFROM {last_part} AS k{erased}", columns.join(",\n    "))
}

/// The persons who were erased, beside the rows. The hash is asked for where there are any: it costs more than all else.
fn erased(source: &str) -> String {
    let source = verbatim(source);
    format!(
        "
CROSS JOIN {{{{ source('quintile', 'person_keys') }}}} AS s
LEFT JOIN (
    SELECT
        t.customer_hash,
        bool_and(t.keeps_orders) AS keeps_orders
    FROM {{{{ source('quintile', 'tombstones') }}}} AS t
    WHERE t.workspace = {{{{ target.name | literal }}}}
        AND (t.source IS NULL OR t.source = {source})
    GROUP BY t.customer_hash
) AS e
    ON e.customer_hash = CASE
        WHEN EXISTS (SELECT FROM {{{{ source('quintile', 'tombstones') }}}} AS t WHERE t.workspace = {{{{ target.name | literal }}}})
            THEN quintile.customer_hash(s.inner_key, s.outer_key, k.customer_id_value)
    END"
    )
}

/// What `stg_source_*` says of a line: the mapping's, or the place within the order by all that the line holds.
pub(super) fn line(mapping: &Mapping) -> String {
    if key(mapping).is_some() {
        return "r.line".into();
    }
    let columns = mapping.entity.columns().iter().filter(|column| !["order_id", "line"].contains(&column.name));
    let order: Vec<String> = columns
        .map(|column| match column.kind {
            // By bytes: the order of a language may change with the system under it.
            Kind::Text | Kind::Currency | Kind::OneOf(_) => format!("r.{} COLLATE \"C\"", column.name),
            _ => format!("r.{}", column.name),
        })
        .collect();
    format!("row_number() OVER (PARTITION BY r.order_id ORDER BY {})::integer", order.join(", "))
}

/// A flag out of its spellings; no value for others.
pub(super) fn flag(text: &str) -> String {
    let among = |words: [&str; 5]| literals(&words.map(str::to_owned));
    format!(
        "CASE WHEN lower({0}) IN ({1}) THEN true WHEN lower({0}) IN ({2}) THEN false END",
        trimmed(text),
        among(["true", "t", "yes", "y", "1"]),
        among(["false", "f", "no", "n", "0"])
    )
}

/// No value, of the column's type.
pub(super) fn nothing(kind: Kind) -> String {
    format!("NULL::{}", sql_type(kind))
}
