-- Run by `make test`, or here by `lua5.4 test/rules_test.lua`.
local rules = require "lib.rules"

local function settings(changed)
  local all = { no_force_push = {}, no_deletes = {}, no_creates = {}, no_direct_push = {}, exempt_users = {} }
  for key, value in pairs(changed) do all[key] = value end
  return all
end

local function push(kind, forced, trigger)
  return {
    trigger = trigger or "push",
    changes = { { refId = "refs/heads/main", type = kind, forced = forced or false } },
  }
end

local function broken(of_push, changed)
  local problems = rules.problems(of_push, settings(changed))
  return problems[1] and problems[1].rule.name
end

-- Each rule forbids its own sort of change on the refs that fit, and no other.
assert(broken(push("UPDATE", true), { no_force_push = { "main" } }) == "no_force_push")
assert(broken(push("UPDATE", false), { no_force_push = { "main" } }) == nil)
assert(broken(push("DELETE"), { no_deletes = { "ma*" } }) == "no_deletes")
assert(broken(push("DELETE"), { no_force_push = { "main" } }) == nil)
assert(broken(push("ADD"), { no_creates = { "**" } }) == "no_creates")
assert(broken(push("UPDATE"), { no_creates = { "**" } }) == nil)
assert(broken(push("UPDATE"), { no_direct_push = { "main" } }) == "no_direct_push")
assert(broken(push("ADD", false, "branch-create"), { no_direct_push = { "main" } }) == nil)
assert(broken(push("UPDATE", true), { no_force_push = { "other" } }) == nil)
assert(broken(push("UPDATE", true), {}) == nil)

-- Names of exempt users count without regard to case; the server itself is not exempt.
assert(rules.is_exempt({ name = "Anna" }, { "anna" }))
assert(not rules.is_exempt({ name = "bert" }, { "anna" }))
assert(not rules.is_exempt(nil, { "anna" }))

-- The text names the ref, the rule and what to do, and stays short.
local many = { trigger = "push", changes = {} }
for index = 1, 25 do
  many.changes[index] = { refId = "refs/heads/b" .. index, type = "DELETE", forced = false }
end
local text = rules.text(rules.problems(many, settings({ no_deletes = { "*" } })))
assert(text:find("refs/heads/b1: it cannot be deleted (rule no_deletes, pattern \"*\")", 1, true))
assert(text:find("ask an administrator", 1, true))
assert(text:find("and 15 more", 1, true))
