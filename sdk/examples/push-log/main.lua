--- Push log: one record per push, under `push/<repository>/<date>/<commit>`, and a count under `count/<repository>`.
local record = require "lib.record"

--- An event may come twice after a crash: the same push has the same key, and is counted once.
perigee.events.on("repo:refs_changed", function(event)
  local entry = record.of(event, perigee.config.changes)
  local stored, err = perigee.kv.put(record.key(event), entry, {
    if_version = 0,
    ttl = ("%dms"):format(perigee.config.keep),
  })
  if not stored then
    if err.code ~= "conflict" then error(err.message) end
    return
  end
  local total = record.count(event.repository.id)
  perigee.log.info("push recorded", {
    repository = event.repository.project.key .. "/" .. event.repository.slug,
    user = entry.user,
    changes = entry.count,
    pushes = total,
  })
end)

perigee.plugin.on_start(function()
  local records = 0
  for _ in perigee.kv.each("push/") do records = records + 1 end
  perigee.log.info("push log ready", { records = records })
end)
