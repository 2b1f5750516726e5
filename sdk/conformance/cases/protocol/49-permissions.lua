-- case: 49
-- what: a function without its permission raises at the caller's line, with the line to add
-- expect: ok
perigee.plugin.on_start(function()
  for call, line in pairs({
    [function() perigee.kv.get("x") end] = '"kv": "1MiB"',
    [function() perigee.repositories.get(1) end] = '"repositories": "read"',
    [function() perigee.refs.delete(1, "refs/heads/main") end] = '"refs": "write"',
    [function() for _ in perigee.projects.each() do end end] = '"projects": "read"',
    [function() perigee.kv.transaction(print) end] = '"kv": "1MiB"',
  }) do
    local fine, problem = pcall(call)
    assert(not fine and problem:find("^main%.lua:%d+: permission denied: "), problem)
    assert(problem:find(line, 1, true), problem)
  end
end)
