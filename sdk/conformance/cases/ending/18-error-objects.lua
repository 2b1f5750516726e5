-- case: 18
-- what: an error object whose metamethods are traps
-- expect: failed (error object is a table value)
perigee.plugin.on_start(function()
  local spin = function() while true do end end
  error(setmetatable({}, { __tostring = spin, __index = spin, __len = spin, __name = "forged\n" }))
end)
