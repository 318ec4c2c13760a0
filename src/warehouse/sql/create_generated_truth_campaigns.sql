-- What the campaigns of a generated shop truly bring, by latent segment and spend; {raw} is the quoted schema.
CREATE TABLE IF NOT EXISTS {raw}.generated_truth_campaigns (
    campaign_id text NOT NULL,
    latent_segment text NOT NULL,
    spend_per_member numeric NOT NULL,
    members bigint NOT NULL,
    responses bigint NOT NULL,
    curve_limit double precision NOT NULL,
    curve_half double precision NOT NULL,
    curve_shape double precision NOT NULL,
    response_probability double precision NOT NULL,
    mean_order_value double precision NOT NULL,
    incremental_value_per_member double precision NOT NULL
)
