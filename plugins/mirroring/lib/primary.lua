--- On a primary: every change goes to each mirror that has the project, in order, until it has come through.
local mirrors, log = perigee.mirrors, perigee.log

-- A task has room for so many changes; more are looked up by the mirror.
local CHANGES_MAX = 300
local ATTEMPTS_MAX = 8
-- How long a node is waited for before the others go on without it.
local PATIENCE = "5s"
local PULLS = "refs/pull-requests/"

local changes = perigee.executors.define("changes", {
  bucket = function(task) return task.mirror .. "/" .. task.repository end,
  batch = 200, max_attempts = ATTEMPTS_MAX, backoff = "500ms", timeout = "10m", concurrency = { per_node = 32 },
  process = function(_, tasks, attempt)
    local first = tasks[1]
    local done, err = mirrors.deliver(first.mirror, tasks, PATIENCE)
    local fields = { mirror = first.mirror, repository = first.repository }
    if done then
      for node, why in pairs(done.behind) do
        log.warn("a node of a mirror is behind", { mirror = first.mirror, node = node, why = why })
      end
    elseif err.code == "not_found" or err.code == "conflict" then
      -- Removed, or away: a mirror that comes back compares everything.
      log.debug(err.message, fields)
    elseif attempt >= ATTEMPTS_MAX then
      log.warn("a change is left to the next comparison: " .. err.message, fields)
    else
      error(err.message)
    end
  end,
})

---@param repository table
---@param kind "refs"|"snapshot"|"metadata"
---@param list string[][]?
local function tell(repository, kind, list)
  for _, mirror in ipairs(mirrors.of(repository.project.id)) do
    local task = {
      mirror = mirror, repository = repository.id, kind = kind, changes = list, since = perigee.time.now(),
    }
    local taken, err = changes:submit(task)
    if not taken then
      log.warn("a change is left to the next comparison: " .. err.message, { repository = repository.id })
    end
  end
end

perigee.events.on("repo:refs_changed", function(event)
  if event.truncated or #event.changes > CHANGES_MAX then return tell(event.repository, "snapshot") end
  local list = {}
  for _, change in ipairs(event.changes) do
    -- Those of pull requests come along with what is pushed, unless the operator wants them at once.
    if mirrors.pulls == "eager" or change.refId:sub(1, #PULLS) ~= PULLS then
      list[#list + 1] = { change.refId, change.fromHash, change.toHash }
    end
  end
  if #list > 0 then tell(event.repository, "refs", list) end
end)

for _, key in ipairs({ "repo:created", "repo:deleted", "repo:default_branch_modified" }) do
  perigee.events.on(key, function(event) tell(event.repository, "metadata") end)
end

perigee.events.on("repo:modified", function(event)
  tell(event.new, "metadata")
  -- Moved to a project that other mirrors have: those that had it must hear of it, too.
  if event.old.project.id ~= event.new.project.id then mirrors.announce() end
end)

for _, key in ipairs({ "project:modified", "project:deleted" }) do
  perigee.events.on(key, function() mirrors.announce() end)
end
