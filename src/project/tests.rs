//! The engine on whole projects: the fixture shop, every error message, selectors, fingerprints.

use super::*;
use proptest::prelude::*;
use std::fs;
use std::path::Path;

/// All files below `folder`, as the engine gets them.
fn load(folder: &Path) -> Vec<SourceFile> {
    fn walk(folder: &Path, top: &Path, files: &mut Vec<SourceFile>) {
        for entry in fs::read_dir(folder).expect("a fixture folder").map(|e| e.expect("an entry").path()) {
            if entry.is_dir() {
                walk(&entry, top, files);
            } else {
                let path = entry.strip_prefix(top).expect("a path below").to_string_lossy().into_owned();
                files.push(SourceFile { path, text: fs::read_to_string(&entry).expect("text") });
            }
        }
    }
    let mut files = Vec::new();
    walk(folder, folder, &mut files);
    files
}

/// Files of one text, each after a line `=== path`.
fn split(text: &str) -> Vec<SourceFile> {
    let parts = text.split("=== ").skip(1);
    let pairs = parts.map(|part| part.split_once('\n').expect("a path line"));
    pairs.map(|(path, text)| SourceFile { path: path.into(), text: text.into() }).collect()
}

fn vars() -> BTreeMap<String, serde_json::Value> {
    BTreeMap::from([("lookback".to_owned(), 30.into()), ("country".to_owned(), "Côte d'Ivoire".into())])
}

fn shop() -> Project {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/projects/shop");
    let (project, problems) = Project::parse(&load(&folder), vars());
    assert!(problems.is_empty(), "{}", reports(&problems));
    project
}

fn reports(problems: &[Error]) -> String {
    problems.iter().map(Error::report).collect::<Vec<_>>().join("\n\n")
}

fn relation(schema: &str, identifier: &str) -> RelationName {
    RelationName { schema: schema.into(), identifier: identifier.into(), ..RelationName::default() }
}

fn context() -> Context {
    let relation = |name: &str| (name.to_owned(), relation("quintile_store", &format!("{name}__r7")));
    Context {
        relations: ["stg_orders", "customer_orders", "rfm_scores", "customer_clusters", "rfm_segments"]
            .map(relation)
            .into(),
        source_schemas: BTreeMap::from([("raw".to_owned(), "shop_b_raw".to_owned())]),
        sources: BTreeMap::new(),
        as_of: "2011-12-10T00:00:00+00:00".to_owned(),
        run_id: 7,
        target_schema: "shop_b_marts".to_owned(),
        target_name: "shop_b".to_owned(),
        live: Arc::default(),
        database: None,
    }
}

#[test]
fn the_shop_compiles_to_this_sql() {
    let project = shop();
    let order = project.order(&project.select(&[], &[]).expect("all"));
    let mut told = format!("-- order: {}\n", order.join(", "));
    for name in project.models.keys() {
        told.push_str(&format!("\n-- model {name}\n{}\n", project.compile(name, &context()).expect(name)));
    }
    insta::assert_snapshot!("shop_models", told);
}

/// What every model that comes with the program sends to the server, so that a change of the engine or of a macro that
/// changes any of it is seen.
#[test]
fn the_bundled_models_compile_to_this_sql() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let below = |place: &'static str| {
        let files = load(&root.join(place)).into_iter();
        files.map(move |file| SourceFile { path: format!("{place}/{}", file.path), ..file })
    };
    let entries = fs::read_dir(root.join("seeds")).expect("the seeds").map(|entry| entry.expect("an entry").path());
    let seeds = entries.filter(|path| path.is_file()).map(|path| SourceFile {
        text: fs::read_to_string(&path).expect("a seed"),
        path: format!("seeds/{}", path.file_name().expect("a name").to_string_lossy()),
    });
    let files: Vec<SourceFile> = below("models").chain(below("macros")).chain(seeds).collect();
    let (project, problems) = Project::parse(&files, BTreeMap::new());
    assert!(problems.is_empty(), "{}", reports(&problems));
    let names = project.models.keys().chain(project.seeds.keys());
    let relation = |name: &String| {
        let relation = RelationName {
            schema: "quintile_store".into(),
            identifier: format!("{name}__r7"),
            ..RelationName::default()
        };
        (name.clone(), relation)
    };
    let context = Context { relations: names.map(relation).collect(), ..context() };
    for name in project.order(&project.select(&[], &[]).expect("all")) {
        if project.models.contains_key(&name) {
            insta::assert_snapshot!(format!("bundled_{name}"), project.compile(&name, &context).expect(&name));
        }
    }
}

