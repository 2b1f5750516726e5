-- case: 51
-- what: more in one call than may cross
-- expect: ok
-- permissions: {"kv": "1MiB"}
-- limits: {"handler_cpu": "1s"}
perigee.plugin.on_start(function()
  local block = ("x"):rep(1000000)
  local list = {}
  for index = 1, 40 do list[index] = block end
  assert(not pcall(perigee.json.encode, list))
  assert(not pcall(perigee.kv.put, "k", block))
  assert(not pcall(perigee.events.publish, "x", list))
end)
