-- case: 14
-- what: a heap full of cycles is given back
-- expect: ok
-- limits: {"memory": "48MiB"}
All = {} -- luacheck: ignore

perigee.plugin.on_start(function()
  for index = 1, 12000 do
    local node = { ("x"):rep(2000) .. index }
    node.self = { node, All[index - 1] } -- luacheck: ignore
    All[index] = node -- luacheck: ignore
  end
end)
