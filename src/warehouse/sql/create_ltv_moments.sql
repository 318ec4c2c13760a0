-- The table over moments (see `analytics::ltv::outlook`) of one run; it goes with the transaction that scores with it.
CREATE TABLE {store}.{moments} (
    repeat_count float8 NOT NULL,
    days float8 NOT NULL,
    ln_density float8 NOT NULL,
    gone_after float8 NOT NULL,
    gone_by float8 NOT NULL,
    [ahead],
    curve float4[] NOT NULL,
    PRIMARY KEY (repeat_count, days)
)
