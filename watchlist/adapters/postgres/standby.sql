-- name: replica
-- what the server at the replica's address says of itself; by its cluster_name the primary knows it
SELECT pg_is_in_recovery() AS recovering, current_setting('cluster_name') AS name,
       (SELECT system_identifier FROM pg_control_system()) AS cluster

-- name: primary
-- what a commit waits for, and how the standby of that name follows; its state is NULL for who may not see it
SELECT current_setting('synchronous_commit') AS waits_for,
       (SELECT system_identifier FROM pg_control_system()) AS cluster,
       count(r.pid) AS followers, min(r.state) AS state, min(r.sync_state) AS sync_state
FROM (SELECT) AS here LEFT JOIN pg_stat_replication r ON r.application_name = %b
