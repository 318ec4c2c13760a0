//! A relation as templates hold it: a name in three parts, how it prints, and what is known of it.

mod object;
mod policy;

use super::fault::invalid;
use super::moment::Moment;
use crate::project::{ExistingRelation, RelationKind, RelationName, quote_identifier};
use chrono::{DateTime, FixedOffset};
use minijinja::Error;
use minijinja::Value;
pub use policy::Policy;
use std::fmt;

/// Longest identifier, in bytes, that PostgreSQL does not cut.
const LONGEST_IDENTIFIER: usize = 63;

/// What a relation is, in dbt's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RelationType {
    /// `table`
    Table,
    /// `view`
    View,
    /// `cte`: an ephemeral model inside another query.
    Cte,
    /// `materialized_view`
    MaterializedView,
    /// `ephemeral`
    Ephemeral,
    /// `external`: something dbt did not make.
    External,
    /// `pointer_table`
    PointerTable,
    /// `function`
    Function,
}

impl RelationType {
    /// All of them, with dbt's name for the constant and for the value.
    pub(super) const ALL: [(RelationType, &'static str, &'static str); 8] = [
        (RelationType::Table, "Table", "table"),
        (RelationType::View, "View", "view"),
        (RelationType::Cte, "CTE", "cte"),
        (RelationType::MaterializedView, "MaterializedView", "materialized_view"),
        (RelationType::Ephemeral, "Ephemeral", "ephemeral"),
        (RelationType::External, "External", "external"),
        (RelationType::PointerTable, "PointerTable", "pointer_table"),
        (RelationType::Function, "Function", "function"),
    ];

    /// `table`, `view`, `materialized_view`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        Self::ALL.into_iter().find(|(kind, ..)| *kind == self).map_or("", |(.., word)| word)
    }

    /// The type of this word.
    pub(super) fn from_word(word: &str) -> Result<Self, Error> {
        Self::ALL.into_iter().find(|(.., known)| *known == word).map(|(kind, ..)| kind).ok_or_else(|| {
            let known: Vec<&str> = Self::ALL.iter().map(|(.., known)| *known).collect();
            invalid(format!("\"{word}\" is not a type of relation; known are {}", known.join(", ")))
        })
    }
}

impl From<RelationKind> for RelationType {
    fn from(kind: RelationKind) -> Self {
        match kind {
            RelationKind::Table => RelationType::Table,
            RelationKind::View => RelationType::View,
            RelationKind::MaterializedView => RelationType::MaterializedView,
        }
    }
}

/// A span of event time that a relation is cut to: a batch of a microbatch model, or `--sample`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct EventTimeFilter {
    /// The column, quoted if it has to be.
    pub field: String,
    /// First instant inside.
    pub start: Option<DateTime<FixedOffset>>,
    /// First instant after.
    pub end: Option<DateTime<FixedOffset>>,
}

/// A relation, unquoted parts and all; `Display` is what `{{ relation }}` prints.
///
/// Two relations are equal if all that is known of them is, so a table is not the view of the same name.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Relation {
    /// Database, if known.
    pub database: Option<String>,
    /// Schema, if known.
    pub schema: Option<String>,
    /// Table, view or CTE; none for a schema.
    pub identifier: Option<String>,
    /// What it is, if known.
    pub kind: Option<RelationType>,
    /// Which parts print.
    pub include: Policy,
    /// Which of them in quotes.
    pub quote: Policy,
    /// Most rows to read from it; `--empty` sets 0.
    pub limit: Option<u64>,
    /// Event time to read from it.
    pub event_time: Option<EventTimeFilter>,
    /// Whether dbt chose the name, so that an unquoted part matches in any case.
    pub dbt_created: bool,
    /// For `INFORMATION_SCHEMA`: the view in it, never quoted.
    pub(super) view: Option<Option<String>>,
}

impl Relation {
    /// A relation of this name, all parts printed in quotes; an empty database is none, and so is an empty schema.
    #[must_use]
    pub fn new(name: RelationName) -> Self {
        let known = |part: String| Some(part).filter(|part| !part.is_empty());
        let (database, schema) = (known(name.database), known(name.schema));
        Relation { database, schema, identifier: Some(name.identifier), ..Relation::default() }
    }

    /// A relation that the catalogue knows.
    #[must_use]
    pub fn existing(relation: ExistingRelation) -> Self {
        Relation { kind: Some(relation.kind.into()), ..Relation::new(relation.name) }
    }

    /// The CTE that stands for the ephemeral model of this identifier.
    #[must_use]
    pub fn ephemeral(identifier: &str) -> Self {
        let quote = Policy { identifier: false, ..Policy::default() };
        let identifier = Some(Self::ephemeral_name(identifier));
        Relation { identifier, kind: Some(RelationType::Cte), quote, ..Relation::default() }
    }

    /// Name of the CTE of an ephemeral model.
    #[must_use]
    pub fn ephemeral_name(identifier: &str) -> String {
        format!("__dbt__cte__{identifier}")
    }

    /// The relation as an object for templates.
    #[must_use]
    pub fn value(self) -> Value {
        Value::from_object(self)
    }

    /// The name alone, parts that are not known being empty.
    #[must_use]
    pub fn name(&self) -> RelationName {
        let part = |part: &Option<String>| part.clone().unwrap_or_default();
        RelationName { database: part(&self.database), schema: part(&self.schema), identifier: part(&self.identifier) }
    }

