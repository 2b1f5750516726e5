-- case: 58
-- what: a lock that its own run asks for again, and one that is given back twice
-- expect: ok
-- permissions: {"locks": ["one"]}
-- limits: {"handler_cpu": "1s"}
local lock = perigee.locks.named("one")
assert(not pcall(perigee.locks.named, "two"))
perigee.plugin.on_start(function()
  local function is_refused(call, ...)
    local fine, guard = pcall(call, ...)
    return not fine or guard == nil
  end
  local guard = assert(lock:acquire())
  assert(guard:held() and math.type(guard.token) == "integer")
  assert(is_refused(lock.try, lock) and is_refused(lock.acquire, lock))
  assert(is_refused(lock.with, lock, nil, function() return true end))
  guard:release()
  guard:release()
  assert(not guard:held())
  local again = assert(lock:acquire())
  assert(again.token > guard.token)
  again:release()
  local fine, text = pcall(lock.with, lock, nil, function() error("within") end)
  assert(not fine and text:find("within", 1, true))
  assert(lock:with(nil, function(held) return held:held() end))
end)
