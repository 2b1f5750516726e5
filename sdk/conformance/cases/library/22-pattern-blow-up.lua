-- case: 22
-- what: a short subject that a backtracking matcher never finishes
-- expect: ok | killed timeout
-- over: 250ms
perigee.plugin.on_start(function()
  local fine = pcall(string.find, ("a"):rep(30), ("a?"):rep(30) .. ("a"):rep(30))
  assert(not fine, "it was finished")
end)
