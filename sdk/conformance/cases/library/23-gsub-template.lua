-- case: 23
-- what: string.gsub with half a million captures in its replacement, which are empty
-- expect: killed timeout
-- over: 250ms
perigee.plugin.on_start(function()
  local _ = (("x"):rep(1000000):gsub("(y*)", ("%1"):rep(500000)))
end)
