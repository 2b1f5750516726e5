-- case: 34
-- what: a transaction of more than the plugin may store
-- expect: ok
-- permissions: {"kv": "64MiB"}
-- limits: {"handler_cpu": "1s"}
perigee.plugin.on_start(function()
  local big, wrote = ("x"):rep(200000), 0
  local done, err = perigee.kv.transaction(function()
    for index = 1, 1000000 do
      if not perigee.kv.put("k" .. index, big) then return true end
      wrote = index
    end
  end)
  assert(done == nil and err.code == "quota" and wrote < 30, wrote)
  assert(perigee.kv.get("k1") == nil)
end)
