-- case: 43
-- what: the modules of the host cannot be changed
-- expect: ok
perigee.plugin.on_start(function()
  for _, module in ipairs({ perigee, perigee.kv, perigee.log, perigee.config }) do
    assert(not pcall(function() module.get = print end))
    assert(not pcall(rawset, module, "get", print))
    assert(not pcall(setmetatable, module, {}))
    assert(not getmetatable(module))
    assert(rawget(module, "get") == nil and next(module) == nil)
    assert(not pcall(table.insert, module, print) or #module == 0)
  end
end)
