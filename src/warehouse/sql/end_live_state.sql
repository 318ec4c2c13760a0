-- No state of workspace $1 is live until the same transaction says which is.
UPDATE quintile.published_states SET is_live = false WHERE workspace = $1 AND is_live
