-- case: 33
-- what: growing to the limit, again and again, with every failure caught
-- expect: killed memory | killed timeout
-- over: 250ms
-- limits: {"memory": "2MiB", "handler_cpu": "1s"}
perigee.plugin.on_start(function()
  while true do
    pcall(function()
      local all = {}
      for index = 1, 10000000 do all[index] = { index, ("x"):rep(200) .. index } end
      return all
    end)
  end
end)
