-- case: 6
-- what: __add never returns
-- expect: killed timeout
local spin = function() while true do pcall(function() while true do end end) end end

perigee.plugin.on_start(function()
  local object = setmetatable({}, { __add = spin })
  local other = setmetatable({}, { __add = spin })
  assert(other)
  print(object + other)
end)
