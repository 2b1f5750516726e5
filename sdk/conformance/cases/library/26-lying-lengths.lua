-- case: 26
-- what: tables that lie about their length
-- expect: ok
-- over: 250ms
local function lying(length)
  return setmetatable({ 1, 2, 3 }, { __len = function() return length end, __index = function() return 1 end })
end

perigee.plugin.on_start(function()
  for _, length in ipairs({ 1 << 60, -1, "x", math.huge, 1 << 30 }) do
    -- Each gives an error, or what the raw length gives; none takes long.
    pcall(table.insert, lying(length), 4)
    pcall(table.remove, lying(length))
    pcall(table.concat, lying(length))
    pcall(table.sort, lying(length))
    pcall(table.unpack, lying(length))
    pcall(table.move, lying(length), 1, 3, 2)
  end
end)
