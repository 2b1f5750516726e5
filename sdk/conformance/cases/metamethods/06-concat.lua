-- case: 6
-- what: __concat never returns
-- expect: killed timeout
local spin = function() while true do pcall(function() while true do end end) end end

perigee.plugin.on_start(function()
  local object = setmetatable({}, { __concat = spin })
  local other = setmetatable({}, { __concat = spin })
  assert(other)
  print(object .. other)
end)
