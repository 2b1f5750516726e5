-- Run by `make test`, or here by `lua5.4 test/backoff_test.lua`.
local backoff = require "lib.backoff"

local function never() return 0 end
local function fully() return 1 end

-- Twice as long each time, up to the longest.
assert(backoff.delay(1, 1000, 60000, never) == 1000)
assert(backoff.delay(2, 1000, 60000, never) == 2000)
assert(backoff.delay(6, 1000, 60000, never) == 32000)
assert(backoff.delay(7, 1000, 60000, never) == 60000)
assert(backoff.delay(1000000, 1000, 60000, never) == 60000)
-- A quarter more at most.
assert(backoff.delay(1, 1000, 60000, fully) == 1250)
