//! Contracts: the columns a model declares, compared with those its SELECT has before any work, and its constraints.

use super::session::Session;
use super::shape::{TypedColumn, select_columns};
use crate::error::{Error, Result};
use crate::project::quote_identifier;

/// What an enforced contract declares.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Contract {
    /// Columns in the declared order.
    pub columns: Vec<ContractColumn>,
    /// Constraints of the whole table.
    pub constraints: Vec<Constraint>,
}

/// A declared column.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ContractColumn {
    /// Its name.
    pub name: String,
    /// Whether the name is quoted as it is (`quote: true`); else PostgreSQL folds it to lower case.
    pub is_quoted: bool,
    /// Its SQL type.
    pub data_type: String,
    /// Its own constraints.
    pub constraints: Vec<Constraint>,
}

/// A constraint of a column or a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Constraint {
    /// What it demands.
    pub rule: Rule,
    /// Its name, where the user gave one.
    pub name: Option<String>,
    /// Columns of a table's constraint; empty for a column's own.
    pub columns: Vec<String>,
    /// dbt's `expression`, added as it is.
    pub expression: Option<String>,
}

/// What a constraint demands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rule {
    /// `NOT NULL`
    NotNull,
    /// `UNIQUE`
    Unique,
    /// `PRIMARY KEY`
    PrimaryKey,
    /// `FOREIGN KEY ... REFERENCES`
    ForeignKey {
        /// The table pointed to, as SQL; none where the expression says it all.
        to: Option<String>,
        /// Its columns.
        to_columns: Vec<String>,
    },
    /// `CHECK (expression)`
    Check,
    /// The expression alone.
    Custom,
}

impl Contract {
    /// The name of a column as PostgreSQL keeps it.
    fn kept_name(column: &ContractColumn) -> String {
        if column.is_quoted { column.name.clone() } else { column.name.to_lowercase() }
    }

    /// Names of the columns, quoted, in the declared order.
    pub(super) fn column_list(&self) -> String {
        self.columns.iter().map(|c| quote_identifier(&Self::kept_name(c))).collect::<Vec<_>>().join(", ")
    }

    /// What stands between the parentheses of `CREATE TABLE`: columns and constraints but for foreign keys, which
    /// come once the rows are there.
    pub(super) fn table_definition(&self) -> String {
        let mut parts: Vec<String> = self.columns.iter().map(column_definition).collect();
        let whole = self.constraints.iter().filter(|c| !c.is_foreign_key());
        parts.extend(whole.filter_map(Constraint::of_table));
        parts.join(",\n    ")
    }

    /// Foreign keys as `ADD ...`, ordered by the table they point to: builds that run side by side then take their
    /// locks in the same order and cannot deadlock.
    pub(super) fn foreign_keys(&self) -> Vec<String> {
        let own = self.columns.iter().flat_map(|column| {
            column.constraints.iter().filter(|c| c.is_foreign_key()).map(|constraint| Constraint {
                columns: vec![quote_identifier(&Self::kept_name(column))],
                ..constraint.clone()
            })
        });
        let mut keys: Vec<(String, String)> = own
            .chain(self.constraints.iter().filter(|c| c.is_foreign_key()).cloned())
            .filter_map(|constraint| {
                let Rule::ForeignKey { to, .. } = &constraint.rule else { return None };
                let to = to.clone().or_else(|| constraint.expression.clone()).unwrap_or_default();
                Some((to, format!("ADD {}", constraint.of_table()?)))
            })
            .collect();
        keys.sort();
        keys.into_iter().map(|(_, text)| text).collect()
    }
}

fn column_definition(column: &ContractColumn) -> String {
    let mut text = format!("{} {}", quote_identifier(&Contract::kept_name(column)), column.data_type);
    for constraint in column.constraints.iter().filter(|c| !c.is_foreign_key()) {
        if let Some(rule) = constraint.of_column() {
            text.push_str(&format!(" {rule}"));
        }
    }
    text
}

impl Constraint {
    fn is_foreign_key(&self) -> bool {
        matches!(self.rule, Rule::ForeignKey { .. })
    }

    fn expression(&self) -> &str {
        self.expression.as_deref().map_or("", str::trim)
    }

    fn named(&self, text: String) -> String {
        match &self.name {
            Some(name) => format!("CONSTRAINT {} {text}", quote_identifier(name)),
            None => text,
        }
    }

    /// As part of a column's definition; none where the declaration says nothing.
    fn of_column(&self) -> Option<String> {
        let expression = self.expression();
        let text = match self.rule {
            Rule::NotNull => format!("NOT NULL {expression}"),
            Rule::Unique => format!("UNIQUE {expression}"),
            Rule::PrimaryKey => format!("PRIMARY KEY {expression}"),
            Rule::Check if !expression.is_empty() => format!("CHECK ({expression})"),
            Rule::Custom if !expression.is_empty() => return Some(expression.to_owned()),
            Rule::Check | Rule::Custom | Rule::ForeignKey { .. } => return None,
        };
        Some(self.named(text.trim_end().to_owned()))
    }

    /// As a constraint of the table.
    fn of_table(&self) -> Option<String> {
        let expression = self.expression();
        let columns = self.columns.join(", ");
        let text = match &self.rule {
            Rule::Check if !expression.is_empty() => format!("CHECK ({expression})"),
            Rule::Unique => format!("UNIQUE {expression} ({columns})"),
            Rule::PrimaryKey => format!("PRIMARY KEY {expression} ({columns})"),
            Rule::ForeignKey { to: Some(to), to_columns } => {
                let to_columns = to_columns.join(", ");
                format!("FOREIGN KEY ({columns}) REFERENCES {to} ({to_columns}) {expression}")
            }
            Rule::ForeignKey { to: None, .. } if !expression.is_empty() => {
                format!("FOREIGN KEY ({columns}) REFERENCES {expression}")
            }
            Rule::Custom if !expression.is_empty() => expression.to_owned(),
            _ => return None,
        };
        Some(self.named(text.trim_end().to_owned()))
    }
}

