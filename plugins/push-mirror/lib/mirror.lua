--- Pushes what changed, one remote of a repository at a time, until it is there.
local status = require "lib.status"
local targets = require "lib.targets"
local log = perigee.log

local mirror = {}

local SERVER = {
  "projects", "url", "username", "password", "private_key", "host_keys", "certificate_authorities", "refs", "prune",
}

--- What a function gave, where nothing at all is no failure.
local function sure(value, err)
  if value == nil and type(err) == "table" then error(err.message, 0) end
  return value
end

---@param repository perigee.Repository or what an event says of one
local function targets_of(repository)
  local server = {}
  for _, name in ipairs(SERVER) do server[name] = perigee.config[name] end
  return targets.of(repository, sure(perigee.config.repository(repository.id)), server)
end

local function key_of(id, name) return ("state/%d/%s"):format(id, name) end

local function keep(id, name, state)
  local kept, err = perigee.kv.put(key_of(id, name), state)
  if not kept then error(err.message, 0) end
end

---@param target table
---@param deleted string[]?
---@param changes table
local function push(id, target, deleted, changes)
  local options = { deleted = deleted, timeout = perigee.config.timeout .. "ms" }
  for field, value in pairs(target.options) do options[field] = value end
  for field, value in pairs(changes) do options[field] = value end
  local result, err = perigee.remotes.push(id, options)
  if result then return result end
  return { outcome = err.code, message = err.message }
end

local work

local function failed(id, target, state, result)
  local limits = { first = perigee.config.retry_first, longest = perigee.config.retry_longest }
  local delay = status.failed(state, result, perigee.time.now(), limits, math.random)
  local fields = { repository = id, remote = target.name, outcome = result.outcome, attempt = state.attempt }
  log.warn(("not mirrored: %s. Trying again in %d s"):format(result.message, (delay + 999) // 1000), fields)
  -- Arranged before it is written down: a node that is killed in between arranges it twice rather than never.
  local taken, err = work:schedule({ repository = id, remote = target.name, retry = state.attempt }, delay .. "ms")
  if not taken then log.warn("left to the next comparison: " .. err.message, fields) end
  keep(id, target.name, state)
end

local function succeeded(id, target, state, result)
  if result.counts.foreign > 0 then
    log.warn("somebody else had pushed to the remote; it is as here again", {
      repository = id, remote = target.name, refs = result.counts.foreign,
    })
  end
  if state.truncated and not target.options.prune then
    log.warn("so many refs changed that some deletions may be missing there", {
      repository = id, remote = target.name,
    })
  end
  status.pushed(state, result, perigee.time.now())
  keep(id, target.name, state)
  log.debug("mirrored", { repository = id, remote = target.name, lag = state.lag })
end

local function bring(tasks)
  local id, name = tasks[1].repository, tasks[1].remote
  local repository, target = sure(perigee.repositories.get(id)), nil
  for _, found in ipairs(repository and targets_of(repository) or {}) do
    if found.name == name then target = found end
  end
  if not target then return perigee.kv.delete(key_of(id, name)) end
  local state = sure(perigee.kv.get(key_of(id, name))) or {}
  state.repository, state.remote, state.url = id, name, target.options.url
  status.take(state, tasks)
  if not status.is_due(state, tasks, perigee.time.now()) then return keep(id, name, state) end
  local compares = true
  for _, task in ipairs(tasks) do compares = compares and task.compare end
  if compares and not target.options.prune then
    -- What only the remote has is found, and left there.
    local found = push(id, target, nil, { dry_run = true, prune = true })
    if found.outcome ~= "pushed" then return failed(id, target, state, found) end
    status.compared(state, found, perigee.time.now())
    local counts = found.counts
    if not state.deleted and counts.created + counts.updated + counts.forced == 0 then
      return succeeded(id, target, state, { counts = { foreign = 0, unchanged = counts.unchanged } })
    end
  end
  -- Changes that come from now on have tasks of their own; what is pending is in the state, should this end here.
  keep(id, name, state)
  local result = push(id, target, state.deleted, {})
  if result.outcome == "pushed" then return succeeded(id, target, state, result) end
  failed(id, target, state, result)
end

work = perigee.executors.define("pushes", {
  bucket = function(task) return task.repository .. "/" .. task.remote end,
  batch = 200, max_attempts = 5, backoff = "5s", timeout = "1h", concurrency = { per_node = 4 },
  process = function(_, tasks) bring(tasks) end,
})

--- Queues a task for each remote of a repository.
---@param repository perigee.Repository or what an event says of one
---@param fields table
---@return integer how many
function mirror.tell(repository, fields)
  local id, count = repository.id, 0
  for _, target in ipairs(targets_of(repository)) do
    local task = { repository = id, remote = target.name, at = not fields.compare and perigee.time.now() or nil }
    for field, value in pairs(fields) do task[field] = value end
    local taken, err = work:submit(task)
    if taken then
      count = count + 1
    else
      log.warn("left to the next comparison: " .. err.message, { repository = id, remote = target.name })
    end
  end
  return count
end

--- Forgets a repository that is gone. What its remotes have stays there.
---@param id integer
function mirror.forget(id)
  for _, name in ipairs({ "own", "server" }) do perigee.kv.delete(key_of(id, name)) end
end

local function shown(prefix)
  local values = {}
  for _, state in perigee.kv.each(prefix) do
    if #values >= 200 then break end
    values[#values + 1] = status.shown(state, perigee.time.now())
  end
  return values
end

--- How the remotes of a repository are.
function mirror.of(id) return shown(("state/%d/"):format(id)) end

--- How all remotes are; the first 200.
function mirror.all() return shown("state/") end

return mirror
