--- Counts the repositories each night: once in the whole cluster, again when the node that counts dies.
local options = { timezone = "Europe/Berlin", jitter = "5m", recover = true }

perigee.jobs.cron("count", perigee.config.time, options, function(job)
  local count = 0
  for _ in perigee.repositories.each() do
    if job:cancelled() then return "stopped at " .. count end
    count = count + 1
  end
  -- A run that was taken for dead and goes on must not write over what its successor wrote.
  local ok, err = perigee.kv.put("count", count, { fence = job.token })
  if not ok then return nil, err end
  return count .. " repositories"
end)
