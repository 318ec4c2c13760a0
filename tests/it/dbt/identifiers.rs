//! Hostile names of the schema that a dbt project builds in: refused before anything is made, or quoted.

use super::support::Place;

/// Names, and whether PostgreSQL can have a schema that is called so.
const NAMES: [(&str, bool); 11] = [
    ("public; drop schema shop cascade", true),
    ("a\"b", true),
    ("a'b", true),
    ("pg_catalog", false),
    ("Select", true),
    ("\u{430}dmin", true),
    ("xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", false),
    ("", false),
    ("a.b.c", true),
    ("$1", true),
    ("a\0b", false),
];

#[tokio::test(flavor = "multi_thread")]
async fn a_schema_is_called_what_the_profile_says_or_is_refused() {
    let place = Place::of("=== models/a.sql\n{{ config(materialized='table') }} select 1 as a\n").await;
    place.sql("CREATE TABLE shop.canary AS SELECT 1 AS a").await;
    let profiles = std::fs::read_to_string(place.folder.path().join("profiles.yml")).expect("profiles");
    let mut refused = Vec::new();
    for (name, is_possible) in NAMES {
        // JSON is YAML, escapes and all.
        let quoted = serde_json::to_string(name).expect("JSON");
        place.write("profiles.yml", &profiles.replace("\"schema\": \"shop\"", &format!("\"schema\":{quoted}")));
        if is_possible {
            place.good(&["run"]);
            let literal = name.replace('\'', "''");
            let found =
                format!("SELECT count(*)::text FROM pg_tables WHERE schemaname = '{literal}' AND tablename = 'a'");
            assert_eq!(place.rows(&found).await, "1", "{name}");
        } else {
            refused.push(place.bad(&["run"]));
        }
        assert_eq!(place.rows("SELECT count(*)::text FROM shop.canary").await, "1", "{name}");
    }
    insta::assert_snapshot!(refused.join("\n\n"));
}
