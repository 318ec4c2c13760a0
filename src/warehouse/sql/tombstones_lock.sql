-- Held to the end of a load, together with other loads: an erasure waits for us, and looks for its rows after we ended.
LOCK TABLE quintile.tombstones IN SHARE MODE
