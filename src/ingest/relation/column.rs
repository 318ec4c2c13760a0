//! How each column of a raw table comes out of a relation: the recipes of a mapping in SQL.

use super::instant::{NATIVE, in_zone, reading};
use super::number::{TYPES, number};
use super::rows::{flag, nothing, value_name};
use super::text::{trimmed, verbatim, without_nulls};
use crate::ingest::instant::InstantFormat;
use crate::ingest::mapping::{CustomerHash, Mapping, Recipe, SyntheticCustomer};
use crate::ingest::number::NumberFormat;
use crate::project::{quote_identifier, quote_literal};
use crate::warehouse::entity::{Column, Kind};

/// SQL type of a kind.
pub(super) fn sql_type(kind: Kind) -> &'static str {
    match kind {
        Kind::Text | Kind::Currency | Kind::OneOf(_) => "text",
        Kind::Number | Kind::Share => "numeric",
        Kind::Integer => "integer",
        Kind::Flag => "boolean",
        Kind::Instant => "timestamptz",
        Kind::Date => "date",
    }
}

/// The expressions of a mapping, step by step; each is `sql AS name`, safe in a template.
#[derive(Default)]
pub(super) struct Reader {
    pub fields: Vec<String>,
    pub parts: Vec<String>,
    pub clocks: Vec<String>,
    pub typed: Vec<String>,
    /// `WHEN ... THEN ARRAY[column, reason]`, not yet safe in a template.
    pub rejections: Vec<String>,
}

impl Reader {
    pub fn of(mapping: &Mapping) -> Reader {
        let mut reader = Reader::default();
        let mut columns: Vec<(&Column, Option<&Recipe>)> = mapping.recipes().collect();
        for (column, recipe) in &columns {
            let value = reader.value(mapping, column, *recipe);
            reader.typed.push(verbatim(&format!("{value} AS {}", value_name(column.name))));
        }
        // The line is judged last, when all else of the row fits, as in files.
        columns.sort_by_key(|(column, _)| column.name == "line");
        for (column, recipe) in columns {
            reader.judge(mapping, column, recipe);
        }
        reader
    }

    /// Reads a column of the relation as text, under a name of ours; gives that name.
    fn field(&mut self, mapping: &Mapping, name: String, column: &str, nulls: &[String], is_dated: bool) -> String {
        let place = format!("s.{}", quote_identifier(column));
        // JSON writes days and instants in ISO 8601, whatever the session's DateStyle.
        let text = if is_dated { format!("(to_jsonb({place}) #>> '{{}}')") } else { format!("{place}::text") };
        let nulls: Vec<&String> = mapping.file.nulls.iter().chain(nulls).collect();
        self.fields.push(verbatim(&format!("{} AS {name}", without_nulls(&text, &nulls))));
        name
    }

    fn part(&mut self, name: String, sql: &str) -> String {
        self.parts.push(verbatim(&format!("{sql} AS {name}")));
        name
    }

    /// A number out of a column of the relation.
    fn number(
        &mut self,
        mapping: &Mapping,
        name: &str,
        column: &str,
        format: &NumberFormat,
        nulls: &[String],
    ) -> String {
        let text = self.field(mapping, format!("{name}_text"), column, nulls, false);
        let is_number = format!("{name}_is_number");
        let place = quote_identifier(column);
        if *format != NumberFormat::default() {
            self.fields.push(verbatim(&format!("pg_typeof(s.{place}) = ANY ({TYPES}) AS {is_number}")));
        }
        self.part(format!("{name}_number"), &number(&text, &is_number, format))
    }