#[test]
fn the_shop_has_these_data_tests() {
    let project = shop();
    let mut told = String::new();
    for (name, test) in &project.tests {
        let DataTest { model, column, severity, refs, .. } = test;
        let sql = project.compile_test(name, &context()).expect(name);
        told.push_str(&format!("-- {name} on {model}.{column:?}, {severity:?}, reads {refs:?}\n{sql}\n\n"));
    }
    insta::assert_snapshot!("shop_data_tests", told);
    let names: Vec<&str> = project.tests_of("customer_orders").iter().map(|t| t.name.as_str()).collect();
    assert_eq!(
        names,
        ["not_null_customer_orders_customer_id", "orders_have_revenue", "unique_customer_orders_customer_id"]
    );
}

#[test]
fn the_shop_is_understood_with_descriptions_configuration_and_seeds() {
    let project = shop();
    insta::assert_debug_snapshot!("shop_stg_orders", project.models["stg_orders"]);
    insta::assert_debug_snapshot!("shop_rfm_segments", project.seeds["rfm_segments"]);
    assert_eq!(project.models["rfm_scores"].description, "Scores 1 to 5 of each customer.");
    assert_eq!(project.models["customer_clusters"].materialization, Materialization::Cluster);
    assert_eq!(project.seeds.len(), 1, "seeds/demo/ is not the project's");
    assert_eq!(project.models["customer_orders"].column_description("customer_id"), Some("Stable id of the customer."));
}

#[test]
fn every_bad_project_is_told_in_full() {
    insta::glob!("../../tests/fixtures/projects/bad", "*.txt", |path| {
        let (_, problems) = Project::parse(&split(&fs::read_to_string(path).expect("text")), vars());
        assert!(!problems.is_empty(), "{} has no problem", path.display());
        insta::assert_snapshot!("bad", reports(&problems));
    });
}

#[test]
fn compiling_tells_what_the_run_lacks() {
    let files = split(concat!(
        "=== models/a.sql\nSELECT 1\n=== models/b.sql\nSELECT * FROM {{ ref('a') }}\n",
        "=== models/hidden.sql\nSELECT 1 {% if execute %}FROM {{ ref('a') }}{% endif %}\n",
    ));
    let (project, problems) = Project::parse(&files, vars());
    assert!(problems.is_empty(), "{}", reports(&problems));
    let errors = [
        project.compile("aa", &Context::default()),
        project.compile("b", &Context::default()),
        project.compile("hidden", &Context::default()),
        project.compile_test("nothing", &Context::default()),
    ];
    let told: Vec<String> = errors.into_iter().map(|e| e.expect_err("refused").report()).collect();
    insta::assert_snapshot!("compile_errors", told.join("\n\n"));
}

#[test]
fn a_depends_on_comment_makes_a_conditional_reference_known() {
    let files = split(concat!(
        "=== models/a.sql\nSELECT 1\n",
        "=== models/b.sql\n-- depends_on: {{ ref('a') }}\nSELECT 1 {% if execute %}FROM {{ ref('a') }}{% endif %};\n",
    ));
    let (project, _) = Project::parse(&files, vars());
    let context = Context { relations: BTreeMap::from([("a".into(), relation("s", "a"))]), ..Context::default() };
    assert_eq!(project.compile("b", &context).expect("sql"), "-- depends_on: \"s\".\"a\"\nSELECT 1 FROM \"s\".\"a\"");
}

fn picked(project: &Project, select: &[&str], exclude: &[&str]) -> Vec<String> {
    let owned = |words: &[&str]| words.iter().map(ToString::to_string).collect::<Vec<_>>();
    project.select(&owned(select), &owned(exclude)).expect("a selection").into_iter().collect()
}

