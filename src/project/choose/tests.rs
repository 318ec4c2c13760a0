//! The selector language against what dbt 1.11 lists for the same project, and the laws that every choice keeps.
//!
//! `oracle.json` is a small shop with a package, versions, sources, tests of each kind and an exposure: its nodes as dbt
//! parsed them, and for many requests the nodes that dbt listed.

use super::*;
use crate::project::SourceFile;
use crate::project::files::selectors;
use proptest::prelude::*;
use serde::Deserialize;
use serde_json::Value as Json;
use std::collections::BTreeMap;

#[derive(Clone, Debug, Deserialize)]
struct Node {
    unique_id: String,
    name: String,
    package: String,
    fqn: Vec<String>,
    resource_type: String,
    file: String,
    patch: Option<String>,
    tags: Vec<String>,
    config: Config,
    version: Option<String>,
    latest_version: Option<String>,
    access: Option<String>,
    group: Option<String>,
    generic_test: Option<String>,
    source_name: Option<String>,
    depends_on: Vec<String>,
}

impl Candidate for Node {
    fn unique_id(&self) -> &str {
        &self.unique_id
    }
    fn name(&self) -> &str {
        &self.name
    }
    fn package(&self) -> &str {
        &self.package
    }
    fn fqn(&self) -> &[String] {
        &self.fqn
    }
    fn resource_type(&self) -> &str {
        &self.resource_type
    }
    fn original_file_path(&self) -> &str {
        &self.file
    }
    fn patch_path(&self) -> Option<&str> {
        self.patch.as_deref()
    }
    fn tags(&self) -> &[String] {
        &self.tags
    }
    fn config(&self) -> &Config {
        &self.config
    }
    fn version(&self) -> Option<&str> {
        self.version.as_deref()
    }
    fn latest_version(&self) -> Option<&str> {
        self.latest_version.as_deref()
    }
    fn access(&self) -> Option<&str> {
        self.access.as_deref()
    }
    fn group(&self) -> Option<&str> {
        self.group.as_deref()
    }
    fn generic_test(&self) -> Option<&str> {
        self.generic_test.as_deref()
    }
    fn source_name(&self) -> Option<&str> {
        self.source_name.as_deref()
    }
}

/// Nodes in memory.
#[derive(Debug)]
struct World(Vec<Node>);

impl Graph for World {
    fn project(&self) -> &str {
        "shop"
    }
    fn nodes(&self) -> Vec<&dyn Candidate> {
        self.0.iter().map(|node| node as &dyn Candidate).collect()
    }
    fn parents(&self, id: &str) -> Vec<&str> {
        let node = self.0.iter().find(|node| node.unique_id == id);
        node.map(|node| node.depends_on.iter().map(String::as_str).collect()).unwrap_or_default()
    }
    fn children(&self, id: &str) -> Vec<&str> {
        let depends = |node: &&Node| node.depends_on.iter().any(|parent| parent == id);
        self.0.iter().filter(depends).map(|node| node.unique_id.as_str()).collect()
    }
}

#[derive(Deserialize)]
struct Case {
    select: Vec<String>,
    exclude: Vec<String>,
    indirect: String,
    picked: Vec<usize>,
}

#[derive(Deserialize)]
struct Oracle {
    nodes: Vec<Node>,
    cases: Vec<Case>,
}

fn oracle() -> Oracle {
    serde_json::from_str(include_str!("oracle.json")).expect("the oracle is JSON")
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(ToString::to_string).collect()
}

fn pick(world: &World, select: &[&str]) -> BTreeSet<String> {
    let request = Request { select: &words(select), ..Request::default() };
    choose(world, &NoPast, &[], &request).unwrap_or_else(|error| panic!("{select:?}: {}", error.report())).ids
}

fn refused(select: &str) -> Error {
    let request = Request { select: &words(&[select]), ..Request::default() };
    choose(&World(oracle().nodes), &NoPast, &[], &request).expect_err(select)
}

