-- Memory: many short-lived tables beside one that stays.
local function tree(depth)
  if depth == 0 then return {} end
  return { tree(depth - 1), tree(depth - 1) }
end

local function count(node)
  if not node[1] then return 1 end
  return 1 + count(node[1]) + count(node[2])
end

local kept = tree(14)
local total = 0
for _ = 1, 1500 do total = total + count(tree(10)) end
assert(total == 1500 * 2047 and count(kept) == 32767)
