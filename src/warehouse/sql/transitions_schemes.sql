SELECT DISTINCT scheme FROM {marts}.segment_transitions ORDER BY scheme