#[test]
fn selectors_pick_as_in_dbt() {
    let project = shop();
    let all = ["customer_clusters", "customer_orders", "rfm_scores", "rfm_segments", "stg_orders"];
    assert_eq!(picked(&project, &[], &[]), all);
    assert_eq!(picked(&project, &["rfm_scores"], &[]), ["rfm_scores"]);
    assert_eq!(
        picked(&project, &["+rfm_scores"], &[]),
        ["customer_orders", "rfm_scores", "rfm_segments", "stg_orders"]
    );
    assert_eq!(picked(&project, &["1+rfm_scores"], &[]), ["customer_orders", "rfm_scores", "rfm_segments"]);
    assert_eq!(picked(&project, &["stg_orders+1"], &[]), ["customer_orders", "stg_orders"]);
    assert_eq!(
        picked(&project, &["+customer_orders+"], &["tag:weekly"]),
        ["customer_orders", "rfm_scores", "stg_orders"]
    );
    assert_eq!(picked(&project, &["tag:staging", "tag:reference"], &[]), ["rfm_segments", "stg_orders"]);
    assert_eq!(picked(&project, &["rfm_* customer_*"], &[]), all[..4]);
    assert_eq!(picked(&project, &["stg_orders+,path:models/marts"], &[]), ["customer_orders", "rfm_scores"]);
    assert_eq!(picked(&project, &["models/analytics"], &[]), ["customer_clusters"]);
    assert_eq!(picked(&project, &["models/marts/rfm_scores.sql"], &[]), ["rfm_scores"]);
    assert_eq!(
        picked(&project, &["source:raw.orders+"], &[]),
        ["customer_clusters", "customer_orders", "rfm_scores", "stg_orders"]
    );
    assert_eq!(picked(&project, &["source:raw+1"], &[]), ["stg_orders"]);
    assert_eq!(picked(&project, &["resource_type:seed"], &[]), ["rfm_segments"]);
    assert_eq!(picked(&project, &["config.materialized:table"], &[]), ["customer_orders"]);
    assert_eq!(picked(&project, &["access:private"], &[]), ["stg_orders"]);
    assert_eq!(picked(&project, &[], &["resource_type:model"]), ["rfm_segments"]);
}

#[test]
fn selectors_that_pick_nothing_are_refused_with_the_nearest_name() {
    let project = shop();
    let wrong = [
        "rfm_score",
        "tag:wekly",
        "path:models/mart",
        "source:raw.order+",
        "source:raw.orders",
        "colour:red",
        "tags:weekly",
        "resource_type:test",
        "+weather+",
        "models/nowhere",
        "config.materialized:incremental",
    ];
    let told = wrong.map(|word| project.select(&[word.to_owned()], &[]).expect_err(word).report());
    insta::assert_snapshot!("selector_errors", told.join("\n\n"));
}

#[test]
fn order_holds_through_names_that_are_not_selected() {
    let project = shop();
    let ends = BTreeSet::from(["rfm_scores".to_owned(), "stg_orders".to_owned()]);
    assert_eq!(project.order(&ends), ["stg_orders", "rfm_scores"]);
    assert_eq!(project.parents("rfm_scores"), ["customer_orders", "rfm_segments"]);
    assert_eq!(project.children("customer_orders"), ["customer_clusters", "rfm_scores"]);
    assert_eq!(project.levels()[0], ["rfm_segments", "stg_orders"]);
    assert_eq!(project.ancestors("customer_clusters").len(), 2);
    assert_eq!(project.descendants("rfm_segments").len(), 1);
}

