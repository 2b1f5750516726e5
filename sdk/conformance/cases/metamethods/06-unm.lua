-- case: 6
-- what: __unm never returns
-- expect: killed timeout
local spin = function() while true do pcall(function() while true do end end) end end

perigee.plugin.on_start(function()
  local object = setmetatable({}, { __unm = spin })
  local other = setmetatable({}, { __unm = spin })
  assert(other)
  print(-object)
end)
