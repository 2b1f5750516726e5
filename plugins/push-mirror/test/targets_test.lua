-- Run by `make test`, or here by `lua5.4 test/targets_test.lua`.
local targets = require "lib.targets"

local function repository(key, slug) return { id = 1, slug = slug, project = { key = key } } end

-- The last entry that fits decides; case does not count.
assert(not targets.is_listed({}, "PRJ", "app"))
assert(targets.is_listed({ "*" }, "PRJ", "app"))
assert(targets.is_listed({ "prj" }, "PRJ", "app"))
assert(not targets.is_listed({ "PR" }, "PRJ", "app"))
assert(not targets.is_listed({ "PRJ", "^PRJ/app" }, "PRJ", "app"))
assert(targets.is_listed({ "^PRJ", "PRJ/app" }, "PRJ", "app"))

assert(targets.expand("https://h/{project}/{slug}.git", "PRJ", "app") == "https://h/prj/app.git")
assert(targets.expand("https://h/{PROJECT}/%1{other}", "~ME", "a%b") == "https://h/~ME/%1{other}")

local server = { url = "https://h/{slug}", password = "server's", projects = { "PRJ" }, refs = { "a" }, prune = true }

-- No settings of its own, and listed or not.
local found = targets.of(repository("PRJ", "app"), nil, server)
assert(#found == 1 and found[1].name == "server" and found[1].options.password == "server's")
assert(found[1].options.url == "https://h/app" and found[1].options.prune)
assert(#targets.of(repository("OTHER", "app"), nil, server) == 0)

-- Switched on without a URL: the server's remote, but its own choice of refs.
found = targets.of(repository("OTHER", "app"), { refs = { "b" }, prune = false, password = "mine" }, server)
assert(#found == 1 and found[1].options.password == "server's" and not found[1].options.prune)

-- A URL of its own never gets the server's credentials.
found = targets.of(repository("PRJ", "app"), { url = "https://evil/", refs = {}, prune = false }, server)
assert(#found == 2 and found[1].name == "own" and found[1].options.password == nil)
assert(found[2].options.url == "https://h/app")

-- Nothing to go to.
assert(#targets.of(repository("PRJ", "app"), { refs = {} }, { projects = { "*" } }) == 0)
