-- Canonical order lines of one workspace; {raw} is the quoted schema.
CREATE TABLE IF NOT EXISTS {raw}.orders (
    source text NOT NULL,
    order_id text NOT NULL,
    line integer NOT NULL,
    customer_id text,
    id_is_synthetic boolean NOT NULL DEFAULT false,
    ordered_at timestamptz NOT NULL,
    product_id text,
    description text,
    category text,
    quantity numeric NOT NULL,
    unit_price numeric NOT NULL,
    discount numeric NOT NULL DEFAULT 0,
    unit_cost numeric,
    channel text,
    country text,
    currency text NOT NULL,
    load_id bigint NOT NULL
)
