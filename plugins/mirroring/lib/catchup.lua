--- What comparisons brought, until the upstream knows: it tells the world once the whole farm has it.
local catchup = {}

-- So many repositories are told of at once.
local IDS_MAX = 500

---@class mirroring.CatchUp
---@field ids integer[]
---@field known table<integer, boolean>
---@field date integer? when the upstream was asked for the last comparison, by its clock
---@field told integer? the date that it knows of

---@return mirroring.CatchUp
function catchup.new() return { ids = {}, known = {} } end

---@param state mirroring.CatchUp
---@param repository integer
function catchup.note(state, repository)
  if state.known[repository] then return end
  state.known[repository] = true
  state.ids[#state.ids + 1] = repository
end

---@param state mirroring.CatchUp
---@param date integer?
function catchup.compared(state, date) state.date = date or state.date end

--- Tells the upstream what has come, or that nothing was lacking, once after each comparison.
---@param state mirroring.CatchUp
---@param mirrors table `perigee.mirrors`, or what does as it does
---@return perigee.Error? problem
function catchup.tell(state, mirrors)
  local date = state.date
  if not date or state.told == date and #state.ids == 0 then return nil end
  local before, ids = state.told, state.ids
  state.told, state.ids, state.known = date, {}, {}
  local from = 1
  repeat
    local part = table.move(ids, from, math.min(from + IDS_MAX - 1, #ids), 1, {})
    local told, problem = mirrors.caught_up(date, part)
    if not told then
      state.told = before
      for place = from, #ids do catchup.note(state, ids[place]) end
      return problem
    end
    from = from + IDS_MAX
  until from > #ids
  return nil
end

return catchup
