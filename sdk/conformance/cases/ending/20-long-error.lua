-- case: 20
-- what: an error message as long as a string can be
-- expect: failed (cut)
perigee.plugin.on_start(function()
  error(("x"):rep(1000000), 0)
end)
