-- case: 4
-- what: a comparator that never returns, where nothing can yield
-- expect: killed timeout
-- over: 250ms
local function spin() while true do end end

perigee.plugin.on_start(function()
  table.sort({ 3, 2, 1 }, function() while true do pcall(spin) end end)
end)
