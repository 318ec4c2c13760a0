-- What is true of the customers of a generated shop; {raw} is the quoted schema.
CREATE TABLE IF NOT EXISTS {raw}.generated_truth_customers (
    customer_id text NOT NULL,
    latent_segment text NOT NULL,
    purchase_rate_per_week double precision NOT NULL,
    dropout double precision NOT NULL,
    nu double precision NOT NULL,
    mean_order_value double precision NOT NULL,
    acquired_at timestamptz NOT NULL,
    dropped_out_at timestamptz,
    is_alive boolean NOT NULL,
    repeat_purchases bigint NOT NULL,
    expected_purchases_90d double precision NOT NULL,
    expected_purchases_180d double precision NOT NULL,
    expected_purchases_365d double precision NOT NULL,
    expected_value_90d double precision NOT NULL,
    expected_value_180d double precision NOT NULL,
    expected_value_365d double precision NOT NULL
)
