-- case: 53
-- what: host calls that would have to wait where nothing can
-- expect: ok
-- permissions: {"kv": "1MiB"}
perigee.plugin.on_start(function()
  for _, call in ipairs({
    function() table.sort({ 2, 1 }, function() return perigee.kv.get("a") ~= nil end) end,
    function() return (("x"):gsub("x", function() return perigee.kv.get("a") end)) end,
  }) do
    local fine, problem = pcall(call)
    assert(not fine and type(problem) == "string", "it waited")
  end
  assert(perigee.kv.get("a") == nil)
end)
