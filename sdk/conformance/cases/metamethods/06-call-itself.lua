-- case: 6
-- what: a table that is called through itself, which moves ever more arguments
-- expect: killed timeout | killed memory
-- over: 250ms
perigee.plugin.on_start(function()
  local object = {}
  setmetatable(object, { __call = object })
  while true do pcall(object) end
end)
