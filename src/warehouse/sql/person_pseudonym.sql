-- How samples show the customer $1.
SELECT quintile.pseudonym($1)
