-- case: 53
-- what: host calls inside coroutines, pcall, iterators and metamethods
-- expect: ok
-- permissions: {"kv": "1MiB"}
-- limits: {"handler_cpu": "1s"}
perigee.plugin.on_start(function()
  local kv = perigee.kv
  assert(kv.put("a", 1))
  assert(coroutine.wrap(function() return kv.get("a") end)() == 1)
  local fine, value = pcall(kv.get, "a")
  assert(fine and value == 1)
  local seen = 0
  for n in function(_, last) return (last or 0) < 3 and (last or 0) + kv.get("a") or nil end do seen = n end
  assert(seen == 3)
  local object = setmetatable({}, { __index = function(_, key) return kv.get(key) end })
  assert(object.a == 1)
  local inner = coroutine.wrap(function()
    coroutine.yield(kv.get("a"))
    coroutine.yield(coroutine.wrap(function() return kv.get("a") + 1 end)())
  end)
  assert(inner() == 1 and inner() == 2)
end)
