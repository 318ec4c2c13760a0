-- How a model refuses what it cannot work with, in words of its own: SELECT quintile.refuse(...) FROM what is wrong.
-- IMMUTABLE, because it tells nothing that its arguments do not; they should come from a row, or the planner asks at once.
CREATE FUNCTION quintile.refuse(message text, detail text, hint text) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    RAISE EXCEPTION USING ERRCODE = 'data_exception', MESSAGE = message, DETAIL = detail, HINT = hint;
END
$$;
