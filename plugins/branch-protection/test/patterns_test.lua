-- Run by `make test`, or here by `lua5.4 test/patterns_test.lua`.
local patterns = require "lib.patterns"

local function check(pattern, text, expected)
  local got = patterns.matches(pattern, text)
  assert(got == expected, ("%s on %s: expected %s, got %s"):format(pattern, text, tostring(expected), tostring(got)))
end

-- A bare name is a branch, and nothing but that branch.
check("main", "refs/heads/main", true)
check("main", "refs/heads/main2", false)
check("main", "refs/heads/x/main", false)
check("main", "refs/tags/main", false)

-- One star stays within a part of the name.
check("release/*", "refs/heads/release/1.0", true)
check("release/*", "refs/heads/release/1.0/hotfix", false)
check("release/*", "refs/heads/release/", true)
check("*", "refs/heads/main", true)
check("*", "refs/heads/a/b", false)
check("*/x", "refs/heads/a/x", true)
check("*/x", "refs/heads/a/b/x", false)
check("a*c*e", "refs/heads/abcde", true)
check("a*c*e", "refs/heads/abcdf", false)

-- Two stars cross slashes.
check("**", "refs/heads/a/b/c", true)
check("release/**", "refs/heads/release/1.0/hotfix", true)
check("**/x", "refs/heads/a/b/x", true)
check("**/x/*", "refs/heads/a/x/b/x/c", true)
check("**/x/*", "refs/heads/a/x/b/x/c/d", false)
check("refs/**", "refs/tags/v1", true)

-- Other refs are named in full, and letters that mean something to Lua's patterns mean themselves.
check("refs/tags/v*", "refs/tags/v1.0", true)
check("refs/tags/v*", "refs/heads/v1.0", false)
check("fix.%d+", "refs/heads/fix.12", false)
check("fix.%d+", "refs/heads/fix.%d+", true)

-- Many stars on a long name that does not fit take no time to speak of.
check(("a*"):rep(30) .. "b", "refs/heads/" .. ("a"):rep(200), false)
check(("a**"):rep(30) .. "b", "refs/heads/" .. ("a"):rep(200), false)

assert(patterns.first({ "x", "ma*" }, "refs/heads/main") == "ma*")
assert(patterns.first({}, "refs/heads/main") == nil)
