//! Several data tests of one relation as one SELECT: a scan that counts for each test the rows that break its rule.

use super::lexer::tokens;
use super::{Context, DataTest, Project, compile};
use std::collections::BTreeMap;

/// A SELECT has 1664 columns at most.
const TESTS_MOST: usize = 400;

/// What the relation is called: by a name that no rule in the tally mentions, because it names nothing in the test's own
/// SELECT.
const ALIAS: &str = "tested_together";

/// Data tests of one relation that are asked together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tally {
    /// Model or seed that all are about.
    pub model: String,
    /// The tests' names, two at least.
    pub tests: Vec<String>,
    /// One row with a column a test, in their order: how many rows break its rule.
    ///
    /// Zero means that the test's own SELECT has no row. Where there are some, that SELECT tells how many failures they
    /// are, which for `accepted_values` is the number of values. Where the SELECT of all fails, it may be for one test,
    /// or for a row that no test alone would have met: each is to be asked by its own then.
    pub select: String,
}

/// What a data test asks of each row by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct RowRule {
    /// True of a row that breaks the rule.
    pub condition: String,
    /// True of a row that is looked at, as it is rendered.
    pub filter: Option<String>,
}

impl RowRule {
    /// What is counted.
    ///
    /// The filter comes first and is computed for every row. So whatever row makes it fail in the test's own SELECT,
    /// where the server may look at the condition first, makes it fail here too.
    fn sql(&self) -> String {
        match &self.filter {
            Some(filter) => format!("({filter}) AND ({})", self.condition),
            None => self.condition.clone(),
        }
    }

    /// Whether each part is one expression, and means beside others what it means in the test's own SELECT.
    fn stands_alone(&self) -> bool {
        let parts = [Some(self.condition.as_str()), self.filter.as_deref()];
        parts.into_iter().flatten().all(|part| is_enclosed(part) && !part.contains(ALIAS))
    }
}

/// See [`Project::tallies`].
pub(super) fn tallies<'a>(
    project: &Project,
    names: impl IntoIterator<Item = &'a str>,
    context: &Context,
) -> Vec<Tally> {
    let mut by_model: BTreeMap<&str, Vec<(&DataTest, RowRule)>> = BTreeMap::new();
    for test in names.into_iter().filter_map(|name| project.tests.get(name)) {
        if let Some(rule) = compile::row_rule(project, test, context).filter(RowRule::stands_alone) {
            by_model.entry(&test.model).or_default().push((test, rule));
        }
    }
    let groups = by_model.iter().flat_map(|(model, rules)| rules.chunks(TESTS_MOST).map(move |some| (*model, some)));
    groups
        .filter(|(_, rules)| rules.len() > 1)
        .map(|(model, rules)| Tally {
            model: model.to_owned(),
            tests: rules.iter().map(|(test, _)| test.name.clone()).collect(),
            select: select(&compile::quoted_relation(model, context), rules.iter().map(|(_, rule)| rule)),
        })
        .collect()
}

fn select<'a>(relation: &str, rules: impl Iterator<Item = &'a RowRule>) -> String {
    let counts: Vec<String> = rules.map(|rule| format!("    count(*) FILTER (WHERE {})", rule.sql())).collect();
    format!("SELECT\n{}\nFROM {relation} AS {ALIAS}", counts.join(",\n"))
}

