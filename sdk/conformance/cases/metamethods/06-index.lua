-- case: 6
-- what: __index never returns
-- expect: killed timeout
local spin = function() while true do pcall(function() while true do end end) end end

perigee.plugin.on_start(function()
  local object = setmetatable({}, { __index = spin })
  local other = setmetatable({}, { __index = spin })
  assert(other)
  print(object.field)
end)
