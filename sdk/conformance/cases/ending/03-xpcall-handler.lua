-- case: 3
-- what: the message handler of xpcall cannot either
-- expect: killed timeout
local function spin() while true do end end

perigee.plugin.on_start(function()
  while true do xpcall(spin, spin) end
end)
