--- What is known of a remote: kept from push to push, and shown.
local backoff = require "lib.backoff"

local status = {}

--- Deletions that are remembered until they are done; more are left to prune.
local DELETED_MAX, DELETED_BYTES_MAX = 1000, 128 * 1024
--- Outcomes that somebody has to do something about: it is tried again, but not soon.
local LASTING = {
  unauthorized = true, not_found = true, redirected = true, untrusted = true, refused = true, rejected = true,
}

--- The first of some names, each once; nil for none.
---@param names string[]
---@param count_max integer
---@param bytes_max integer
---@return string[]?, boolean whether some are left out
function status.bounded(names, count_max, bytes_max)
  local list, known, bytes = {}, {}, 0
  for _, name in ipairs(names) do
    if not known[name] then
      if #list >= count_max or bytes + #name > bytes_max then return list, true end
      list[#list + 1], known[name], bytes = name, true, bytes + #name
    end
  end
  return list[1] and list, false
end

--- Takes over what tasks tell.
---@param state table
---@param tasks table[]
function status.take(state, tasks)
  local names = state.deleted or {}
  for _, task in ipairs(tasks) do
    if task.at then state.pending_since = math.min(state.pending_since or task.at, task.at) end
    for _, name in ipairs(task.deleted or {}) do names[#names + 1] = name end
    if task.truncated then state.truncated = true end
  end
  local is_cut
  state.deleted, is_cut = status.bounded(names, DELETED_MAX, DELETED_BYTES_MAX)
  if is_cut then state.truncated = true end
end

--- Whether to push now. While a remote rests after a failure, only the retry that was arranged, or somebody's
--- request, goes ahead; a comparison does once that retry is overdue.
---@param state table
---@param tasks table[]
---@param now integer
---@return boolean
function status.is_due(state, tasks, now)
  local only_retries = true
  for _, task in ipairs(tasks) do
    if task.urgent or task.retry and task.retry == state.attempt then return true end
    if not task.retry then only_retries = false end
  end
  -- A retry that something else has overtaken.
  if only_retries then return false end
  return not state.retry_at or now >= state.retry_at
end

---@param refs table[]
---@param keep fun(ref: table): boolean
local function first_refs(refs, keep)
  local list = {}
  for _, ref in ipairs(refs) do
    if #list >= 20 then break end
    if keep(ref) then list[#list + 1] = { id = ref.id, from = ref.from, to = ref.to, reason = ref.reason } end
  end
  return list[1] and list
end

--- Writes down what a comparison that changed nothing has found.
function status.compared(state, result, now)
  state.compared_at = now
  local count = result.counts.deleted
  state.extra = count > 0 and {
    count = count, refs = first_refs(result.refs, function(ref) return ref.change == "deleted" end),
  } or nil
end

--- Writes down a push that went well.
function status.pushed(state, result, now)
  state.lag = state.pending_since and math.max(0, now - state.pending_since) or 0
  state.last_success, state.outcome, state.counts = now, "pushed", result.counts
  state.attempt, state.retry_at, state.failing_since, state.pending_since = 0, nil, nil, nil
  state.deleted, state.rejected, state.truncated = nil, nil, nil
  if result.counts.foreign > 0 then
    state.overwritten = {
      at = now, count = result.counts.foreign, refs = first_refs(result.refs, function(ref) return ref.foreign end),
    }
  end
end

--- Writes down a push that did not go well, and gives how long to rest.
---@param problem { outcome: string, message: string, said: string?, refs: table[]? }
---@param limits { first: integer, longest: integer }
---@param random fun(): number
---@return integer milliseconds
function status.failed(state, problem, now, limits, random)
  state.attempt = (state.attempt or 0) + 1
  state.failing_since = state.failing_since or now
  state.outcome = problem.outcome
  state.last_error = { at = now, outcome = problem.outcome, message = problem.message, said = problem.said }
  state.rejected = problem.refs and first_refs(problem.refs, function(ref) return ref.change == "rejected" end)
  local first = LASTING[problem.outcome] and math.min(limits.first * 6, limits.longest) or limits.first
  local delay = backoff.delay(state.attempt, first, limits.longest, random)
  state.retry_at = now + delay
  return delay
end

--- What is shown of a state: nothing secret is in there.
function status.shown(state, now)
  local shown = {}
  for key, value in pairs(state) do shown[key] = value end
  shown.behind = state.pending_since and math.max(0, now - state.pending_since) or 0
  return shown
end

return status
