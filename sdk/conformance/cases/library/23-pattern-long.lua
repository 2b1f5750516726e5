-- case: 23
-- what: a lazy repetition that fails at each of 200,000 places
-- expect: ok | killed timeout
-- over: 250ms
perigee.plugin.on_start(function()
  assert(not pcall(string.find, ("a"):rep(200000), ".-b"), "it was finished")
end)
