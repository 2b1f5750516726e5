-- case: 30
-- what: 60,000 values through select, again and again
-- expect: killed timeout | killed memory
-- over: 250ms
perigee.plugin.on_start(function()
  local list = {}
  for index = 1, 60000 do list[index] = index end
  while true do pcall(function() return select(1, table.unpack(list, 1, 60000)) end) end
end)
