-- case: 58
-- what: a lock that its own run asks for again, a lock given back twice, a guard that outlives its run
-- expect: ok
-- permissions: {"locks": ["one"]}
-- limits: {"handler_cpu": "1s"}
local lock = perigee.locks.named("one")
assert(not pcall(perigee.locks.named, "two"))
perigee.plugin.on_start(function()
  local guard = assert(lock:acquire())
  assert(guard:held() and math.type(guard.token) == "integer")
  assert(not pcall(lock.acquire, lock))
  assert(not pcall(lock.with, lock, function() end))
  guard:release()
  pcall(guard.release, guard)
  assert(not select(2, pcall(guard.held, guard)) or not pcall(guard.held, guard))
  local again = assert(lock:acquire())
  assert(again.token > guard.token)
  local fine = pcall(lock.with, lock, function() error("x") end)
  assert(not fine and again:held())
  again:release()
end)
