-- name: succeeded
INSERT INTO job_runs (job, succeeded_at) VALUES (%b, %b)
ON CONFLICT (job) DO UPDATE SET succeeded_at = greatest(job_runs.succeeded_at, EXCLUDED.succeeded_at)

-- name: failed
INSERT INTO job_runs (job, failed_at, failure) VALUES (%b, %b, %b)
ON CONFLICT (job) DO UPDATE SET failed_at = EXCLUDED.failed_at, failure = EXCLUDED.failure

-- name: all
SELECT job, succeeded_at, failed_at, failure FROM job_runs ORDER BY job
