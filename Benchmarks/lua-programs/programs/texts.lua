-- Texts: building, splitting, replacing and joining, as a handler of events does it.
local words = {}
for i = 1, 200 do words[i] = ("refs/heads/feature-%d"):format(i * 7919 % 1000) end

local total = 0
for round = 1, 4000 do
  local text = table.concat(words, "\n")
  for name in text:gmatch("refs/heads/([^\n]+)") do total = total + #name end
  local changed, hits = text:gsub("feature", "topic")
  total = total + hits + #changed + #(changed:upper()) + (text:find("-" .. round, 1, true) or 0)
end
assert(total > 0)
