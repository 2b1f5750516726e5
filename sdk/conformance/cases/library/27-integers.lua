-- case: 27
-- what: the ends of the integers as positions, counts and steps
-- expect: ok
-- limits: {"handler_cpu": "1s"}
perigee.plugin.on_start(function()
  local low, high = math.mininteger, math.maxinteger
  local refused = {
    function() table.concat({}, "", low, high) end,
    function() select(low) end,
    function() table.unpack({}, low, high) end,
    function() table.move({}, low, high, 1) end,
    function() table.insert({}, low, 1) end,
    function() table.remove({ 1 }, high) end,
    function() return ("x"):rep(high, "y") end,
    function() math.random(high, low) end,
    function() utf8.offset("x", low, high) end,
    function() utf8.char(high) end,
    function() for _ = 1, 2, 0 do error("here") end end,
  }
  for number, call in ipairs(refused) do assert(not pcall(call), number) end
  local count = 0
  for _ = high - 2, high do count = count + 1 end
  for _ = low + 2, low, -1 do count = count + 1 end
  for _ = 3, -math.huge do error("here") end
  assert(count == 6 and low // -1 == low and low % -1 == 0)
  assert(("x"):sub(low, high) == "x" and ("x"):byte(low, low) == nil and ("x"):rep(low) == "")
end)
