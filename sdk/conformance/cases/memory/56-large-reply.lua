-- case: 56
-- what: an answer larger than the plugin's memory
-- expect: ok
-- limits: {"memory": "1MiB", "handler_cpu": "1s"}
perigee.plugin.on_start(function()
  local text = "[" .. ("[1],"):rep(40000) .. "1]"
  local fine = pcall(perigee.json.decode, text)
  assert(not fine, "the answer came")
  assert(perigee.json.decode("[1]")[1] == 1, "the state did not survive")
end)