/// Compares what the SELECT returns with what the contract declares; an error lists every difference. Nothing runs.
pub async fn check(session: &Session, relation: &str, contract: &Contract, select: &str) -> Result<()> {
    let returned = select_columns(session, select).await?;
    let nulls: Vec<String> = contract
        .columns
        .iter()
        .map(|c| format!("CAST(NULL AS {}) AS {}", c.data_type, quote_identifier(&Contract::kept_name(c))))
        .collect();
    let declared = match nulls.is_empty() {
        true => Vec::new(),
        false => select_columns(session, &format!("SELECT {}", nulls.join(", "))).await?,
    };
    let differences = differences(&declared, &returned);
    if differences.is_empty() {
        return Ok(());
    }
    Err(Error::failed(format!("model {relation} breaks its contract"))
        .detail(table_of(&differences))
        .hint("make the SELECT return the declared columns, or correct names and data_type in the model's properties"))
}

/// One column that is not as declared.
#[derive(Debug, PartialEq, Eq)]
struct Difference {
    column: String,
    returned: String,
    declared: String,
    reason: &'static str,
}

/// Columns that are missing on one side or have another type; the order of columns does not count, nor do length and
/// precision, as in dbt.
fn differences(declared: &[TypedColumn], returned: &[TypedColumn]) -> Vec<Difference> {
    let base = |data_type: &str| match (data_type.find('('), data_type.find(')')) {
        (Some(open), Some(close)) if open < close => format!("{}{}", &data_type[..open], &data_type[close + 1..]),
        _ => data_type.to_owned(),
    };
    let find = |columns: &[TypedColumn], name: &str| columns.iter().find(|c| c.name == name).cloned();
    let mut found = Vec::new();
    for column in returned {
        let (declared, reason) = match find(declared, &column.name) {
            None => (String::new(), "missing in contract"),
            Some(other) if base(&other.data_type) != base(&column.data_type) => (other.data_type, "data type mismatch"),
            Some(_) => continue,
        };
        found.push(Difference { column: column.name.clone(), returned: column.data_type.clone(), declared, reason });
    }
    for column in declared.iter().filter(|c| find(returned, &c.name).is_none()) {
        found.push(Difference {
            column: column.name.clone(),
            returned: String::new(),
            declared: column.data_type.clone(),
            reason: "missing in definition",
        });
    }
    found.sort_by(|a, b| a.column.cmp(&b.column));
    found
}

fn table_of(differences: &[Difference]) -> String {
    let heading = ["column_name", "definition_type", "contract_type", "mismatch_reason"].map(str::to_owned);
    let rows = differences
        .iter()
        .map(|d| [d.column.clone(), d.returned.to_uppercase(), d.declared.to_uppercase(), d.reason.to_owned()]);
    let lines: Vec<[String; 4]> = std::iter::once(heading).chain(rows).collect();
    let width = |place: usize| lines.iter().map(|line| line[place].chars().count()).max().unwrap_or(0);
    let widths = [width(0), width(1), width(2), width(3)];
    let text = |line: &[String; 4]| {
        let cells: Vec<String> = line.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
        format!("| {} |", cells.join(" | "))
    };
    lines.iter().map(text).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(name: &str, data_type: &str) -> TypedColumn {
        TypedColumn { name: name.into(), data_type: data_type.into() }
    }

    #[test]
    fn every_difference_is_told_and_length_is_none() {
        let declared = [column("id", "integer"), column("name", "character varying"), column("old", "text")];
        let returned = [column("name", "character varying(20)"), column("id", "bigint"), column("extra", "date")];
        let found = differences(&declared, &returned);
        let told: Vec<_> = found.iter().map(|d| (d.column.as_str(), d.reason)).collect();
        let expected =
            [("extra", "missing in contract"), ("id", "data type mismatch"), ("old", "missing in definition")];
        assert_eq!(told, expected);
        assert!(table_of(&found).contains("| id          | BIGINT          | INTEGER       | data type mismatch    |"));
    }

    #[test]
    fn constraints_are_ddl_and_foreign_keys_come_last_in_order() {
        let constraint = |rule, columns: &[&str]| Constraint {
            rule,
            name: None,
            columns: columns.iter().map(|c| (*c).to_owned()).collect(),
            expression: None,
        };
        let to = |table: &str| Rule::ForeignKey { to: Some(table.into()), to_columns: vec!["id".into()] };
        let contract = Contract {
            columns: vec![ContractColumn {
                name: "Id".into(),
                data_type: "int".into(),
                constraints: vec![constraint(Rule::NotNull, &[]), constraint(to("z"), &[])],
                ..ContractColumn::default()
            }],
            constraints: vec![constraint(Rule::PrimaryKey, &["id"]), constraint(to("a"), &["id"])],
        };
        assert_eq!(contract.table_definition(), "\"id\" int NOT NULL,\n    PRIMARY KEY  (id)");
        assert_eq!(
            contract.foreign_keys(),
            ["ADD FOREIGN KEY (id) REFERENCES a (id)", "ADD FOREIGN KEY (\"id\") REFERENCES z (id)"]
        );
    }
}
