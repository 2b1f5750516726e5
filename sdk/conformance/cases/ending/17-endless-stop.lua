-- case: 17
-- what: a stop handler that never returns
-- phase: stop
-- expect: killed timeout
perigee.plugin.on_stop(function()
  while true do pcall(function() while true do end end) end
end)
