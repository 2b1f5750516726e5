-- case: 6
-- what: metamethods that need themselves, until the C stack is used up, again and again
-- expect: killed timeout | killed memory
-- over: 250ms
perigee.plugin.on_start(function()
  local meta = {}
  local object = setmetatable({}, meta)
  function meta.__index(t, k) return t[k] end
  function meta.__len(t) return #t end
  function meta.__concat(a, b) return a .. b end
  function meta.__lt(a, b) return a < b end
  function meta.__tostring(t) return tostring(t) end
  function meta.__close() local _ <close> = object end
  local function chain() return coroutine.wrap(chain)() end
  local function sort() table.sort({ 2, 1 }, function() return (("a"):gsub("a", sort)) end) end
  while true do
    pcall(function() return object.x end)
    pcall(function() return #object end)
    pcall(function() return object .. object end)
    pcall(function() return object < object end)
    pcall(tostring, object)
    pcall(function() local _ <close> = object end)
    pcall(chain)
    pcall(sort)
  end
end)
