-- Sorting with a comparator, and a coroutine that hands the result out.
local function numbers(n)
  local list, x = {}, 42
  for i = 1, n do
    x = (x * 1103515245 + 12345) % 2147483648
    list[i] = x
  end
  return list
end

local last = 0
for _ = 1, 12 do
  local list = numbers(30000)
  table.sort(list, function(a, b) return a < b end)
  local before = 0
  for x in coroutine.wrap(function() for i = 1, #list do coroutine.yield(list[i]) end end) do
    assert(x >= before)
    before = x
  end
  last = before
end
assert(last > 0)
