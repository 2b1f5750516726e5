--- The rules: which changes each of them forbids, and what the pusher is told.
local patterns = require "lib.patterns"

local M = {}

--- In the order in which they are tried; of one ref only the first broken rule is told.
local RULES = {
  {
    name = "no_deletes",
    breaks = function(change) return change.type == "DELETE" end,
    fact = "it cannot be deleted",
    advice = "Leave it, or ask an administrator of the repository.",
  },
  {
    name = "no_creates",
    breaks = function(change) return change.type == "ADD" end,
    fact = "it cannot be created",
    advice = "Push to a ref of another name, or ask an administrator of the repository.",
  },
  {
    name = "no_force_push",
    breaks = function(change) return change.type == "UPDATE" and change.forced end,
    fact = "its history cannot be rewritten",
    advice = "Fetch, merge or rebase onto its present tip, and push again without --force.",
  },
  {
    name = "no_direct_push",
    breaks = function(_, push) return push.trigger == "push" end,
    fact = "it cannot be pushed to",
    advice = "Push to another branch, and ask for it to be merged.",
  },
}

--- The most problems that a refusal tells.
local TOLD_MAX = 10

---@param user perigee.User?
---@param names string[]
---@return boolean
function M.is_exempt(user, names)
  if not user then return false end
  for _, name in ipairs(names) do
    if name:lower() == user.name:lower() then return true end
  end
  return false
end

--- The rule that a change breaks, with the pattern that makes it so.
---@param change perigee.PushChange
local function broken(change, push, settings)
  for _, rule in ipairs(RULES) do
    if rule.breaks(change, push) then
      local pattern = patterns.first(settings[rule.name], change.refId)
      if pattern then return { ref = change.refId, rule = rule, pattern = pattern } end
    end
  end
  return nil
end

--- What is wrong with a push: one entry for each ref that breaks a rule.
---@param push perigee.Push
---@param settings table
---@return table[]
function M.problems(push, settings)
  local problems = {}
  for _, change in ipairs(push.changes) do
    problems[#problems + 1] = broken(change, push, settings)
  end
  return problems
end

--- What the pusher reads: which ref, which rule, what to do.
---@param problems table[]
---@return string
function M.text(problems)
  local lines = { "This push is refused, because it breaks the branch protection of this repository:", "" }
  for index, problem in ipairs(problems) do
    if index > TOLD_MAX then
      lines[#lines + 1] = ("  and %d more"):format(#problems - TOLD_MAX)
      break
    end
    local rule = problem.rule
    lines[#lines + 1] = ('  %s: %s (rule %s, pattern "%s")'):format(
      problem.ref, rule.fact, rule.name, problem.pattern)
    lines[#lines + 1] = "    " .. rule.advice
  end
  return table.concat(lines, "\n")
end

return M
