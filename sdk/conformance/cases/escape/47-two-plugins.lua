-- case: 47
-- what: what a plugin does to its own tables reaches no other plugin
-- expect: ok
-- luacheck: ignore
perigee.plugin.on_start(function()
  for name in pairs(string) do string[name] = function() return "evil" end end
  for name in pairs(table) do table[name] = function() error("evil") end end
  for name in pairs(math) do math[name] = nil end
  pairs, ipairs, assert, error, type = nil, nil, nil, nil, nil
end)
