-- case: 28
-- what: more values than a stack holds
-- expect: ok
-- over: 250ms
perigee.plugin.on_start(function()
  assert(not pcall(table.unpack, {}, 1, 100000000))
  assert(not pcall(table.unpack, {}, math.mininteger, math.maxinteger))
  assert(not pcall(string.byte, ("x"):rep(1000000), 1, -1) or true)
  local codes = {}
  for index = 1, 200000 do codes[index % 60000 + 1] = 65 end
  pcall(function() return string.char(table.unpack(codes)) end)
  assert(select("#", table.unpack({}, 1, 200)) == 200)
end)
