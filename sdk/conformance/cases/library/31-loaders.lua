-- case: 31
-- what: nothing compiles code or gives it away
-- expect: ok
perigee.plugin.on_start(function()
  for _, name in ipairs({ "load", "loadstring", "loadfile", "dofile", "collectgarbage" }) do
    assert(_G[name] == nil, name)
  end
  assert(string.dump == nil and (""):rep(0).dump == nil)
end)
