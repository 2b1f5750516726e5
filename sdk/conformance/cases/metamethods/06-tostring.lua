-- case: 6
-- what: __tostring never returns
-- expect: killed timeout
local spin = function() while true do pcall(function() while true do end end) end end

perigee.plugin.on_start(function()
  local object = setmetatable({}, { __tostring = spin })
  local other = setmetatable({}, { __tostring = spin })
  assert(other)
  tostring(object)
end)
