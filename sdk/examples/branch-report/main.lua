--- Keeps a report of each repository's branches: cached for the cluster, rebuilt when refs change.
local reports = perigee.caches.open("reports", { mode = "invalidate", ttl = "10m", max_entries = 5000 })
local rebuild = perigee.locks.repository("rebuild")

---@param id integer
---@return table? report, perigee.Error? err
local function build(id)
  if not perigee.repositories.get(id) then
    reports:remove(id)
    return nil, { code = "not_found", message = "repository deleted" }
  end
  return rebuild:with(id, { wait = "5s" }, function(guard)
    local report = { branches = 0, newest = 0 }
    for ref in perigee.refs.each(id, { prefix = "refs/heads/" }) do
      report.branches = report.branches + 1
      local commit = perigee.commits.get(id, ref.target)   -- nil on a standby whose files lag its database
      if commit and commit.committer_timestamp > report.newest then
        report.newest, report.tip = commit.committer_timestamp, ref.id
      end
    end
    local ok, err = perigee.kv.put("report/" .. id, report, { fence = guard.token })
    if not ok then return nil, err end                     -- a newer holder wrote
    reports:put(id, report)
    return report
  end)
end

local work = perigee.executors.define("reports", {
  bucket = function(task) return task.repository end,
  concurrency = { per_cluster = 4 }, batch = 100, max_attempts = 3,
  process = function(bucket, tasks)                        -- the whole batch collapses into one rebuild
    local report, err = build(tasks[1].repository)
    if not report and err.code ~= "not_found" then error(err.message) end   -- raised: tried again
  end,
})

perigee.events.on("repo:refs_changed", function(event)
  work:submit({ repository = event.repository.id })
end)

perigee.jobs.every("resync", perigee.config.interval, { mode = "once_per_cluster" }, function(job)
  for repository in perigee.repositories.each() do
    work:submit({ repository = repository.id })
    if job:cancelled() then return end
  end
end)

perigee.events.on("dr:triggered", function() reports:clear(); perigee.jobs.run_now("resync") end)

perigee.routes.get("/report/{repository}", { permission = "REPO_READ" }, function(request)
  local report, err = reports:get(request.repository.id, build)
  if not report then return { status = err.code == "not_found" and 404 or 503, json = err } end
  return { json = report }
end)
