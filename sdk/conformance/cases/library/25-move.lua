-- case: 25
-- what: moving more elements than there are
-- expect: ok
-- over: 250ms
perigee.plugin.on_start(function()
  for _, range in ipairs({ { 1, 1 << 60, 2 }, { math.mininteger, 0, 1 }, { 1, math.maxinteger, 2 } }) do
    local fine, problem = pcall(table.move, {}, range[1], range[2], range[3], {})
    assert(not fine and type(problem) == "string")
  end
end)
