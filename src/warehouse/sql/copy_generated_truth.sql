-- Text as the generator writes it; {raw} and {table} are quoted.
COPY {raw}.{table} FROM STDIN (FORMAT csv, HEADER true, ENCODING 'UTF8')
