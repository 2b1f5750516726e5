-- case: 8
-- what: coroutines that each do little, nested and without an end
-- expect: killed timeout
local function grow(depth)
  if depth == 0 then return end
  for _ = 1, 10 do coroutine.wrap(grow)(depth - 1) end
end

perigee.plugin.on_start(function()
  while true do grow(4) end
end)
