-- What the champion says that each customer brings in the horizon of the back-test; it goes with the transaction that scores with it.
CREATE TABLE {store}.{levels} (
    key text NOT NULL PRIMARY KEY,
    revenue float8 NOT NULL
)
