-- case: 21
-- what: strings longer than any memory
-- expect: ok
-- over: 250ms
perigee.plugin.on_start(function()
  for _, call in ipairs({
    function() return ("x"):rep(1 << 62) end,
    function() return ("x"):rep(1000000000, ("y"):rep(1000000)) end,
    function() return ("xy"):rep(math.maxinteger) end,
    function() return ("x"):rep(2000000) end,
  }) do
    assert(not pcall(call))
  end
  assert((""):rep(1 << 62) == "" or not pcall(string.rep, "", 1 << 62))
  assert(("x"):rep(-1) == "" and ("x"):rep(3, ",") == "x,x,x")
end)
