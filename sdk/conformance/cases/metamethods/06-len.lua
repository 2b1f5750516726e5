-- case: 6
-- what: __len never returns
-- expect: killed timeout
local spin = function() while true do pcall(function() while true do end end) end end

perigee.plugin.on_start(function()
  local object = setmetatable({}, { __len = spin })
  local other = setmetatable({}, { __len = spin })
  assert(other)
  print(#object)
end)
