-- case: 6
-- what: __pairs never returns
-- expect: killed timeout
local spin = function() while true do pcall(function() while true do end end) end end

perigee.plugin.on_start(function()
  local object = setmetatable({}, { __pairs = spin })
  local other = setmetatable({}, { __pairs = spin })
  assert(other)
  for _ in pairs(object) do end
end)
