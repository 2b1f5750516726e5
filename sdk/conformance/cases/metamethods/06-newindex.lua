-- case: 6
-- what: __newindex never returns
-- expect: killed timeout
local spin = function() while true do pcall(function() while true do end end) end end

perigee.plugin.on_start(function()
  local object = setmetatable({}, { __newindex = spin })
  local other = setmetatable({}, { __newindex = spin })
  assert(other)
  object.field = 1
end)