#[test]
fn every_request_picks_what_dbt_picks() {
    let Oracle { nodes, cases } = oracle();
    let ids: Vec<String> = nodes.iter().map(|node| node.unique_id.clone()).collect();
    let world = World(nodes);
    assert!(cases.len() > 150, "{}", cases.len());
    for case in cases {
        let indirect = Indirect::from_word(&case.indirect).expect("a mode");
        let request = Request { select: &case.select, exclude: &case.exclude, selector: None, indirect };
        let choice =
            choose(&world, &NoPast, &[], &request).unwrap_or_else(|e| panic!("{:?}: {}", case.select, e.report()));
        let expected: BTreeSet<String> = case.picked.iter().map(|i| ids[*i].clone()).collect();
        assert_eq!(choice.ids, expected, "{:?} minus {:?}, {}", case.select, case.exclude, case.indirect);
    }
}

#[test]
fn a_word_that_picks_nothing_is_warned_about_with_the_nearest_name() {
    let world = World(oracle().nodes);
    let cases = [
        ("stg_ordres", "did you mean \"stg_orders\"?"),
        ("tag:nigthly", "did you mean \"nightly\"?"),
        ("source:rwa", "did you mean \"raw\"?"),
        ("models/stagin", "did you mean \"models/staging\"?"),
        (
            "stg_orders,tag:nightly",
            "each part finds something, but no node is in all of them: write a space for a union",
        ),
    ];
    for (word, hint) in cases {
        let request = Request { select: &words(&[word, "orders"]), ..Request::default() };
        let choice = choose(&world, &NoPast, &[], &request).expect(word);
        let warnings: Vec<_> = choice.warnings.iter().map(|w| (w.message.clone(), w.hint.clone())).collect();
        assert_eq!(warnings, [(format!("selector \"{word}\" picks nothing"), Some(hint.to_owned()))]);
        assert_eq!(choice.ids, pick(&world, &["orders"]), "{word}");
    }
}

#[test]
fn values_that_can_never_find_anything_are_refused() {
    let cases = [
        ("resource_type:modle", "selector \"resource_type:modle\" names no resource type", "did you mean \"model\"?"),
        (
            "test_type:row",
            "selector \"test_type:row\" names no test type",
            "write one of generic, singular, unit, data, schema",
        ),
        (
            "source:a.b.c.d",
            "selector \"source:a.b.c.d\" has too many dots",
            "write <source>, <source>.<table> or <package>.<source>.<table>",
        ),
        (
            "state:modified",
            "selector method \"state\" needs an earlier state",
            "name a folder that holds manifest.json with --state",
        ),
        (
            "config:table",
            "selector \"config:table\" names no configuration",
            "write config.<key>:<value>, as in config.materialized:table",
        ),
        ("selector:nightly", "selector \"nightly\" does not exist", "define it in selectors.yml"),
    ];
    for (select, message, hint) in cases {
        let error = refused(select);
        assert_eq!((error.message.as_str(), error.hint.as_deref()), (message, Some(hint)));
    }
}

/// An earlier state in which one node was changed, one is new, one failed and one source got rows.
struct Earlier;

impl Past for Earlier {
    fn changes(&self, id: &str) -> Result<Changes> {
        Ok(match id {
            "model.shop.orders" => Changes { body: true, ..Changes::default() },
            "model.shop.revenue" => Changes { is_new: true, ..Changes::default() },
            "source.shop.raw.orders" => Changes { relation: true, ..Changes::default() },
            "exposure.shop.dashboard" => Changes { other: true, ..Changes::default() },
            _ => Changes::default(),
        })
    }
    fn status(&self, id: &str) -> Result<Option<String>> {
        Ok((id == "model.shop.report").then(|| "error".to_owned()))
    }
    fn is_fresher(&self, id: &str) -> Result<bool> {
        Ok(id == "source.shop.raw.customers")
    }
}

