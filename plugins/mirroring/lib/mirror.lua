--- On a mirror: asks the upstream to be accepted, gets what is new, and compares everything now and then.
local backoff = require "lib.backoff"
local mirrors, log = perigee.mirrors, perigee.log
local settings = mirrors.settings()

-- Repositories that the comparison found, and that are not here yet.
local missing, count = {}, 0
-- Whether a comparison has ended since the node was last told that it is behind, or started.
local compared = false

--- Says how far this node is, once that has changed.
local function settle()
  local state = mirrors.status().state
  if compared and count == 0 then
    if state ~= "SYNCHRONIZED" then
      mirrors.set_state("SYNCHRONIZED")
      log.info("everything is here")
    end
  elseif compared and state ~= "SYNCHRONIZED" then
    mirrors.set_state("METADATA_SYNCHRONIZED")
  end
end

---@param repository integer
local function arrived(repository)
  if not missing[repository] then return end
  missing[repository], count = nil, count - 1
  settle()
end

--- Fetches items that go equally far, and tells the upstream.
---@param items perigee.MirrorItem[]
---@return string? problem
local function bring(items)
  local last = items[#items]
  local report = { repository = last.repository, generation = last.generation, phase = last.phase or "publish" }
  local fetched, err = mirrors.fetch(items)
  if not fetched then report.phase, report.error = nil, err.message end
  if last.generation then mirrors.report({ report }) end
  if not fetched then return err.message end
  log.debug("fetched", {
    repository = last.repository, refs = fetched.refs, bytes = fetched.bytes, generation = last.generation,
  })
end

local sync = perigee.executors.define("sync", {
  bucket = function(item) return item.repository end,
  batch = 100, max_attempts = settings.attempts, backoff = "1s", timeout = "1h",
  concurrency = { per_node = settings.fetches },
  process = function(_, items, attempt)
    local repository, problem = items[1].repository, nil
    local from = 1
    for index, item in ipairs(items) do
      local following = items[index + 1]
      if not following or (following.phase or "publish") ~= (item.phase or "publish") then
        problem = bring(table.move(items, from, index, 1, {}))
        from = index + 1
        if problem then break end
      end
    end
    if problem and attempt < settings.attempts then error(problem) end
    if problem then
      log.warn("a repository is left to the next comparison: " .. problem, { repository = repository })
    end
    arrived(repository)
  end,
})

local checks = perigee.executors.define("checks", {
  batch = 1000, max_attempts = 1, timeout = "30m",
  process = function()
    local found, err = mirrors.compare()
    if not found then return log.warn("not compared: " .. err.message) end
    for _, repository in ipairs(found.differing) do
      if not missing[repository] then
        missing[repository], count = true, count + 1
        local taken, problem = sync:submit({ repository = repository, kind = "snapshot", phase = "publish" })
        if not taken then
          missing[repository], count = nil, count - 1
          log.warn("left to the next comparison: " .. problem.message, { repository = repository })
        end
      end
    end
    compared = true
    settle()
    local level = (#found.differing > 0 or #found.removed > 0) and "info" or "debug"
    log[level]("compared", {
      total = found.total, differing = #found.differing, removed = #found.removed, duration = found.duration,
    })
  end,
})

local waits = {
  pending = "the upstream's administrators have to accept this mirror",
  rejected = "the upstream's administrators have declined this mirror",
}

mirrors.follow({
  work = function(item) sync:submit(item) end,
  link = function(event)
    if event.kind == "connected" or event.kind == "catalogue" or event.kind == "behind" then
      if event.kind == "behind" then compared = false end
      checks:submit({ why = event.kind })
      return
    end
    local first, longest = 1000, event.kind == "rejected" and 60000 or 10000
    local delay = backoff.delay(event.attempt, first, longest, math.random)
    local text = waits[event.kind] or event.message
    log.warn(("no link with the upstream: %s. Asking again in %.1f s"):format(text, delay / 1000), {
      code = event.code, attempt = event.attempt,
    })
    return delay
  end,
})

perigee.jobs.every("compare", settings.interval, { mode = "every_node" }, function()
  if mirrors.status().connected then checks:submit({ why = "interval" }) end
end)
