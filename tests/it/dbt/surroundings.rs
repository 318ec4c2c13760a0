//! What stands around a relation: hooks, grants, comments, views of others, and a server that goes away.

use super::support::Place;

#[tokio::test(flavor = "multi_thread")]
async fn hooks_run_in_order_inside_and_outside_of_the_transaction() {
    let place = Place::of(
        "=== dbt_project.yml\nname: broken\nversion: '1.0'\nprofile: broken\non-run-start:\n  - \"{{ note('start') }}\"\n\
         on-run-end:\n  - \"{% for r in results %}{{ note(r.node.name ~ ' ' ~ r.status) }};{% endfor %}\"\n\
         === macros/note.sql\n{% macro note(what) %}insert into {{ target.schema }}.notes (what, xid) values ('{{ what }}', txid_current()){% endmacro %}\n\
         === models/one.sql\n{{ config(materialized='table', pre_hook=[{'sql': note('before'), 'transaction': false}, note('pre')],\n\
         post_hook=[note('post'), {'sql': note('after'), 'transaction': false}]) }}\nselect txid_current() as xid\n",
    )
    .await;
    place.sql("CREATE TABLE shop.notes (n serial, what text, xid bigint)").await;
    place.good(&["run"]);
    let notes = "SELECT what, notes.xid = one.xid FROM shop.notes CROSS JOIN shop.one ORDER BY n";
    assert_eq!(place.rows(notes).await, "start|f\nbefore|f\npre|t\npost|t\nafter|f\none success|f");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_view_of_others_and_its_rights_outlive_twenty_rebuilds() {
    let role = format!("bi_{}", std::process::id());
    let place = Place::of(&format!(
        "=== models/orders.sql\n{{{{ config(materialized='table', grants={{'select': ['{role}']}}) }}}}\nselect {{{{ var('n', 0) }}}} as n\n\
         === models/latest.sql\nselect n from {{{{ ref('orders') }}}}\n"
    ))
    .await;
    place.sql(&format!("CREATE ROLE {role}")).await;
    place.good(&["run"]);
    place
        .sql(&format!(
            "CREATE SCHEMA bi; CREATE VIEW bi.board AS SELECT o.n, l.n AS latest FROM shop.orders o, shop.latest l;
             GRANT SELECT ON bi.board TO {role}"
        ))
        .await;
    let oid = place.rows("SELECT 'bi.board'::regclass::oid").await;
    for round in 1..=20 {
        place.good(&["run", "--vars", &format!("{{n: {round}}}")]);
        assert_eq!(place.rows("SELECT n, latest FROM bi.board").await, format!("{round}|{round}"));
    }
    let held = format!(
        "SELECT 'bi.board'::regclass::oid, has_table_privilege('{role}', 'bi.board', 'select'), has_table_privilege('{role}', 'shop.orders', 'select')"
    );
    assert_eq!(place.rows(&held).await, format!("{oid}|t|t"));
    place.sql(&format!("DROP OWNED BY {role}; DROP ROLE {role}")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_whose_backend_was_killed_is_tried_again() {
    let place = Place::of(
        "=== models/shaky.sql\n{{ config(materialized='table') }}\n\
         select case when nextval('{{ target.schema }}.tries') = 1 then pg_terminate_backend(pg_backend_pid()) end as ended\n",
    )
    .await;
    // A sequence counts on when the transaction that asked it is gone.
    place.sql("CREATE SEQUENCE shop.tries").await;
    let told = place.good(&["run"]);
    assert!(told.contains("trying again"), "{told}");
    assert_eq!(place.rows("SELECT count(*), (SELECT last_value FROM shop.tries) > 1 FROM shop.shaky").await, "1|t");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_contract_keeps_what_was_built_before() {
    let place = Place::of(
        "=== models/orders.sql\n{{ config(materialized='table') }}\nselect 1 as id, {{ var('status', \"'paid'\") }} as status\n\
         === models/schema.yml\nmodels:\n  - name: orders\n    description: All orders.\n    config: {contract: {enforced: true}, persist_docs: {relation: true, columns: true}}\n    columns:\n\
         \x20     - {name: id, data_type: int, constraints: [{type: primary_key}]}\n      - {name: status, data_type: text, description: It's a word.}\n",
    )
    .await;
    place.good(&["run"]);
    insta::assert_snapshot!(place.bad(&["run", "--vars", "{status: '7.5'}"]));
    assert_eq!(place.rows("SELECT id, status FROM shop.orders").await, "1|paid");
    let docs = "SELECT obj_description('shop.orders'::regclass), col_description('shop.orders'::regclass, 2), conname FROM pg_constraint WHERE conrelid = 'shop.orders'::regclass";
    assert_eq!(place.rows(docs).await, "All orders.|It's a word.|orders_pkey");
}
