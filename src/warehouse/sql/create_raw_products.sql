-- Products as their sources describe them; {raw} is the quoted schema.
CREATE TABLE IF NOT EXISTS {raw}.products (
    source text NOT NULL,
    product_id text NOT NULL,
    name text,
    category text,
    subcategory text,
    brand text,
    unit_price numeric,
    unit_cost numeric,
    currency text,
    load_id bigint NOT NULL
)
