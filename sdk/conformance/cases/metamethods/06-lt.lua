-- case: 6
-- what: __lt never returns
-- expect: killed timeout
local spin = function() while true do pcall(function() while true do end end) end end

perigee.plugin.on_start(function()
  local object = setmetatable({}, { __lt = spin })
  local other = setmetatable({}, { __lt = spin })
  assert(other)
  print(object < other)
end)