    /// `"db"."schema"."identifier"`, without limit and filter.
    #[must_use]
    pub fn render(&self) -> String {
        let parts = [
            (&self.database, self.include.database, self.quote.database),
            (&self.schema, self.include.schema, self.quote.schema),
            (&self.identifier, self.include.identifier, self.quote.identifier),
        ];
        let printed = parts.into_iter().filter(|(_, included, _)| *included).filter_map(|(part, _, quoted)| {
            let part = part.as_ref()?;
            Some(if quoted { quote_identifier(part) } else { part.clone() })
        });
        printed.chain(self.view.clone().flatten()).collect::<Vec<_>>().join(".")
    }

    /// The relation, or the subquery that reads no more of it than the limit says.
    #[must_use]
    pub fn render_limited(&self) -> String {
        let rendered = self.render();
        let alias = self.subquery_alias("limit");
        match self.limit {
            None => rendered,
            // `where false` lets the planner see that there is nothing to do.
            Some(0) => format!("(select * from {rendered} where false limit 0){alias}"),
            Some(limit) => format!("(select * from {rendered} limit {limit}){alias}"),
        }
    }

    fn subquery_alias(&self, purpose: &str) -> String {
        format!(" _dbt_{purpose}_subq_{}", self.identifier.as_deref().unwrap_or("None"))
    }

    /// The relation's `information_schema`, or a view in it.
    pub(super) fn information_schema(&self, view: Option<String>) -> Relation {
        Relation {
            database: self.database.clone(),
            schema: None,
            identifier: Some("INFORMATION_SCHEMA".into()),
            include: Policy { schema: false, ..Policy::default() },
            // A system name in capitals exists only unquoted.
            quote: Policy { identifier: false, ..self.quote },
            view: Some(view),
            ..Relation::default()
        }
    }

    /// The relation, if PostgreSQL would keep its name whole; names of tests have no type and are not checked.
    pub(super) fn checked(self) -> Result<Relation, Error> {
        match &self.identifier {
            Some(name) if self.kind.is_some() && name.len() > LONGEST_IDENTIFIER => Err(invalid(format!(
                "relation name \"{name}\" is longer than the {LONGEST_IDENTIFIER} characters of PostgreSQL"
            ))),
            _ => Ok(self),
        }
    }
}

impl fmt::Display for Relation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.kind == Some(RelationType::Function) {
            return f.write_str(&self.render());
        }
        let rendered = self.render_limited();
        let Some(filter) = &self.event_time else { return f.write_str(&rendered) };
        let bound = |operator: &str, at: &DateTime<FixedOffset>| {
            format!("{} {operator} '{}'", filter.field, Moment::Zoned(*at))
        };
        let bounds: Vec<String> =
            filter.start.iter().map(|at| bound(">=", at)).chain(filter.end.iter().map(|at| bound("<", at))).collect();
        if bounds.is_empty() {
            return f.write_str(&rendered);
        }
        let alias = self.subquery_alias("et_filter");
        write!(f, "(select * from {rendered} where {}){alias}", bounds.join(" and "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn relation() -> Relation {
        Relation::new(RelationName { database: "db".into(), schema: "s".into(), identifier: "i".into() })
    }

    #[test]
    fn prints_as_dbt_postgres_does() {
        let r = relation();
        assert_eq!(r.to_string(), "\"db\".\"s\".\"i\"");
        assert_eq!(
            Relation { limit: Some(5), ..r.clone() }.to_string(),
            "(select * from \"db\".\"s\".\"i\" limit 5) _dbt_limit_subq_i"
        );
        assert_eq!(Relation::default().to_string(), "");
        assert_eq!(Relation { identifier: Some("a\"b".into()), ..Relation::default() }.to_string(), "\"a\"\"b\"");
        assert_eq!(Relation::ephemeral("orders").to_string(), "__dbt__cte__orders");
        assert_eq!(r.information_schema(None).to_string(), "\"db\".INFORMATION_SCHEMA");
        assert_eq!(r.information_schema(Some("tables".into())).to_string(), "\"db\".INFORMATION_SCHEMA.tables");
    }

    #[test]
    fn a_batch_of_an_empty_run_wraps_the_limit_in_the_filter() {
        let at = |text: &str| DateTime::parse_from_rfc3339(text).ok();
        let filter = EventTimeFilter {
            field: "ts".into(),
            start: at("2020-01-01T00:00:00+00:00"),
            end: at("2020-01-02T00:00:00+00:00"),
        };
        let r = Relation { limit: Some(0), event_time: Some(filter), ..relation() };
        assert_eq!(
            r.to_string(),
            "(select * from (select * from \"db\".\"s\".\"i\" where false limit 0) _dbt_limit_subq_i \
             where ts >= '2020-01-01 00:00:00+00:00' and ts < '2020-01-02 00:00:00+00:00') _dbt_et_filter_subq_i"
        );
        assert_eq!(r.render(), "\"db\".\"s\".\"i\"");
    }

    #[test]
    fn names_that_postgresql_would_cut_are_refused_for_what_has_a_type() {
        let long = Relation { identifier: Some("i".repeat(64)), ..Relation::default() };
        assert!(long.clone().checked().is_ok());
        let refused = Relation { kind: Some(RelationType::Table), ..long }.checked().expect_err("refused");
        assert!(refused.detail().unwrap_or_default().ends_with("longer than the 63 characters of PostgreSQL"));
    }
}
