{#
  A template with its placeholders filled: {name} becomes the word of that name in `words`, a jsonb object of texts.
  Null where the template names a word that there is not, so that a not_null test finds a misspelt placeholder.
#}
{% macro filled(template, words) -%}
(
        SELECT CASE
            WHEN bool_and(p.place = 1 OR jsonb_exists({{ words }}, split_part(p.piece, '}', 1)))
                THEN string_agg(
                    CASE
                        WHEN p.place = 1 THEN p.piece
                        ELSE COALESCE({{ words }} ->> split_part(p.piece, '}', 1), '-') || substr(p.piece, strpos(p.piece, '}') + 1)
                    END,
                    '' ORDER BY p.place
                )
        END
        FROM string_to_table({{ template }}, '{') WITH ORDINALITY AS p (piece, place)
    )
{%- endmacro %}
