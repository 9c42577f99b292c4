-- The verdicts of the new objects.
SELECT mail_id, verdict, reported_at, arrived_at
FROM verdicts
WHERE dt IN (:hours) AND "$path" IN (:objects)
