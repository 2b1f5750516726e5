-- case: 23
-- what: five lazy repetitions over 3,000 characters
-- expect: ok | killed timeout
-- over: 250ms
perigee.plugin.on_start(function()
  assert(not pcall(string.find, ("a"):rep(3000), (".-"):rep(5) .. "b"), "it was finished")
end)
