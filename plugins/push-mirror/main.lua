--- Keeps copies of chosen repositories on other git servers.
local mirror = require "lib.mirror"
local status = require "lib.status"

perigee.events.on("repo:refs_changed", function(event)
  local names = {}
  for _, change in ipairs(event.changes) do
    if change.type == "DELETE" then names[#names + 1] = change.refId end
  end
  -- A task has room for so many.
  local deleted, is_cut = status.bounded(names, 500, 48 * 1024)
  mirror.tell(event.repository, { deleted = deleted, truncated = (is_cut or event.truncated) and true or nil })
end)

perigee.events.on("repo:created", function(event) mirror.tell(event.repository, {}) end)
perigee.events.on("repo:modified", function(event) mirror.tell(event.new, {}) end)
perigee.events.on("repo:deleted", function(event) mirror.forget(event.repository.id) end)
perigee.events.on("project:modified", function(event)
  for repository in perigee.repositories.each({ project = event.new.key }) do mirror.tell(repository, {}) end
end)

-- Switched on, or given other settings: whatever failed before may work now.
perigee.config.on_repository_change(function(id)
  local repository = perigee.repositories.get(id)
  local count = repository and mirror.tell(repository, { urgent = true, compare = true }) or 0
  if count == 0 then mirror.forget(id) end
end)

-- A project at a time: a run has so much time and no more.
local comparisons = perigee.executors.define("comparisons", {
  process = function(_, tasks)
    for repository in perigee.repositories.each({ project = tasks[1].project }) do
      mirror.tell(repository, { compare = true })
    end
  end,
})

perigee.jobs.every("compare", perigee.config.interval, { mode = "once_per_cluster" }, function()
  for project in perigee.projects.each() do comparisons:submit({ project = project.key }) end
end)

perigee.config.on_change(function() perigee.jobs.run_now("compare") end)

perigee.routes.get("/status", { permission = "ADMIN" }, function()
  return { json = { values = mirror.all() } }
end)

perigee.routes.get("/status/{repository}", { permission = "REPO_ADMIN" }, function(request)
  return { json = { values = mirror.of(request.repository.id) } }
end)

perigee.routes.post("/sync/{repository}", { permission = "REPO_ADMIN" }, function(request)
  local count = mirror.tell(request.repository, { urgent = true, compare = true })
  if count == 0 then return { status = 409, json = { message = "The repository has no remote." } } end
  return { status = 202, json = { remotes = count } }
end)