/// Two models, a macro file and a property file, with room for changes.
fn variant(first: &str, second: &str, macro_body: &str, tag: &str, var: u32) -> Project {
    let text = format!(
        "=== models/first.sql\nSELECT {first} {{{{ var('v') }}}}\n=== models/second.sql\nSELECT {second}\n\
         === macros/m.sql\n{{% macro m() %}}{macro_body}{{% endmacro %}}\n\
         === models/schema.yml\nmodels:\n  - name: first\n    config: {{tags: [t{tag}]}}\n"
    );
    let (project, problems) = Project::parse(&split(&text), BTreeMap::from([("v".to_owned(), var.into())]));
    assert!(problems.is_empty(), "{}", reports(&problems));
    project
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn a_fingerprint_changes_with_what_decides_the_rows_and_with_nothing_else(
        [a, b] in ["[a-z]{1,8}", "[a-z]{1,8}"], v in 0u32..9,
    ) {
        prop_assume!(a != b);
        let base = variant(&a, &a, &a, &a, v);
        let first = |project: &Project| project.fingerprint("first");
        prop_assert_eq!(first(&base), first(&variant(&a, &a, &a, &a, v)));
        prop_assert_eq!(first(&base), first(&variant(&a, &b, &a, &a, v)));
        prop_assert_ne!(first(&base), first(&variant(&b, &a, &a, &a, v)));
        prop_assert_ne!(first(&base), first(&variant(&a, &a, &b, &a, v)));
        prop_assert_ne!(first(&base), first(&variant(&a, &a, &a, &b, v)));
        prop_assert_ne!(first(&base), first(&variant(&a, &a, &a, &a, v + 1)));
        prop_assert_ne!(base.fingerprint("second"), first(&base));
    }
}

#[test]
fn a_fingerprint_is_hexadecimal_and_knows_seeds() {
    let project = shop();
    let seed = project.fingerprint("rfm_segments");
    assert!(seed.len() == 32 && seed.bytes().all(|b| b.is_ascii_hexdigit()), "{seed}");
    assert_eq!(project.fingerprint("nobody"), "");
}

#[test]
fn a_project_without_files_is_empty_and_sound() {
    let (project, problems) = Project::parse(&[], BTreeMap::new());
    assert!(problems.is_empty() && project.models.is_empty());
    assert!(project.select(&[], &[]).expect("nothing").is_empty());
}

