--- Everything that code in this environment can reach by a name: the sorted list of `name type`.
---
--- Tables are walked raw and by their `__pairs`, with their metatables; a table that was met under a shorter name is
--- listed and not walked again. What no function but `debug`'s could open, such as a function's upvalues, is no name.
local lines, seen, queue = {}, {}, {}

local function key_text(key)
  if type(key) == "string" and key:find("^[%a_][%w_]*$") then return "." .. key end
  return "[" .. type(key) .. " " .. tostring(key) .. "]"
end

local function meet(name, value)
  lines[#lines + 1] = name .. " " .. type(value)
  if type(value) == "table" and not seen[value] then
    seen[value] = true
    queue[#queue + 1] = { name = name, value = value }
  end
end

local function fields(value)
  local found, names = {}, {}
  local function add(key, field)
    local text = key_text(key)
    if found[text] == nil then names[#names + 1] = text end
    found[text] = field
  end
  for key, field in next, value do add(key, field) end
  pcall(function()
    for key, field in pairs(value) do add(key, field) end
  end)
  table.sort(names)
  return found, names
end

meet("_G", _G)
local at = 1
while queue[at] do
  local entry = queue[at]
  local found, names = fields(entry.value)
  for _, text in ipairs(names) do
    local is_global = entry.name == "_G" and text:sub(1, 1) == "." and text ~= "._G"
    local name = is_global and text:sub(2) or entry.name .. text
    meet(name, found[text])
  end
  local meta = getmetatable(entry.value)
  if meta ~= nil then meet("getmetatable(" .. entry.name .. ")", meta) end
  at = at + 1
end

for _, value in ipairs({ "", 0, true, print, coroutine.create(print) }) do
  local meta = getmetatable(value)
  if meta ~= nil then meet("getmetatable(a " .. type(value) .. ")", meta) end
end
-- Methods of strings: those of the table `string`, and no others.
for name, method in pairs(string) do
  if ("")[name] ~= method then lines[#lines + 1] = "(\"\")." .. name .. " differs from string." .. name end
end
table.sort(lines)
return lines