/// Whether parentheses around the text enclose all of it: none in it closes them, no comment or quote hides the last.
fn is_enclosed(text: &str) -> bool {
    let enclosed = format!("({text})");
    let found = tokens(&enclosed);
    let mut depth = 0_usize;
    for (index, token) in found.iter().enumerate() {
        if token.is_symbol("(") {
            depth += 1;
        } else if token.is_symbol(")") {
            depth -= 1;
        }
        if depth == 0 {
            return index + 1 == found.len();
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::project::{RelationName, SourceFile};

    fn project(tests: &str) -> Project {
        let file = |path: &str, text: String| SourceFile { path: path.into(), text };
        let files = [
            file("models/orders.sql", "SELECT 1 AS id".into()),
            file("models/parents.sql", "SELECT 1 AS id".into()),
            file("models/schema.yml", format!("models:\n  - name: orders\n    data_tests:\n{tests}")),
        ];
        let (project, problems) = Project::parse(&files, BTreeMap::from([("least".to_owned(), 2.into())]));
        assert!(problems.is_empty(), "{problems:?}");
        project
    }

    fn told(tests: &str) -> Vec<Tally> {
        let project = project(tests);
        let relation = |name: &str| {
            let identifier = format!("{name}__r7");
            (name.to_owned(), RelationName { schema: "store".into(), identifier, ..RelationName::default() })
        };
        let context = Context { relations: ["orders", "parents"].map(relation).into(), ..Context::default() };
        project.tallies(project.tests.keys().map(String::as_str), &context)
    }

    #[test]
    fn tests_of_rows_share_one_scan_and_tests_between_rows_do_not() {
        let tallies = told(concat!(
            "      - not_null: {column_name: id}\n",
            "      - not_null: {column_name: 'Odd \"name', where: \"id > {{ var('least') }}; \"}\n",
            "      - accepted_values: {column_name: state, values: ['new', \"it's\", null]}\n",
            "      - accepted_values: {column_name: rank, values: [1, 2.5], quote: false, severity: warn, where: state = 'new' OR id = 1}\n",
            "      - unique: {column_name: id}\n",
            "      - relationships: {column_name: id, to: ref('parents'), field: id}\n",
        ));
        assert_eq!(tallies.len(), 1);
        assert_eq!(tallies[0].model, "orders");
        insta::assert_snapshot!(format!("-- {}\n{}", tallies[0].tests.join(", "), tallies[0].select));
    }

    #[test]
    fn what_cannot_stand_beside_others_is_left_out() {
        let sound = "      - not_null: {column_name: id}\n      - not_null: {column_name: state}\n";
        let alone = [
            "not_null: {column_name: a, where: \"id > 1) OR (id < 0\"}",
            "not_null: {column_name: a, where: \"id > 1 -- so far\"}",
            "not_null: {column_name: a, where: \"id > 1 /* so far\"}",
            "not_null: {column_name: a, where: \"name = 'x\"}",
            "not_null: {column_name: tested_together}",
            "not_null: {column_name: a, where: tested_together.id > 1}",
            "not_null: {column_name: a, where: \"{% if execute %}{{ var('nowhere') }}{% endif %}\"}",
            "accepted_values: {column_name: a, quote: false, values: [\"1) OR (true)--\"]}",
        ];
        for test in alone {
            let tallies = told(&format!("{sound}      - {test}\n"));
            assert_eq!(tallies.len(), 1, "{test}");
            assert_eq!(tallies[0].tests, ["not_null_orders_id", "not_null_orders_state"], "{test}");
        }
    }

    #[test]
    fn one_test_of_a_relation_is_no_tally_and_very_many_are_several() {
        assert_eq!(told("      - not_null: {column_name: id}\n      - unique: {column_name: id}\n"), []);
        let many: String = (0..=TESTS_MOST + 1).map(|n| format!("      - not_null: {{column_name: c{n}}}\n")).collect();
        let sizes: Vec<usize> = told(&many).iter().map(|tally| tally.tests.len()).collect();
        assert_eq!(sizes, [TESTS_MOST, 2]);
    }

    #[test]
    fn parentheses_enclose_what_closes_all_that_it_opens() {
        for text in ["a > 1", "(a) OR (b)", "a = ')'", "\"odd)\" IS NULL", "a -- )\n > 1", "a = $$)$$", "/* ( */ a", ""]
        {
            assert!(is_enclosed(text), "{text}");
        }
        for text in ["a) OR (b", "(a", "a)", "a -- b", "a /* b", "a = 'b", "a = $x$ b", "a) --"] {
            assert!(!is_enclosed(text), "{text}");
        }
    }
}
