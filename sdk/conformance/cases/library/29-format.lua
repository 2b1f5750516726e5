-- case: 29
-- what: formats that are too wide, too many or evil
-- expect: ok | killed timeout
-- over: 250ms
perigee.plugin.on_start(function()
  assert(not pcall(string.format, "%99999d", 1))
  assert(not pcall(string.format, "%.99999f", 1))
  assert(not pcall(function() return ("%s"):rep(1000000):format() end))
  assert(not pcall(string.format, ("%s"):rep(400000)))
  local object = setmetatable({}, { __tostring = function() return {} end })
  assert(not pcall(string.format, "%s", object))
  for _ = 1, 20 do
    assert(#("%q"):format(("\0"):rep(100000)) > 100000)
  end
end)
