-- case: 51
-- what: sparse and mixed tables, keys that are no text, metatables, functions
-- expect: ok
perigee.plugin.on_start(function()
  local encode = perigee.json.encode
  local spin = function() while true do end end
  for name, value in pairs({
    sparse = { [1] = 1, [1000000] = 2 },
    mixed = { 1, 2, name = "x" },
    keys = { [{}] = 1 },
    floats = { [1.5] = 1 },
    booleans = { [true] = 1 },
    called = print,
    inside = { a = { b = print } },
    thread = coroutine.create(print),
    meta = setmetatable({}, { __index = spin, __len = spin, __pairs = spin, __tostring = spin }),
  }) do
    local fine, problem = pcall(encode, value)
    assert(not fine and type(problem) == "string", name)
  end
  assert(encode({ 1, 2, 3 }) == "[1,2,3]")
end)
