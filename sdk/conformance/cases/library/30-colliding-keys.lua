-- case: 30
-- what: 60,000 keys that fall into one place of a table
-- expect: ok | killed timeout | killed memory | failed not enough memory
-- over: 250ms
perigee.plugin.on_start(function()
  local function fill(step)
    local full = {}
    for index = 1, 60000 do full[index * step] = true end
    return full
  end
  assert(not pcall(fill, 65535.5), "the table took them all")
  assert(not pcall(fill, 1 << 40), "the table took them all")
end)
