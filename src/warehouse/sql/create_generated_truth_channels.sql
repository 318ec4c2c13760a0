-- What the acquisition channels of a generated shop truly bring; {raw} is the quoted schema.
CREATE TABLE IF NOT EXISTS {raw}.generated_truth_channels (
    channel text NOT NULL,
    customers bigint NOT NULL,
    cost_per_customer numeric NOT NULL,
    mean_purchase_rate_per_week double precision NOT NULL,
    mean_expected_value_365d double precision NOT NULL,
    alive_share double precision NOT NULL
)
