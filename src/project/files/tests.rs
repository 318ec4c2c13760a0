//! Project files as dbt 1.11 reads them: values checked against what dbt made of the same text, problems by their text.

use super::config::{self, Config};
use super::dbt_project::{self, DbtProject};
use super::packages::{self, Installed};
use super::profiles::{self, Profile, Wanted};
use super::properties;
use super::properties::tests::SCHEMA;
use super::{Problem, selectors};
use crate::error::{Error, Result};
use crate::project::SourceFile;
use proptest::prelude::*;
use serde_json::{Value as Json, json};

pub(super) fn file(path: &str, text: &str) -> SourceFile {
    SourceFile { path: path.into(), text: text.into() }
}

/// Knows two templates; any other is a fault.
pub(super) fn render(text: &str) -> Result<Json> {
    match text {
        "{{ env_var('HOST') }}" => Ok(json!("db.example")),
        "{{ var('threads') }}" => Ok(json!(8)),
        "{{ target.name }}" => Ok(json!("dev")),
        _ => Err(Error::config(format!("unknown template {text}")).hint("know it")),
    }
}

/// Problems as `warning 3: message | hint`.
pub(super) fn told(problems: &[Problem]) -> Vec<String> {
    let level = |p: &Problem| if p.is_error() { "error" } else { "warning" };
    problems.iter().map(|p| format!("{} {}: {} | {}", level(p), p.line, p.message, p.hint)).collect()
}

fn project(text: &str) -> (Option<DbtProject>, Vec<String>) {
    let mut problems = Vec::new();
    let project = DbtProject::read(&file("dbt_project.yml", text), &render, &mut problems);
    (project, told(&problems))
}

const PROJECT: &str = "
name: cfg
profile: shop
models:
  +tags: top
  +grants: {select: [ann]}
  +pre-hook: \"select {{ this }}\"
  cfg:
    materialized: table
    +meta: {owner: a, tier: 1}
    meta: {owner: ignored}
    staging:
      +materialized: view
      tags: [stg]
      +grants: {+select: bob, insert: carl}
      +post_hook: ['select 2', {sql: vacuum, transaction: false}]
      +persist_docs: {relation: true}
      stg_orders:
        +meta: {tier: 2}
        +column_types: {a: int}
        +schema: '{{ target.name }}'
";

#[test]
fn the_tree_of_configuration_merges_as_dbt_merges_it() {
    let (project, problems) = project(PROJECT);
    let tree = project.expect("a project").configs.models;
    assert_eq!(
        problems,
        ["warning 11: \"models\" has an unknown configuration \"owner\" | values of your own belong under +meta"]
    );
    let fqn: Vec<String> = ["cfg", "staging", "stg_orders"].map(str::to_owned).into();
    assert_eq!(tree.levels(&fqn).len(), 4);
    let mut config = tree.config_for(&fqn);
    let call = json!({"tags": ["own"], "meta": {"z": 1}, "pre_hook": "select 4"});
    config::merge(&mut config, call.as_object().expect("a map"));
    // What dbt-core 1.11 writes into its manifest for this project.
    let expected = json!({
        "tags": ["top", "stg", "own"],
        "grants": {"select": ["ann", "bob"], "insert": ["carl"]},
        "pre-hook": [
            {"sql": "select {{ this }}", "transaction": true, "index": null},
            {"sql": "select 4", "transaction": true, "index": null},
        ],
        "materialized": "view",
        "meta": {"owner": "a", "tier": 2, "z": 1},
        "post-hook": [
            {"sql": "select 2", "transaction": true, "index": null},
            {"sql": "vacuum", "transaction": false, "index": null},
        ],
        "persist_docs": {"relation": true},
        "column_types": {"a": "int"},
        "schema": "dev",
    });
    assert_eq!(Json::Object(config), expected);
    let folders: Vec<_> = tree.folders().into_iter().map(|folder| (folder.path.join("."), folder.line)).collect();
    let expected = [("cfg", 8), ("cfg.meta", 11), ("cfg.staging", 12), ("cfg.staging.stg_orders", 18)];
    assert_eq!(folders, expected.map(|(path, line)| (path.to_owned(), line)));
    assert_eq!(tree.config_for(&["other".to_owned()]).get("tags"), Some(&json!(["top"])));
}

