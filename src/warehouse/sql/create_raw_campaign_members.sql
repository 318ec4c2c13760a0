-- Who was treated by a campaign, and who was held back as its control; {raw} is the quoted schema.
CREATE TABLE IF NOT EXISTS {raw}.campaign_members (
    source text NOT NULL,
    campaign_id text NOT NULL,
    customer_id text NOT NULL,
    arm text NOT NULL CHECK (arm IN ('treated', 'control')),
    assigned_at timestamptz,
    responded_at timestamptz,
    spend numeric,
    load_id bigint NOT NULL
)
