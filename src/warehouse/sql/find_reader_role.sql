-- Does the role exist, and may we make it?
SELECT
    EXISTS (SELECT 1 FROM pg_catalog.pg_roles WHERE rolname = $1),
    (SELECT rolsuper OR rolcreaterole FROM pg_catalog.pg_roles WHERE rolname = current_user)
