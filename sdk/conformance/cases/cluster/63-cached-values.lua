-- case: 63
-- what: a value that is changed after it was cached, by who put it and by who read it
-- expect: ok
-- permissions: {"caches": ["one"]}
local cache = perigee.caches.open("one")
perigee.plugin.on_start(function()
  local value = { list = { 1 } }
  assert(cache:put("k", value))
  value.list[1], value.more = 2, true
  local read = cache:get("k")
  assert(read.list[1] == 1 and read.more == nil)
  read.list[1] = 3
  assert(cache:get("k").list[1] == 1 and cache:get("k") ~= read)
  local made = cache:get("l", function() return value end)
  made.list[1] = 4
  assert(value.list[1] == 2 and cache:get("l").list[1] == 2)
  for _, key in ipairs({ "", ("x"):rep(513), "\255" }) do assert(not pcall(cache.put, cache, key, 1)) end
  assert(not pcall(perigee.caches.open, "two"))
end)
