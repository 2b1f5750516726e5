--- Lists everything that code in the sandbox can reach, as sorted lines of a path and what is there.
--- Tables are walked by `next` and by `pairs`, since a module of the host answers only the second; what has a
--- metatable that can be seen is walked through that as well. A thing that was met before is named by its
--- first path.

local first_path = {}
local lines = {}

local function line(path, what) lines[#lines + 1] = path .. " " .. what end

local function fields_of(table)
  local fields = {}
  for key, value in next, table do fields[key] = value end
  for key, value in pairs(table) do fields[key] = value end
  local keys = {}
  for key in next, fields do keys[#keys + 1] = key end
  _G.table.sort(keys, function(a, b) return tostring(a) < tostring(b) end)
  return keys, fields
end

local function walk(path, value)
  local kind = type(value)
  local is_object = kind == "table" or kind == "function" or kind == "userdata" or kind == "thread"
  if is_object and first_path[value] then
    return line(path, "= " .. first_path[value])
  end
  line(path, kind)
  if not is_object then return end
  first_path[value] = path
  local metatable = getmetatable(value)
  if metatable ~= nil then walk("getmetatable(" .. path .. ")", metatable) end
  if kind ~= "table" then return end
  local keys, fields = fields_of(value)
  for _, key in ipairs(keys) do
    walk(path == "_G" and tostring(key) or path .. "." .. tostring(key), fields[key])
  end
end

walk("_G", _G)

-- What values without a name of their own lead to.
walk("getmetatable('')", getmetatable(""))
walk("getmetatable(0)", getmetatable(0))
walk("getmetatable(true)", getmetatable(true))
walk("getmetatable(nil)", getmetatable(nil))
walk("getmetatable(print)", getmetatable(print))
walk("coroutine.running()", (coroutine.running()))
walk("string.gmatch('', '')", string.gmatch("", ""))
walk("coroutine.wrap(print)", coroutine.wrap(print))
walk("pairs({})", (pairs({})))
walk("ipairs({})", (ipairs({})))
walk("utf8.codes('')", (utf8.codes("")))
for name, method in pairs(string) do
  if ("")[name] ~= method then line("('')." .. name, "differs") end
end
for _, name in ipairs { "dump", "__index", "__gc", "__metatable", "__name" } do
  walk("('')." .. name, ("")[name])
end

table.sort(lines)
return lines
