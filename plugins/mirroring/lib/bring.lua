--- Fetches what a bucket of the queue holds, and tells the upstream.
local bring = {}

--- Where items go equally far, next to each other, they are fetched as one.
---@param items perigee.MirrorItem[]
---@return perigee.MirrorItem[][]
function bring.parts(items)
  local parts = {}
  for _, item in ipairs(items) do
    local part = parts[#parts]
    if not part or (part[1].phase or "publish") ~= (item.phase or "publish") then
      part = {}
      parts[#parts + 1] = part
    end
    part[#part + 1] = item
  end
  return parts
end

--- The greatest number of a change among items; nil when comparisons alone have led to them.
---@param items perigee.MirrorItem[]
---@return integer?
function bring.generation(items)
  local greatest
  for _, item in ipairs(items) do
    if item.generation and item.generation > (greatest or 0) then greatest = item.generation end
  end
  return greatest
end

--- Whether a comparison has led to one of the items.
---@param items perigee.MirrorItem[]
function bring.is_compared(items)
  for _, item in ipairs(items) do
    if not item.generation then return true end
  end
  return false
end

--- Fetches items that go equally far, and tells the upstream, which waits for it.
---@param mirrors table `perigee.mirrors`, or what does as it does
---@param items perigee.MirrorItem[]
---@return perigee.MirrorFetch? fetched
---@return perigee.Error? problem
---@return perigee.Error? untold why the upstream does not know what was fetched
function bring.fetch(mirrors, items)
  local generation = bring.generation(items)
  local report = { repository = items[1].repository, generation = generation, phase = items[1].phase or "publish" }
  local fetched, problem = mirrors.fetch(items)
  if not fetched then report.phase, report.error = nil, problem.message end
  local untold
  if generation then
    local told
    told, untold = mirrors.report({ report })
    if told then untold = nil end
  end
  if not fetched then return nil, problem end
  return fetched, nil, untold
end

return bring
