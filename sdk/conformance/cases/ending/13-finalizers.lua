-- case: 13
-- what: finalizers are refused, also ones that come later
-- expect: ok
perigee.plugin.on_start(function()
  local fine, problem = pcall(setmetatable, {}, { __gc = print })
  assert(not fine and tostring(problem):find("__gc", 1, true), problem)
  local meta = {}
  local first = setmetatable({}, meta)
  meta.__gc = function() while true do end end
  assert(not pcall(setmetatable, {}, meta))
  assert(first and getmetatable(first) == meta)
end)
