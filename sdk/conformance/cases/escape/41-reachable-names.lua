-- case: 41
-- what: a plugin reaches exactly the names of the list
-- expect: ok
-- limits: {"handler_cpu": "1s"}
local names, found = require "lib.names", require "lib.walker"

perigee.plugin.on_start(function()
  local allowed, problems = {}, {}
  for _, name in ipairs(names) do allowed[name] = true end
  for _, name in ipairs(found) do
    if not allowed[name] then problems[#problems + 1] = "new: " .. name end
    allowed[name] = nil
  end
  for name in pairs(allowed) do problems[#problems + 1] = "missing: " .. name end
  table.sort(problems)
  assert(#problems == 0, table.concat(problems, "\n"))
end)
