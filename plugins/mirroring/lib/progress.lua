--- How far this node is: what it lacks of what the upstream has and could give, and so what it says of itself.
local progress = {}

---@class mirroring.Progress
---@field lacking table<integer, "waiting"|"running"|"failed"> by repository: where what a comparison found is
---@field count integer how many are lacking
---@field failed integer how many of them are left to the next comparison
---@field round integer grows when what was compared before counts no longer
---@field compared integer the round of the last comparison
---@field said string? what the node said of itself when this was looked at last
---@field refused table<integer, boolean> what the upstream could not give at one of its attempts

---@return mirroring.Progress
function progress.new()
  return { lacking = {}, count = 0, failed = 0, round = 1, compared = 0, refused = {} }
end

---@param state mirroring.Progress
---@param repository integer
---@param now "waiting"|"running"|"failed"|nil nil: it is here, or nobody can give it
local function put(state, repository, now)
  local before = state.lacking[repository]
  if before and not now then state.count = state.count - 1 end
  if now and not before then state.count = state.count + 1 end
  if before == "failed" then state.failed = state.failed - 1 end
  if now == "failed" then state.failed = state.failed + 1 end
  state.lacking[repository] = now
end

--- The link was away, or others did not wait for this node: only what is compared from here on counts.
---@param state mirroring.Progress
---@param current string what the node says of itself
function progress.restart(state, current)
  state.round = state.round + 1
  state.said = current
end

--- Takes over what a comparison has found, and gives those that have to be fetched. What is being fetched was
--- perhaps looked at earlier; what waits will be looked at later.
---@param state mirroring.Progress
---@param round integer in which the comparison began
---@param differing integer[]
---@return integer[]
function progress.found(state, round, differing)
  local differs, wanted = {}, {}
  for _, repository in ipairs(differing) do
    differs[repository] = true
    if state.lacking[repository] ~= "waiting" then
      wanted[#wanted + 1] = repository
      put(state, repository, "waiting")
    end
  end
  local gone = {}
  for repository in pairs(state.lacking) do
    if not differs[repository] then gone[#gone + 1] = repository end
  end
  for _, repository in ipairs(gone) do
    put(state, repository, nil)
    state.refused[repository] = nil
  end
  state.compared = math.max(state.compared, round)
  return wanted
end

--- What a comparison found is about to be fetched.
---@param state mirroring.Progress
---@param repository integer
function progress.start(state, repository)
  if state.lacking[repository] then put(state, repository, "running") end
end

--- It has not worked, and is tried again.
---@param state mirroring.Progress
---@param repository integer
---@param code string? of the failure
function progress.again(state, repository, code)
  if code == "refused" then state.refused[repository] = true end
  if state.lacking[repository] == "running" then put(state, repository, "waiting") end
end

--- All of it is here.
---@param state mirroring.Progress
---@param repository integer
function progress.arrived(state, repository)
  state.refused[repository] = nil
  -- What waits was found after this fetch began.
  if state.lacking[repository] ~= "waiting" then put(state, repository, nil) end
end

--- It is left to the next comparison.
---@param state mirroring.Progress
---@param repository integer
---@param code string? `refused` when the upstream cannot give it: then this node lacks nothing that others have
function progress.give_up(state, repository, code)
  local refused = code == "refused" or state.refused[repository]
  state.refused[repository] = nil
  if state.lacking[repository] ~= "waiting" then put(state, repository, not refused and "failed" or nil) end
end

--- The queue has no room for it: it is left to the next comparison.
---@param state mirroring.Progress
---@param repository integer
function progress.untaken(state, repository) put(state, repository, "failed") end

--- What the node has to say of itself now, when that is something new.
---@param state mirroring.Progress
---@param current string what it says
---@param connected boolean
---@return string?
function progress.news(state, current, connected)
  -- It fell behind by itself, as it was cut off: what was compared before does not count.
  if current == "BEHIND" and state.said ~= "BEHIND" then progress.restart(state, current) end
  state.said = current
  if state.compared < state.round then return nil end
  local wanted = "METADATA_SYNCHRONIZED"
  if state.count == 0 then
    wanted = "SYNCHRONIZED"
  elseif current == "SYNCHRONIZED" and (state.failed == 0 or not connected) then
    -- What just changed is on its way. What has failed is not, unless nothing comes to anybody.
    return nil
  end
  if wanted == current then return nil end
  state.said = wanted
  return wanted
end

--- Whether what is fetched now may have come too late for who brought it: nobody else tells of it then.
---@param state mirroring.Progress
---@param repository integer
---@param current string what the node says
---@return boolean
function progress.is_late(state, repository, current)
  return current ~= "SYNCHRONIZED" or state.compared < state.round or state.lacking[repository] ~= nil
end

--- Whether nothing is on its way any more that comparisons have found.
---@param state mirroring.Progress
---@return boolean
function progress.is_idle(state) return state.compared == state.round and state.count == state.failed end

return progress
