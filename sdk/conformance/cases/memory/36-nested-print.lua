-- case: 36
-- what: print within print, as deep as it goes, and a call of the host at the bottom
-- expect: ok
-- limits: {"handler_cpu": "1s"}
perigee.plugin.on_start(function()
  local deep = ('{"\u{e9}": [1, '):rep(32) .. "null" .. ("]}"):rep(32)
  local depth, deepest, nest = 0, 0, nil
  local function reach()
    depth = depth + 1
    deepest = math.max(depth, deepest)
    pcall(perigee.json.decode, deep)
    nest()
    return "x"
  end
  function nest()
    local later, meta = {}, {}
    setmetatable(later, meta)
    -- It has a `__tostring` only when print has looked at it.
    print(later, setmetatable({}, { __tostring = function() meta.__tostring = reach return "y" end }))
  end
  pcall(nest)
  assert(deepest > 50, deepest)
end)
