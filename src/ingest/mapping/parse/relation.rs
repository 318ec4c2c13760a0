//! `[relation]`, and what of a mapping cannot be said in SQL: told where the mapping is read, and not by a run.

use super::file::{NUMBER_KEYS, number_format};
use super::problems::{Problems, join_key};
use crate::ingest::instant::InstantFormat;
use crate::ingest::mapping::{FileFormat, Recipe, SourceRelation};
use crate::ingest::number::NumberFormat;
use crate::ingest::relation;
use crate::warehouse::entity::Entity;
use toml::Table;

const RELATION: &str = "relation";

/// The relation, and how the texts in its columns are written.
pub(super) fn relation(root: &Table, problems: &mut Problems) -> Option<(SourceRelation, FileFormat)> {
    let table = problems.table(root, RELATION)?;
    problems.unknown_keys(RELATION, table, &[&["name", "nulls"][..], &NUMBER_KEYS].concat());
    if root.contains_key("file") {
        problems.add("file", "cannot stand beside relation: a source is files, or a relation");
    }
    let name = problems.text(RELATION, table, "name");
    let found = name.as_deref().and_then(SourceRelation::parse);
    if found.is_none() {
        let what = "must name a table or view, as \"shop.orders\" does; parts with other signs in double quotes";
        problems.add(&join_key(RELATION, "name"), what);
    }
    let format = FileFormat {
        nulls: problems.texts(RELATION, table, "nulls").unwrap_or_else(|| vec![String::new()]),
        numbers: number_format(RELATION, table, &NumberFormat::default(), problems),
        ..FileFormat::default()
    };
    let nowhere = SourceRelation { schema: String::new(), name: String::new() };
    Some((found.unwrap_or(nowhere), format))
}

/// What a view cannot do; `name` is that of the mapping file.
pub(super) fn check(
    name: &str,
    entity: Entity,
    columns: &[Option<Recipe>],
    spellings: &[Vec<String>],
    root: &Table,
    problems: &mut Problems,
) {
    if !relation::is_model_name(name) {
        let what = format!(
            "\"{name}\" cannot be part of a model's name; rename the mapping file: a letter a-z, then a-z, 0-9 and _, \
             {} characters at most",
            relation::LONGEST_NAME
        );
        problems.add(RELATION, what);
    }
    if ["raw", "quintile"].contains(&name) {
        problems.add(RELATION, format!("\"{name}\" is a source of the project's own; rename the mapping file"));
    }
    if root.contains_key("lent_customer") {
        let what = "lends customers by row number, and the rows of a relation have none; map columns.customer_id, or \
                    make customers up by [synthetic_customer]";
        problems.add("lent_customer", what);
    }
    if root.contains_key("lookup") {
        problems.add("lookup", "reads files, and this source is a relation; join the tables in a view, and name that");
    }
    for names in spellings.iter().filter(|names| names.len() > 1) {
        let what = format!("has {} names, and a relation has one; name the column as it is there", names.len());
        problems.add(&format!("columns, \"{}\"", names[0]), what);
    }
    for (column, recipe) in entity.columns().iter().zip(columns) {
        let at = format!("columns.{}", column.name);
        match recipe {
            Some(Recipe::Join { row_number: true, .. }) => {
                let what = "the rows of a relation have no numbers; join columns that name the row";
                problems.add(&join_key(&at, "row_number"), what);
            }
            Some(Recipe::Instant { column, formats, .. }) => {
                let written = formats.iter().filter_map(|format| match format {
                    InstantFormat::Strftime { format, .. } => Some(format),
                    _ => None,
                });
                for format in written.filter(|format| !relation::is_format(format)) {
                    let what = format!(
                        "\"{format}\" of column \"{column}\" cannot be said in SQL; known are {}, iso, epoch_seconds, \
                         epoch_milliseconds, and a column of a date type needs none",
                        relation::FIELDS
                    );
                    problems.add(&join_key(&at, "format"), what);
                }
            }
            _ => {}
        }
    }
}
