-- Every parameter of a generated shop; {raw} is the quoted schema.
CREATE TABLE IF NOT EXISTS {raw}.generated_truth_parameters (
    name text NOT NULL,
    value text NOT NULL
)
