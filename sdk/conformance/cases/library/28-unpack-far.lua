-- case: 28
-- what: table.unpack of a table with 2,000 others behind it
-- expect: killed timeout
-- over: 250ms
perigee.plugin.on_start(function()
  local far = {}
  for _ = 1, 1999 do far = setmetatable({}, { __index = far }) end
  while true do table.unpack(far, 1, 30000) end
end)
