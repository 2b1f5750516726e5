--- What is kept of a push.
local M = {}

--- Sorts by repository, then by time.
---@param event perigee.RefsChangedEvent
---@return string
function M.key(event)
  local first = event.changes[1]
  return ("push/%08d/%s/%s%s"):format(
    event.repository.id, event.date, first.fromHash:sub(1, 8), first.toHash:sub(1, 8))
end

---@param event perigee.RefsChangedEvent
---@param told_max integer changes that are kept one by one
---@return table
function M.of(event, told_max)
  local changes = {}
  for index, change in ipairs(event.changes) do
    if index > told_max then break end
    changes[index] = { ref = change.refId, type = change.type, from = change.fromHash, to = change.toHash }
  end
  return {
    date = event.date,
    user = event.actor and event.actor.name or "the server",
    count = #event.changes,
    changes = changes,
  }
end

--- Counts one more push of a repository, whatever other node counts at the same time.
---@param repository integer
---@return integer? total
function M.count(repository)
  for _ = 1, 10 do
    local total = perigee.kv.transaction(function()
      local key = ("count/%08d"):format(repository)
      local count = (perigee.kv.get(key) or 0) + 1
      perigee.kv.put(key, count)
      return count
    end)
    if total then return total end
  end
  return nil
end

return M
