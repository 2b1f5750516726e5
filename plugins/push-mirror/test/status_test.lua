-- Run by `make test`, or here by `lua5.4 test/status_test.lua`.
local status = require "lib.status"

local function never() return 0 end
local limits = { first = 1000, longest = 60000 }

-- Names are kept once, as many as there is room for.
local names, is_cut = status.bounded({ "a", "a", "b" }, 10, 100)
assert(#names == 2 and not is_cut)
names, is_cut = status.bounded({ "aaa", "bbb" }, 10, 5)
assert(#names == 1 and is_cut)
assert(status.bounded({}, 10, 100) == nil)

-- Tasks come together: the oldest change counts, and no deletion is lost.
local state = { deleted = { "refs/heads/x" } }
status.take(state, { { at = 20, deleted = { "refs/heads/y" } }, { at = 10 }, { compare = true } })
assert(state.pending_since == 10 and #state.deleted == 2)

-- Each failure rests for longer; what needs somebody rests for longer still.
assert(status.failed(state, { outcome = "unreachable", message = "m" }, 100, limits, never) == 1000)
assert(status.failed(state, { outcome = "unreachable", message = "m" }, 200, limits, never) == 2000)
assert(state.attempt == 2 and state.failing_since == 100 and state.retry_at == 2200)
assert(status.failed({}, { outcome = "unauthorized", message = "m" }, 0, limits, never) == 6000)

-- While it rests only its own retry goes ahead, or what somebody asks for.
assert(not status.is_due(state, { { at = 300 } }, 300))
assert(not status.is_due(state, { { retry = 1 } }, 5000))
assert(status.is_due(state, { { at = 300 }, { retry = 2 } }, 300))
assert(status.is_due(state, { { urgent = true } }, 300))
assert(status.is_due(state, { { compare = true } }, 2200))
assert(status.shown(state, 510).behind == 500)

-- A success ends all that.
local counts = { foreign = 1, deleted = 0 }
status.pushed(state, { counts = counts, refs = { { id = "r", foreign = true, from = "f" } } }, 1010)
assert(state.lag == 1000 and state.attempt == 0 and not state.retry_at and not state.deleted)
assert(state.overwritten.refs[1].from == "f" and status.shown(state, 2000).behind == 0)
assert(not status.is_due(state, { { retry = 2 } }, 2000))
assert(status.is_due(state, { { at = 2000 } }, 2000))