#[test]
fn deep_nesting_is_refused_and_never_overflows() {
    let yaml = format!("=== models/schema.yml\nmodels: {}\n", "[".repeat(20_000));
    let jinja = format!("=== models/a.sql\nSELECT {{{{ {}1 }}}}\n", "(".repeat(20_000));
    for text in [yaml, jinja] {
        let (_, problems) = Project::parse(&split(&text), vars());
        assert!(!problems.is_empty());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    /// Whatever an editor leaves behind, the engine answers with problems and never panics.
    #[test]
    fn no_text_makes_the_engine_panic(
        pieces in prop::collection::vec(prop::sample::select(vec![
            "{{ ", " }}", "{% ", " %}", "{#", "#}", "macro ", "endmacro", "m(x)", "ref('a')", "source('a', 'b')", "config(", ")", "k=2",
            "'", "\"", "é", "\n", "\r\n", "\t", "- ", "models:", "name: a", "columns:", "data_tests:", "unique", "[", "]", "{", "}", ",",
            ": ", "&x ", "*x", "|", "if ", "endif", "for i in ", "endfor", "return(1)", "SELECT 1", "--", "/*", "1", "\0", "\u{feff}",
        ]), 0..24),
    ) {
        let text = pieces.concat();
        let paths = ["models/a.sql", "models/schema.yml", "macros/m.sql", "seeds/s.csv", "seeds/s.yml", "tests/data/t.sql"];
        let files: Vec<SourceFile> = paths.map(|path| SourceFile { path: path.into(), text: text.clone() }).into();
        let (project, problems) = Project::parse(&files, vars());
        prop_assert!(project.models.len() == 1 && problems.iter().all(|p| !p.report().is_empty()));
        let _ = project.compile("a", &Context::default());
        let _ = project.select(std::slice::from_ref(&text), std::slice::from_ref(&text));
    }
}

/// One model `x` with these macros, compiled with this database.
fn compiled(model: &str, macros: &str, database: Option<Arc<dyn Database>>) -> Result<String> {
    let files = split(&format!("=== macros/m.sql\n{macros}\n=== models/x.sql\n{model}\n"));
    let (project, problems) = Project::parse(&files, vars());
    assert!(problems.is_empty(), "{}", reports(&problems));
    project.compile("x", &Context { database, ..context() })
}

#[test]
fn bundled_models_have_the_whole_language() {
    let cases = [
        (
            "SELECT {% set names = columns() %}{% do names.append('c') %}{{ names | join(', ') }}",
            "{% macro columns() %}{{ return(['a', 'b']) }}{% endmacro %}",
            "SELECT a, b, c",
        ),
        ("SELECT {{ dbt.date_trunc('month', 'day') }}", "", "SELECT date_trunc('month', day)"),
        (
            "SELECT {% call(x) twice() %}{{ x }} + 1{% endcall %}",
            "{% macro twice() %}{{ caller('a') }}, {{ caller('b') }}{% endmacro %}",
            "SELECT a + 1, b + 1",
        ),
        (
            "SELECT {{ all(1, 2, last=3) }}",
            "{% macro all() %}{{ varargs | join(' + ') }} + {{ kwargs['last'] }}{% endmacro %}",
            "SELECT 1 + 2 + 3",
        ),
        ("SELECT {{ graph.nodes.values() | list | length }} AS nodes", "", "SELECT 1 AS nodes"),
        ("SELECT '{{ modules.datetime.datetime.now().year }}' AS now", "", "SELECT '2011' AS now"),
        ("SELECT '{{ this.schema }}.{{ model.name }}'", "", "SELECT 'shop_b_marts.x'"),
        ("SELECT {{ var('nobody_sets_it', none) is none }}", "", "SELECT true"),
    ];
    for (model, macros, expected) in cases {
        let sql = compiled(model, macros, None).expect(model);
        assert_eq!(sql.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase(), expected.to_lowercase());
    }
}

/// Every macro of package `dbt` that makes an expression, under the strict rules of bundled models.
#[test]
fn the_macros_of_package_dbt_work_where_nothing_undefined_may_pass() {
    let calls = [
        "dbt.dateadd('day', 1, 'd')",
        "dbt.datediff('a', 'b', 'week')",
        "dbt.last_day('d', 'month')",
        "dbt.safe_cast('a', dbt.type_string())",
        "dbt.concat(['a', 'b'])",
        "dbt.hash('a')",
        "dbt.listagg('a', \"','\", 'order by a')",
        "dbt.any_value('a')",
        "dbt.bool_or('a')",
        "dbt.split_part('a', \"'.'\", 1)",
        "dbt.string_literal('a')",
        "dbt.escape_single_quotes(\"it's\")",
        "dbt.position(\"'a'\", 'b')",
        "dbt.right('a', 2)",
        "dbt.length('a')",
        "dbt.replace('a', \"'b'\", \"'c'\")",
        "dbt.array_construct([1, 2])",
        "dbt.current_timestamp()",
        "dbt.date(2024, 1, 2)",
    ];
    for call in calls {
        let sql = compiled(&format!("SELECT {{{{ {call} }}}}"), "", None).unwrap_or_else(|e| panic!("{}", e.report()));
        assert!(sql.len() > "SELECT ".len(), "{call}: {sql}");
    }
}

#[test]
fn a_model_may_ask_the_database_of_a_run_and_is_told_where_there_is_none() {
    let model = "SELECT {% if execute %}{{ run_query('select * from orders').columns[0].values() | join(', ') }}{% else %}1{% endif %}";
    let memory = context::fake::Memory::default();
    assert_eq!(compiled(model, "", Some(Arc::new(memory))).expect("sql"), "SELECT 1, 2, 3");
    let refused = compiled(model, "", None).expect_err("no database");
    insta::assert_snapshot!("no_database", refused.report());
}

#[test]
fn a_model_that_is_no_single_query_is_a_problem_of_the_project() {
    let files = split(concat!(
        "=== models/a.sql\nSELECT 1;\nCOMMIT;\n",
        "=== models/b.sql\n{{ config(tags='x') }}\nINSERT INTO t VALUES (1)\n",
        "=== models/c.sql\nWITH gone AS (DELETE FROM t RETURNING *) SELECT * FROM gone\n",
        "=== models/d.sql\nSELECT 1 {% if execute %}; DROP TABLE t{% endif %}\n",
    ));
    let (project, problems) = Project::parse(&files, vars());
    let compiled = project.compile("d", &context()).expect_err("two statements");
    insta::assert_snapshot!("no_query", format!("{}\n\nwhen compiled:\n{}", reports(&problems), compiled.report()));
}
