-- case: 11
-- what: a suspended coroutine whose __close never returns; unloading runs nothing of it
-- expect: ok
Kept = coroutine.create(function() -- luacheck: ignore
  local guard <close> = setmetatable({}, { __close = function() while true do end end })
  coroutine.yield(guard)
end)

perigee.plugin.on_start(function()
  assert(coroutine.resume(Kept)) -- luacheck: ignore
end)
