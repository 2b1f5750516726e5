-- case: 55
-- what: a host call in each of 2,000 coroutines
-- expect: ok
-- permissions: {"kv": "1MiB"}
-- limits: {"handler_cpu": "1s"}
perigee.plugin.on_start(function()
  local all, sum = {}, 0
  for index = 1, 2000 do
    all[index] = coroutine.wrap(function() return perigee.kv.get("none") == nil and 1 or 0 end)
  end
  for _, call in ipairs(all) do sum = sum + call() end
  assert(sum == 2000)
end)
