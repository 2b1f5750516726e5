--- Ref patterns: `*` stands for any text without a slash, `**` for any text.
local M = {}

local STAR, SLASH = ("*"):byte(), ("/"):byte()

--- A pattern that does not begin with `refs/` means branches: `main` is `refs/heads/main`.
---@param pattern string
---@return string
function M.full(pattern)
  if pattern:sub(1, 5) == "refs/" then return pattern end
  return "refs/heads/" .. pattern
end

--- Goes back to the last star and lets it take one more byte: the single star first, unless that byte is a slash.
---@return integer? place in the pattern
---@return integer? at in the text
local function retry(text, single, double)
  if single and single.at <= #text and text:byte(single.at) ~= SLASH then
    single.at = single.at + 1
    return single.place, single.at
  end
  if double and double.at <= #text then
    double.at = double.at + 1
    return double.place, double.at
  end
  return nil
end

--- Says whether a ref's full name fits a pattern.
---@param pattern string
---@param text string
---@return boolean
function M.matches(pattern, text)
  pattern = M.full(pattern)
  local place, at = 1, 1
  local single, double -- the last star of each sort: where the pattern goes on, and where its text ends
  while place <= #pattern or at <= #text do
    if pattern:byte(place) == STAR then
      if pattern:byte(place + 1) == STAR then
        place = place + 2
        single, double = nil, { place = place, at = at }
      else
        place = place + 1
        single = { place = place, at = at }
      end
    elseif place <= #pattern and at <= #text and pattern:byte(place) == text:byte(at) then
      place, at = place + 1, at + 1
    else
      local next_place, next_at = retry(text, single, double)
      if not next_place then return false end
      if double and next_place == double.place then single = nil end
      place, at = next_place, next_at
    end
  end
  return true
end

--- The first pattern of a list that fits.
---@param patterns string[]
---@param text string
---@return string?
function M.first(patterns, text)
  for _, pattern in ipairs(patterns) do
    if M.matches(pattern, text) then return pattern end
  end
  return nil
end

return M
