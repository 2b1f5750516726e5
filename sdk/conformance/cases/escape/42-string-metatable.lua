-- case: 42
-- what: the metatable of strings cannot be seen or changed
-- expect: ok
perigee.plugin.on_start(function()
  assert(not getmetatable(""))
  assert(not pcall(setmetatable, "", {}))
  assert(("").__index == nil)
end)
