-- case: 7
-- what: an iterator without an end
-- expect: killed timeout
perigee.plugin.on_start(function()
  for _ in function() return 1 end do end
end)