#[test]
fn a_project_has_dbts_defaults_and_old_names() {
    let (project, problems) = project(
        "name: shop\nversion: 1.0\nsource-paths: [sql]\ndata-paths: csv\ntarget-path: out\nvars: {a: 1, shop: {a: 2, b: '{{ raw }}'}}\n\
         on-run-start: 'select {{ 1 }}'\nquery-comment:\ndispatch: [{macro_namespace: u, search_order: [shop, u]}]\nrestrict-access: yes\n",
    );
    let project = project.expect("a project");
    assert_eq!(problems, [] as [String; 0]);
    assert_eq!((project.version.as_deref(), project.restrict_access), (Some("1.0"), true));
    assert_eq!((project.paths.models, project.paths.seeds), (vec!["sql".to_owned()], vec!["csv".to_owned()]));
    assert_eq!((project.paths.clean_targets, project.paths.tests), (vec!["out".to_owned()], vec!["tests".to_owned()]));
    assert_eq!(project.on_run_start, ["select {{ 1 }}"]);
    assert_eq!(project.query_comment.comment.as_deref(), Some(""));
    assert_eq!(project.dispatch[0].search_order, ["shop", "u"]);
    assert_eq!(Json::Object(project.vars.of_package("shop"))["a"], 2);
    assert_eq!(Json::Object(project.vars.of_package("pkg"))["a"], 1);
    let identity = dbt_project::identify(&file("dbt_project.yml", "name: a\nprofile: \"{{ env_var('P') }}\"\n"));
    assert_eq!((identity.name.as_str(), identity.profile.as_deref()), ("a", Some("{{ env_var('P') }}")));
}

#[test]
fn all_problems_of_a_project_come_at_once() {
    let (_, problems) = project(
        "name: 1shop\nmodle-paths: [x]\nmodel-paths: {a: b}\nrequire-dbt-version: '>=2.0.0'\nprofile: \"{{ nope }}\"\n\
         models:\n  shop:\n    materialised: table\n  meta: {}\nflags: {fail_fats: true}\ndispatch: [{macro_namespace: a}]\n",
    );
    let expected = [
        "error 5: value of \"profile\" cannot be rendered: unknown template {{ nope }} | know it",
        "warning 2: \"dbt_project.yml\" has an unknown key \"modle-paths\" | did you mean \"model-paths\"?",
        "error 1: project name \"1shop\" is not a plain name | write letters, digits and _, a letter first",
        "error 3: model-paths of \"dbt_project.yml\" must be a list, not a map | begin each item with a dash",
        "error 11: an entry of \"dispatch\" has no search_order | add search_order: [<package>, ...]",
        "warning 8: \"models\" has an unknown configuration \"materialised\" | did you mean \"materialized\"?",
        "warning 9: \"models\" reads \"meta\" as a folder | write +meta to configure",
        "warning 10: \"flags\" has an unknown key \"fail_fats\" | did you mean \"fail_fast\"?",
        "error 4: project \"1shop\" requires dbt >=2.0.0 | Quintile behaves as dbt 1.11.0: widen require-dbt-version if that is enough",
    ];
    assert_eq!(problems, expected);
}

#[test]
fn broken_yaml_is_an_error_and_a_key_written_twice_a_warning() {
    let (project, problems) = self::project("name: a\nmodels: [\n");
    assert!(project.is_none() && problems.len() == 1, "{problems:?}");
    assert!(problems[0].contains("file \"dbt_project.yml\" is not well-formed YAML"), "{problems:?}");
    let (project, problems) = self::project("name: a\nname: b\n");
    assert_eq!(project.map(|project| project.name).as_deref(), Some("b"));
    assert!(problems.len() == 1 && problems[0].starts_with("warning 2:"), "{problems:?}");
}

