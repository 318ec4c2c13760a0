-- Campaigns with their time and cost; {raw} is the quoted schema.
CREATE TABLE IF NOT EXISTS {raw}.campaigns (
    source text NOT NULL,
    campaign_id text NOT NULL,
    name text,
    channel text,
    starts_at timestamptz,
    ends_at timestamptz,
    cost numeric,
    currency text,
    load_id bigint NOT NULL
)
