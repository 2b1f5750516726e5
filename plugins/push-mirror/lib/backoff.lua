--- How long to rest after something has not worked.
local backoff = {}

--- Twice as long each time, from the first to the longest, and at random up to a quarter more: many mirrors that
--- lost the same upstream do not come back at the same moment.
---@param attempt integer from 1
---@param first integer milliseconds
---@param longest integer milliseconds
---@param random fun(): number from 0 to 1
---@return integer milliseconds
function backoff.delay(attempt, first, longest, random)
  local delay = first
  for _ = 2, math.min(attempt, 30) do
    if delay >= longest then break end
    delay = delay * 2
  end
  delay = math.min(delay, longest)
  return delay + math.floor(delay / 4 * random())
end

return backoff