#[test]
fn earlier_states_are_asked_for_changes_results_and_freshness() {
    let world = World(oracle().nodes);
    let all = world.0.len();
    let cases: [(&str, &[&str]); 9] = [
        ("state:new", &["model.shop.revenue"]),
        (
            "state:modified",
            &["exposure.shop.dashboard", "model.shop.orders", "model.shop.revenue", "source.shop.raw.orders"],
        ),
        ("state:modified.body", &["model.shop.orders", "model.shop.revenue"]),
        ("state:modified.relation", &["model.shop.revenue", "source.shop.raw.orders"]),
        ("state:modified.macros", &[]),
        ("result:error", &["model.shop.report"]),
        ("1+result:error", &["model.shop.customers.v2", "model.shop.report"]),
        ("result:success", &[]),
        ("source_status:fresher", &["source.shop.raw.customers"]),
    ];
    for (select, expected) in cases {
        let request = Request { select: &words(&[select]), indirect: Indirect::Empty, ..Request::default() };
        let picked = choose(&world, &Earlier, &[], &request).expect(select).ids;
        assert_eq!(picked.iter().map(String::as_str).collect::<Vec<_>>(), expected, "{select}");
    }
    let count = |select: &str| {
        let request = Request { select: &words(&[select]), indirect: Indirect::Empty, ..Request::default() };
        choose(&world, &Earlier, &[], &request).expect(select).ids.len()
    };
    assert_eq!((count("state:old"), count("state:unmodified")), (all - 1, all - 4));
}

const SELECTORS: &str = "
selectors:
  - name: staging
    definition: tag:staging
  - name: nightly
    default: true
    definition:
      union:
        - intersection: [{tag: staging}, 'stg_*', {exclude: [stg_rates]}]
        - {method: fqn, value: revenue, parents: true, parents_depth: 1, indirect_selection: empty}
        - exclude: [{method: resource_type, value: test}]
  - name: all_but
    definition: {method: selector, value: staging, exclude: [stg_orders]}
  - name: boolean
    definition: {method: config.enabled, value: true, exclude: ['resource_type:test', 'source:*']}
  - name: one
    definition: {union: [{method: selector, value: two}]}
  - name: two
    definition: {union: [{method: selector, value: one}]}
";

fn named(name: &str) -> Result<BTreeSet<String>> {
    let mut problems = Vec::new();
    let file = SourceFile { path: "selectors.yml".into(), text: SELECTORS.into() };
    let selectors = selectors::read(&file, &|text| Ok(Json::from(text)), &mut problems);
    assert_eq!(problems, []);
    let request = Request { selector: Some(name), ..Request::default() };
    choose(&World(oracle().nodes), &NoPast, &selectors, &request).map(|choice| choice.ids)
}

#[test]
fn selectors_of_the_file_pick_as_their_words_would() {
    let world = World(oracle().nodes);
    // As dbt lists them. The unit test stays with `empty` too: the model's name is part of its own.
    let nightly = [
        "model.shop.orders",
        "model.shop.revenue",
        "model.shop.stg_customers",
        "model.shop.stg_orders",
        "model.shop.stg_rates",
        "unit_test.shop.revenue.revenue_adds",
    ];
    assert_eq!(named("nightly").expect("nightly").iter().map(String::as_str).collect::<Vec<_>>(), nightly);
    assert_eq!(named("staging").expect("staging"), pick(&world, &["tag:staging"]));
    let picked = named("all_but").expect("all_but");
    assert!(picked.contains("model.shop.stg_rates") && !picked.contains("model.shop.stg_orders"), "{picked:?}");
    let picked = named("boolean").expect("boolean");
    assert_eq!(picked.len(), 13, "{picked:?}");
    assert!(picked.contains("seed.shop.rates") && !picked.iter().any(|id| id.starts_with("test.")), "{picked:?}");
}

#[test]
fn selectors_that_do_not_exist_or_go_in_circles_are_refused() {
    let error = named("stagng").expect_err("unknown");
    assert_eq!(error.hint.as_deref(), Some("did you mean \"staging\"?"));
    let error = named("one").expect_err("a circle");
    assert_eq!(error.message, "selector \"one\" refers to itself");
    assert!(error.detail.is_some_and(|detail| detail.contains("one → two → one")));
}