    /// The value of one column of the table.
    fn value(&mut self, mapping: &Mapping, column: &Column, recipe: Option<&Recipe>) -> String {
        let name = column.name;
        match (name, &mapping.synthetic_customer) {
            ("id_is_synthetic", _) => return mapping.has_synthetic_customers().to_string(),
            ("customer_id", Some(made_up)) => return self.made_up_customer(mapping, made_up),
            _ => {}
        }
        let sql = match recipe {
            None => nothing(column.kind),
            Some(Recipe::Constant(text)) => format!("{}::text", quote_literal(text)),
            Some(Recipe::ConstantNumber(number)) => format!("({number})::numeric"),
            Some(Recipe::Text { column: from, strip_suffix, values, nulls }) => {
                let mut sql = self.field(mapping, format!("{name}_text"), from, nulls, false);
                if let Some(suffix) = strip_suffix.as_deref().filter(|suffix| !suffix.is_empty()) {
                    let (length, suffix) = (suffix.chars().count(), quote_literal(suffix));
                    sql = format!(
                        "CASE WHEN right({sql}, {length}) = {suffix} THEN left({sql}, -{length}) ELSE {sql} END"
                    );
                }
                if !values.is_empty() {
                    let pairs =
                        values.iter().map(|(a, b)| format!("WHEN {} THEN {}", quote_literal(a), quote_literal(b)));
                    let pairs: Vec<String> = pairs.collect();
                    sql = format!("CASE {sql} {} ELSE {sql} END", pairs.join(" "));
                }
                sql
            }
            Some(Recipe::Number { column: from, scale, format, nulls }) => {
                let number = self.number(mapping, name, from, format, nulls);
                scale.map_or_else(|| number.clone(), |scale| format!("({number} * ({scale}))"))
            }
            Some(Recipe::Expression { expression, format }) => {
                let columns = expression.columns().iter().enumerate();
                let numbers: Vec<String> = columns
                    .map(|(place, from)| self.number(mapping, &format!("{name}_{place}"), from, format, &[]))
                    .collect();
                expression.sql(&numbers)
            }
            Some(Recipe::Instant { column: from, formats, nulls }) => {
                return self.instant(mapping, column, from, formats, nulls);
            }
            Some(Recipe::Join { columns, .. }) => {
                let fields = columns.iter().enumerate();
                let texts: Vec<String> = fields
                    .map(|(place, from)| self.field(mapping, format!("{name}_{place}_text"), from, &[], false))
                    .collect();
                texts.join(" || '-' || ")
            }
        };
        match column.kind {
            Kind::Currency => format!("coalesce({sql}, {})", quote_literal(&mapping.currency)),
            Kind::Flag if recipe.is_some() => flag(&sql),
            Kind::Number | Kind::Share | Kind::Integer if recipe.is_some() => {
                let number = self.clock(format!("{name}_computed"), &sql);
                match column.kind {
                    Kind::Share => format!("coalesce({number}, 0)"),
                    Kind::Integer => {
                        format!(
                            "CASE WHEN {number} = trunc({number}) AND abs({number}) <= 2147483647 THEN {number}::integer END"
                        )
                    }
                    _ => number,
                }
            }
            Kind::Share => "0::numeric".into(),
            _ => sql,
        }
    }

    /// Something that is computed of parts, and named more than once.
    fn clock(&mut self, name: String, sql: &str) -> String {
        self.clocks.push(verbatim(&format!("{sql} AS {name}")));
        name
    }

    /// An instant or a day: a native one as it is, a text by the first format that fits.
    fn instant(
        &mut self,
        mapping: &Mapping,
        column: &Column,
        from: &str,
        formats: &[InstantFormat],
        nulls: &[String],
    ) -> String {
        let name = column.name;
        let text = self.field(mapping, format!("{name}_text"), from, nulls, true);
        let kind = format!("{name}_type");
        self.fields.push(verbatim(&format!("pg_typeof(s.{}) AS {kind}", quote_identifier(from))));
        let clock = format!("CASE WHEN {kind} IN ('timestamp'::regtype, 'date'::regtype) THEN {text}::timestamp END");
        let clock = self.clock(format!("{name}_clock"), &clock);
        let mut read = Vec::new();
        for (place, format) in formats.iter().enumerate() {
            let matched = format!("{name}_match_{place}");
            // The mapping was refused if a format could not be said in SQL.
            let Some(reading) = reading(format, &matched) else { continue };
            // What is a day already is not looked at as a text.
            let parts = reading.parts(&trimmed(&text));
            self.part(matched.clone(), &format!("CASE WHEN {kind} <> ALL ({NATIVE}) THEN {parts} END"));
            let local = self.clock(format!("{name}_local_{place}"), &reading.local(&matched));
            read.push(match column.kind {
                Kind::Date => format!("{local}::date"),
                _ => reading.instant(&matched, &local, mapping.timezone),
            });
        }
        let zone = quote_literal(mapping.timezone.name());
        let (with_zone, without) = match column.kind {
            Kind::Date => (format!("({text}::timestamptz AT TIME ZONE {zone})::date"), format!("{clock}::date")),
            _ => (format!("{text}::timestamptz"), in_zone(&clock, mapping.timezone)),
        };
        format!(
            "CASE WHEN {kind} = 'timestamptz'::regtype THEN {with_zone} \
             WHEN {kind} IN ('timestamp'::regtype, 'date'::regtype) THEN {without} ELSE coalesce({}) END",
            read.join(", ")
        )
    }

    /// A hash of the named columns, modulo the number of customers; by the rule `hashtext` as of files, else by one that
    /// the server has.
    fn made_up_customer(&mut self, mapping: &Mapping, made_up: &SyntheticCustomer) -> String {
        if let (CustomerHash::Hashtext, Some(from)) = (made_up.rule, made_up.hash_of.first()) {
            let text = self.field(mapping, "customer_id_0_text".to_owned(), from, &[], false);
            return format!("(abs(hashtext({text})::bigint) % {} + 1)::text", made_up.modulo);
        }
        let columns = made_up.hash_of.iter().enumerate();
        let bytes: Vec<String> = columns
            .map(|(place, from)| {
                let text = self.field(mapping, format!("customer_id_{place}_text"), from, &[], false);
                // A byte that no text holds, so that ("ab", "c") and ("a", "bc") differ.
                format!("convert_to({text}, 'UTF8') || '\\xff'::bytea")
            })
            .collect();
        let width = (made_up.modulo - 1).to_string().len();
        format!(
            "'synthetic-' || lpad((('x' || left(encode(sha256({}), 'hex'), 15))::bit(60)::bigint % {})::text, {width}, '0')",
            bytes.join(" || "),
            made_up.modulo
        )
    }
}
