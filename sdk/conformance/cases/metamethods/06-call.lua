-- case: 6
-- what: __call never returns
-- expect: killed timeout
local spin = function() while true do pcall(function() while true do end end) end end

perigee.plugin.on_start(function()
  local object = setmetatable({}, { __call = spin })
  local other = setmetatable({}, { __call = spin })
  assert(other)
  object()
end)