const PROFILES: &str = "
shop:
  target: \"{{ target.name }}\"
  outputs:
    dev:
      type: postgres
      host: \"{{ env_var('HOST') }}\"
      port: 5432
      user: ann
      pass: 'a{{b'
      dbname: d
      schema: s
      threads: \"{{ var('threads') }}\"
      ssl: x
    prod: {type: snowflake, account: \"{{ not_set }}\"}
    bad: {type: postgres, host: h, port: 70000, user: u, database: d, dbname: e, password: p}
";

fn profile(profile: Option<&str>, target: Option<&str>) -> (Option<Profile>, Vec<String>) {
    let mut problems = Vec::new();
    let found = profiles::read(&file("profiles.yml", PROFILES), Wanted { profile, target }, &render, &mut problems);
    (found, told(&problems))
}

#[test]
fn a_profile_is_chosen_rendered_and_checked() {
    let (found, problems) = profile(Some("shop"), None);
    let found = found.expect("a profile");
    assert_eq!(problems.len(), 1, "{problems:?}");
    assert!(problems[0].starts_with("warning 14: target \"dev\" of profile \"shop\" has an unknown key \"ssl\""));
    assert_eq!((found.host.as_str(), found.port, found.threads), ("db.example", 5432, 8));
    assert_eq!((found.password.as_str(), found.database.as_str(), found.connect_timeout), ("a{{b", "d", 10));
    assert!(!format!("{found:?}").contains("a{{b"));
    let cases: [(Option<&str>, Option<&str>, &[&str]); 5] = [
        (
            None,
            None,
            &[
                "error 1: the project names no profile | set profile: in dbt_project.yml, or --profile; known profiles: shop",
            ],
        ),
        (Some("shpo"), None, &["error 1: profile \"shpo\" does not exist | did you mean \"shop\"?"]),
        (Some("shop"), Some("x"), &["error 5: profile \"shop\" has no target \"x\" | known targets: dev, prod, bad"]),
        (
            Some("shop"),
            Some("prod"),
            &[
                "error 15: value of \"account\" cannot be rendered: unknown template {{ not_set }} | know it",
                "error 15: target \"prod\" of profile \"shop\" has the adapter type \"snowflake\" | the one adapter is postgres: choose a target of that type",
            ],
        ),
        (
            Some("shop"),
            Some("bad"),
            &[
                "error 16: target \"bad\" of profile \"shop\" has both dbname and database | keep one of the two",
                "error 16: target \"bad\" of profile \"shop\" has no schema | add a line schema: ...",
                "error 16: port 70000 of target \"bad\" of profile \"shop\" does not exist | ports end at 65535",
            ],
        ),
    ];
    for (name, target, expected) in cases {
        let (found, problems) = profile(name, target);
        assert_eq!((found, problems.iter().map(String::as_str).collect::<Vec<_>>()), (None, expected.to_vec()));
    }
}

#[test]
fn packages_are_local_or_found_by_the_end_of_their_address() {
    let mut problems = Vec::new();
    let text = "packages:\n  - local: ../shared\n  - package: dbt-labs/dbt_utils\n    version: ['>=1.0.0', '<2.0.0']\n\
                \x20 - git: https://example.org/a/dbt-date.git\n    revision: 1.0\n  - tarball: https://example.org/x.tgz\n    name: x_y\n\
                \x20 - package: nameless\n  - loacl: a\n";
    let found = packages::read_packages(&file("packages.yml", text), &render, &mut problems).packages;
    let expected = [
        "error 9: package \"nameless\" has no namespace | write it like dbt-labs/dbt_utils",
        "error 9: package \"nameless\" has no version | add a line version: ...",
        "error 10: a package says not where it comes from | begin it with local:, package:, git:, private: or tarball:",
    ];
    assert_eq!(told(&problems), expected);
    let installed: Vec<Installed> = [("dbt_packages/dbt_utils", "dbt_utils"), ("dbt_packages/date", "dbt_date")]
        .map(|(folder, name)| Installed { folder: folder.into(), name: name.into() })
        .into();
    let located: Vec<_> = found.iter().map(|package| package.locate("dbt_packages", &installed).ok()).collect();
    let expected = [Some("../shared"), Some("dbt_packages/dbt_utils"), Some("dbt_packages/date"), None, None];
    assert_eq!(located, expected.map(|folder| folder.map(str::to_owned)));
    let missing = found[3].locate("dbt_packages", &installed).expect_err("not installed");
    assert_eq!(missing.message, "package \"https://example.org/x.tgz\" is not installed");
    assert_eq!(
        missing.detail.as_deref(),
        Some("packages.yml:7 asks for it.\ndbt_packages holds dbt_utils, dbt_date. Packages are not downloaded.")
    );
    let other = packages::read_dependencies(&file("dependencies.yml", "projects: [{name: core}]\n"), &mut problems);
    assert_eq!(other.projects, ["core"]);
}

#[test]
fn selectors_are_checked_before_they_are_used() {
    let mut problems = Vec::new();
    let text = "selectors:\n  - {name: a, default: true, definition: {union: ['x'], intersection: ['y']}}\n\
                \x20 - {name: b, default: true, definition: 'tag:x'}\n  - {name: c, default: true, definition: {method: tag}}\n\
                \x20 - {name: b, default: true, definition: {method: tag, value: x, parnets: true}}\n";
    let found = selectors::read(&file("selectors.yml", text), &render, &mut problems);
    assert_eq!(found.iter().map(|selector| selector.name.as_str()).collect::<Vec<_>>(), ["b", "b"]);
    let expected = [
        "error 2: selector \"a\" has more than a union or an intersection at its root | put the other keys inside of it",
        "error 4: a criterion of selector \"c\" lacks its method or its value | write method: tag and value: nightly, or tag: nightly",
        "warning 5: selector \"b\" has an unknown key \"parnets\" | did you mean \"parents\"?",
        "error 5: selector \"b\" is defined twice | the other one is on line 3",
        "error 5: selectors \"b\" and \"b\" are both the default | keep default: true on one of them",
    ];
    assert_eq!(told(&problems), expected);
}

#[test]
fn configuration_of_an_unknown_kind_is_kept_as_it_is() {
    let mut config = Config::new();
    config::merge(&mut config, json!({"mine": [1], "meta": null}).as_object().expect("a map"));
    config::merge(&mut config, json!({"mine": [2]}).as_object().expect("a map"));
    assert_eq!(Json::Object(config), json!({"mine": [2], "meta": null}));
}

/// The text with some of its lines left out and some moved to the right or to the left.
fn mangled(text: &'static str) -> impl Strategy<Value = String> {
    let lines = text.lines().count();
    proptest::collection::vec((0..lines, 0..4_u8), 0..6).prop_map(move |changes| {
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        for (place, change) in changes {
            lines[place] = match change {
                0 => String::new(),
                1 => format!("  {}", lines[place]),
                2 => lines[place].trim_start_matches("  ").to_owned(),
                _ => lines[place].replace(": ", ": [").replace("- ", "- - "),
            };
        }
        lines.join("\n")
    })
}

proptest! {
    #[test]
    fn no_text_makes_a_reader_fall_and_each_problem_has_its_line(a in mangled(SCHEMA), b in mangled(PROJECT), c in mangled(PROFILES)) {
        let mut problems = Vec::new();
        let _ = properties::read(&file("a", &a), &render, &mut problems);
        let _ = DbtProject::read(&file("b", &b), &render, &mut problems);
        let wanted = Wanted { profile: Some("shop"), target: None };
        let _ = profiles::read(&file("c", &c), wanted, &render, &mut problems);
        for problem in &problems {
            let text = match problem.path.as_str() { "a" => &a, "b" => &b, _ => &c };
            prop_assert!((1..=text.lines().count() + 1).contains(&problem.line), "{problem}");
        }
    }
}
