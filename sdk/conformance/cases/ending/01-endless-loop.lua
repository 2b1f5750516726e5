-- case: 1
-- what: a loop without an end
-- expect: killed timeout
perigee.plugin.on_start(function()
  while true do end
end)
