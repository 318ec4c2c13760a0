//! A COPY that the server refuses, before and among its rows.

use crate::harness::Database;
use bytes::Bytes;
use futures_util::SinkExt;
use quintile::warehouse::Warehouse;

#[tokio::test]
async fn a_refused_copy_leaves_the_connection_in_step() {
    let db = Database::new().await;
    let warehouse = Warehouse::connect(&db.settings(), db.url()).await.unwrap_or_else(|e| panic!("{}", e.report()));
    let client = warehouse.client().await.expect("a connection");
    client.batch_execute("CREATE TABLE sold (id int)").await.expect("made");
    for round in 0..50 {
        // Refused when it starts: it can be described all the same.
        let refused = client.copy_in("COPY nothing FROM STDIN").await;
        let refused = refused.err().and_then(|e| e.code().cloned());
        assert_eq!(refused.as_ref().map(tokio_postgres::error::SqlState::code), Some("42P01"));
        let row = client.query_one("SELECT $1::int", &[&round]).await.expect("a row");
        assert_eq!(row.get::<_, i32>(0), round, "every answer is that of its question");

        // Refused at a row.
        let sink = client.copy_in("-- Rows.\nCOPY sold FROM STDIN").await.expect("started");
        futures_util::pin_mut!(sink);
        let _ = sink.send(Bytes::from_static(b"none\n")).await;
        let refused = sink.finish().await.expect_err("none is no number");
        assert_eq!(refused.code().map(tokio_postgres::error::SqlState::code), Some("22P02"));

        // Given up half-way.
        let sink = client.copy_in("COPY sold FROM STDIN").await.expect("started");
        futures_util::pin_mut!(sink);
        sink.send(Bytes::from_static(b"1\n")).await.expect("sent");
    }
    let row = client.query_one("SELECT count(*) FROM sold", &[]).await.expect("a row");
    assert_eq!(row.get::<_, i64>(0), 0);
}
