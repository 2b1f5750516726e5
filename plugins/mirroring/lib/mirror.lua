--- On a mirror: asks the upstream to be accepted, gets what is new, and compares everything now and then.
local backoff = require "lib.backoff"
local bring = require "lib.bring"
local catchup = require "lib.catchup"
local progress = require "lib.progress"
local mirrors, log = perigee.mirrors, perigee.log
local settings = mirrors.settings()

local state = progress.new()
local brought = catchup.new()

local said = {
  SYNCHRONIZED = "everything is here",
  METADATA_SYNCHRONIZED = "something is lacking that the upstream has: clients are to go elsewhere",
}

--- Says how far this node is, once that has changed.
local function settle()
  local status = mirrors.status()
  local news = progress.news(state, status.state, status.connected)
  if news then
    mirrors.set_state(news)
    local level = status.state == "SYNCHRONIZED" and "warn" or "info"
    if news == "SYNCHRONIZED" or level == "warn" then log[level](said[news]) end
  end
  if progress.is_idle(state) then
    local problem = catchup.tell(brought, mirrors)
    if problem then log.debug("what comparisons brought is told later: " .. problem.message) end
  end
end

local sync = perigee.executors.define("sync", {
  bucket = function(item) return item.repository end,
  -- As long as a pack may take at most.
  batch = 100, max_attempts = settings.attempts, backoff = "1s", timeout = "6h",
  concurrency = { per_node = settings.fetches },
  process = function(_, items, attempt)
    local repository, is_compared = items[1].repository, bring.is_compared(items)
    if is_compared then progress.start(state, repository) end
    local is_whole = is_compared
    for _, part in ipairs(bring.parts(items)) do
      local fetched, problem, untold = bring.fetch(mirrors, part)
      local err = problem or untold
      if err and attempt < settings.attempts then
        progress.again(state, repository, problem and problem.code)
        error(err.message)
      end
      if not fetched then
        progress.give_up(state, repository, err.code)
        settle()
      end
      if err then
        log.warn("a repository is left to the next comparison: " .. err.message, { repository = repository })
      end
      if not fetched then return end
      is_whole = is_whole or fetched.snapshot
      if fetched.refs > 0 and (is_compared or progress.is_late(state, repository, mirrors.status().state)) then
        catchup.note(brought, repository)
      end
      log.debug("fetched", {
        repository = repository, refs = fetched.refs, bytes = fetched.bytes, generation = bring.generation(part),
      })
    end
    if is_whole then progress.arrived(state, repository) end
    settle()
  end,
})

---@param item perigee.MirrorItem
local function submit(item)
  local taken, problem = sync:submit(item)
  if taken then return end
  progress.untaken(state, item.repository)
  log.warn("left to the next comparison: " .. problem.message, { repository = item.repository })
end

local checks = perigee.executors.define("checks", {
  batch = 1000, max_attempts = 1, timeout = "30m",
  process = function()
    local round = state.round
    local found, err = mirrors.compare()
    if not found then return log.warn("not compared: " .. err.message) end
    for _, repository in ipairs(progress.found(state, round, found.differing)) do
      submit({ repository = repository, kind = "snapshot", phase = "publish" })
    end
    catchup.compared(brought, found.date)
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
  work = submit,
  link = function(event)
    if event.kind == "connected" or event.kind == "catalogue" or event.kind == "behind" then
      if event.kind ~= "catalogue" then progress.restart(state, mirrors.status().state) end
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
