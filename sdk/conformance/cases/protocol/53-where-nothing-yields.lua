-- case: 53
-- what: host calls that would have to wait where nothing can
-- expect: ok
-- permissions: {"kv": "1MiB"}
perigee.plugin.on_start(function()
  for _, call in ipairs({
    function()
      local waiting = setmetatable({}, { __index = function() return perigee.kv.get("a") end })
      for _, value in ipairs(waiting) do assert(value) end
    end,
  }) do
    local fine, problem = pcall(call)
    assert(not fine and type(problem) == "string", "it waited")
  end
  assert(perigee.kv.get("a") == nil)
end)
