-- case: 60
-- what: jobs every millisecond, never and for ever, and with names that are none
-- expect: ok
-- permissions: {"jobs": ["one"]}
-- limits: {"handler_cpu": "1s"}
perigee.jobs.runner("one", function() end)
perigee.plugin.on_start(function()
  local every = perigee.jobs.every
  for _, interval in ipairs({ "1ms", "0s", "-1s", 0, 1, -1, math.maxinteger, math.mininteger, 0.5, "soon", {} }) do
    assert(not pcall(every, "x", interval, { runner = "one" }), tostring(interval))
  end
  for _, name in ipairs({ "", ("x"):rep(201), "a\0b", "\255" }) do
    assert(not pcall(every, name, "1h", { runner = "one" }), #name)
  end
  assert(not pcall(perigee.jobs.cron, "x", "* * * * * * * *", { runner = "one" }))
  assert(not pcall(every, "x", "1h", { runner = "two" }))
  assert(perigee.jobs.status("x") == nil)
end)
