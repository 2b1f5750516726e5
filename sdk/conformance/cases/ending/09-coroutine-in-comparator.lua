-- case: 9
-- what: coroutines inside a comparator, each caught by pcall
-- expect: killed timeout
-- over: 250ms
perigee.plugin.on_start(function()
  table.sort({ 3, 2, 1 }, function()
    local co = coroutine.wrap(function() while true do end end)
    while true do pcall(co) end
  end)
end)
