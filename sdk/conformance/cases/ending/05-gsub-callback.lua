-- case: 5
-- what: a replacement function that never returns
-- expect: killed timeout
-- over: 250ms
local function spin() while true do end end

perigee.plugin.on_start(function()
  ("aaa"):gsub("a", function() while true do pcall(spin) end end)
end)