/// A graph of models `m0`, `m1`, ... in which each depends on some before it, two thirds of them tagged.
fn any_world() -> impl Strategy<Value = World> {
    proptest::collection::vec(proptest::collection::vec(any::<prop::sample::Index>(), 0..3), 1..12).prop_map(|edges| {
        let nodes = edges.iter().enumerate().map(|(i, parents)| {
            let parents: BTreeSet<usize> =
                parents.iter().filter(|_| i > 0).map(|index| index.index(i.max(1))).collect();
            Node {
                unique_id: format!("model.shop.m{i}"),
                name: format!("m{i}"),
                package: "shop".into(),
                fqn: vec!["shop".into(), format!("m{i}")],
                resource_type: "model".into(),
                file: format!("models/m{i}.sql"),
                patch: None,
                tags: ["a", "b"][..i % 3].iter().map(ToString::to_string).collect(),
                config: Config::new(),
                version: None,
                latest_version: None,
                access: None,
                group: None,
                generic_test: None,
                source_name: None,
                depends_on: parents.into_iter().map(|p| format!("model.shop.m{p}")).collect(),
            }
        });
        World(nodes.collect())
    })
}

/// Words about such a graph.
fn any_word() -> impl Strategy<Value = String> {
    let core = prop_oneof![
        (0..12_usize).prop_map(|i| format!("m{i}")),
        Just("tag:a".to_owned()),
        Just("tag:b".to_owned()),
        Just("path:models/m1*".to_owned()),
        Just("*".to_owned()),
    ];
    let operators = prop_oneof![Just(("", "")), Just(("+", "")), Just(("", "+")), Just(("1+", "+1")), Just(("@", ""))];
    (core, operators).prop_map(|(core, (before, behind))| format!("{before}{core}{behind}"))
}

/// All that a node needs, by a search of its own.
fn ancestors(world: &World, id: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut open: Vec<String> = world.parents(id).into_iter().map(str::to_owned).collect();
    while let Some(id) = open.pop() {
        if found.insert(id.clone()) {
            open.extend(world.parents(&id).into_iter().map(str::to_owned));
        }
    }
    found
}

proptest! {
    #[test]
    fn spaces_are_unions_and_commas_intersections(world in any_world(), a in any_word(), b in any_word(), c in any_word()) {
        let (pa, pb, pc) = (pick(&world, &[&a]), pick(&world, &[&b]), pick(&world, &[&c]));
        let both: BTreeSet<String> = pa.intersection(&pb).cloned().collect();
        let either: BTreeSet<String> = pa.union(&pb).cloned().collect();
        prop_assert_eq!(pick(&world, &[&format!("{a},{b}")]), both.clone());
        prop_assert_eq!(pick(&world, &[&format!("{a} {b}")]), either.clone());
        prop_assert_eq!(pick(&world, &[&a, &b]), either.clone());
        prop_assert_eq!(pick(&world, &[&b, &a]), either.clone());
        prop_assert_eq!(pick(&world, &[&format!("{b},{a}")]), both);
        let without: BTreeSet<String> = either.difference(&pc).cloned().collect();
        let request = Request { select: &words(&[&a, &b]), exclude: &words(&[&c]), ..Request::default() };
        prop_assert_eq!(choose(&world, &NoPast, &[], &request).expect("picks").ids, without);
    }

    #[test]
    fn a_plus_before_adds_all_that_is_needed_and_nothing_else(world in any_world(), i in 0..12_usize) {
        let id = format!("model.shop.m{}", i % world.0.len());
        let name = id.trim_start_matches("model.shop.").to_owned();
        let mut expected = ancestors(&world, &id);
        expected.insert(id.clone());
        let up = pick(&world, &[&format!("+{name}")]);
        prop_assert_eq!(&up, &expected);
        for ancestor in &up {
            let down = pick(&world, &[&format!("{}+", ancestor.trim_start_matches("model.shop."))]);
            prop_assert!(down.contains(&id));
        }
        let at = pick(&world, &[&format!("@{name}")]);
        prop_assert!(up.is_subset(&at));
    }

    #[test]
    fn the_order_in_which_nodes_come_does_not_matter(world in any_world(), a in any_word(), b in any_word()) {
        let reversed = World(world.0.iter().rev().cloned().collect());
        prop_assert_eq!(pick(&world, &[&a, &b]), pick(&reversed, &[&a, &b]));
        let by_id: BTreeMap<&str, &Node> = world.0.iter().map(|node| (node.unique_id.as_str(), node)).collect();
        prop_assert!(pick(&world, &[&a]).iter().all(|id| by_id.contains_key(id.as_str())));
    }
}
