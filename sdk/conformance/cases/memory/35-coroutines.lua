-- case: 35
-- what: ten million coroutines
-- expect: failed memory | killed memory | killed timeout
-- over: 250ms
-- limits: {"memory": "4MiB"}
perigee.plugin.on_start(function()
  local all = {}
  for index = 1, 10000000 do all[index] = coroutine.create(print) end
  return all
end)
