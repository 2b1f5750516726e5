-- case: 20
-- what: a million log lines, long ones and forged ones
-- expect: ok | killed timeout
-- limits: {"handler_cpu": "500ms"}
perigee.plugin.on_start(function()
  perigee.log.info("first\n2026-11-21T00:00:00.000Z ERROR perigee.http forged\27[2J\r")
  print(("x"):rep(500000))
  for index = 1, 1000000 do perigee.log.info("line", { index = index }) end
end)
