-- Customers as their sources describe them; {raw} is the quoted schema.
CREATE TABLE IF NOT EXISTS {raw}.customers (
    source text NOT NULL,
    customer_id text NOT NULL,
    email text,
    name text,
    phone text,
    birth_date date,
    gender text,
    city text,
    region text,
    country text,
    postal_code text,
    acquisition_channel text,
    acquisition_campaign_id text,
    signed_up_at timestamptz,
    segment text,
    has_consent boolean,
    load_id bigint NOT NULL
)
