-- case: 40
-- what: 30,000 host calls leave nothing behind
-- expect: ok | killed timeout
-- limits: {"memory": "1MiB", "handler_cpu": "500ms"}
perigee.plugin.on_start(function()
  for index = 1, 30000 do
    perigee.time.iso(index)
    perigee.json.encode({ index = index, list = { "a", "b" } })
    pcall(perigee.json.encode, print)
  end
end)
