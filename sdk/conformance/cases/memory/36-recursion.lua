-- case: 36
-- what: recursion without an end, in Lua and through C
-- expect: ok | killed timeout | killed memory
-- over: 250ms
local function down(n) return 1 + down(n + 1) end
local function through_c(text) return (text:gsub(".", through_c)) end

perigee.plugin.on_start(function()
  assert(not pcall(down, 1))
  assert(not pcall(through_c, "x"))
  local nested = function() end
  for _ = 1, 1000 do nested = coroutine.wrap(nested) end
  pcall(nested)
end)
