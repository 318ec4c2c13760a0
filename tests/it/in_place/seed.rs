//! Seeds: types, reloads, faults.

use super::support::{Place, name, told};
use quintile::warehouse::in_place::Change;
use quintile::warehouse::in_place::seed::{self, SeedDefinition};

async fn load(place: &Place, definition: &SeedDefinition) -> Change {
    let outcome = told(seed::build(&place.session, &place.catalog, definition, false).await);
    told(place.session.commit().await);
    outcome.change
}

#[tokio::test(flavor = "multi_thread")]
async fn a_seed_is_loaded_once_and_again_when_it_changed() {
    let mut place = Place::new().await;
    let text = "id,Name,at,flag,code\n1,\"a,\"\"b\nc\",2024-01-01T10:00:00+02:00,TRUE,007\n2,,,null,\\.\n";
    let definition = SeedDefinition {
        name: name("s"),
        path: "seeds/s.csv".into(),
        text: text.into(),
        column_types: [("code".to_owned(), "varchar(8)".to_owned())].into(),
        ..SeedDefinition::default()
    };
    assert_eq!(load(&place, &definition).await, Change::Created);
    let types = "SELECT string_agg(a.attname || ' ' || format_type(atttypid, atttypmod), ', ' ORDER BY attnum)
        FROM pg_attribute a WHERE attrelid = 'shop.s'::regclass AND attnum > 0";
    let expected = "id integer, Name text, at timestamp without time zone, flag boolean, code character varying(8)";
    assert_eq!(place.rows(types).await, expected);
    place.sql("CREATE VIEW shop.top AS SELECT * FROM shop.s").await;
    let rows = "SELECT id, \"Name\", at = (timestamptz '2024-01-01 08:00+00')::timestamp, flag, code FROM shop.top ORDER BY id";
    assert_eq!(place.rows(rows).await, "1|a,\"b\nc|t|t|007\n2|-|-|-|\\.");
    place.next_run().await;
    assert_eq!(load(&place, &definition).await, Change::Unchanged);
    let changed = SeedDefinition { text: text.replace("007", "008"), ..definition.clone() };
    assert_eq!(load(&place, &changed).await, Change::Replaced);
    assert_eq!(place.rows("SELECT code FROM shop.top WHERE id = 1").await, "008");
    place.sql("DROP TABLE shop.s CASCADE").await;
    place.next_run().await;
    assert_eq!(load(&place, &changed).await, Change::Created, "what is remembered of a table that is gone is void");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_value_names_line_and_column_of_the_file() {
    let place = Place::new().await;
    let definition = SeedDefinition {
        name: name("s"),
        path: "seeds/s.csv".into(),
        text: "a,b\n\"x\ny\",1\n\nz,many\n".into(),
        column_types: [("b".to_owned(), "integer".to_owned())].into(),
        ..SeedDefinition::default()
    };
    let error = seed::build(&place.session, &place.catalog, &definition, false).await.expect_err("no number");
    let hint = error.hint.unwrap_or_default();
    assert!(hint.starts_with("correct seeds/s.csv, line 5, column b: \"many\""), "{hint}");
}
