-- case: 2
-- what: pcall cannot keep a run alive
-- expect: killed timeout
perigee.plugin.on_start(function()
  while true do
    pcall(function() while true do end end)
  end
end)
