-- Run by `make test`, or here by `lua5.4 test/catchup_test.lua`.
local catchup = require "lib.catchup"

local calls, fails = {}, false
local mirrors = {
  caught_up = function(date, ids)
    if fails then return nil, { code = "unavailable", message = "away" } end
    calls[#calls + 1] = { date = date, ids = ids }
    return true
  end,
}

-- Nothing is told before a comparison; then once for each, also when nothing came by it.
local state = catchup.new()
assert(catchup.tell(state, mirrors) == nil and #calls == 0)
catchup.compared(state, 10)
assert(catchup.tell(state, mirrors) == nil and catchup.tell(state, mirrors) == nil)
assert(#calls == 1 and calls[1].date == 10 and #calls[1].ids == 0)

-- What came is told once, in portions.
catchup.compared(state, 20)
for repository = 1, 1200 do
  catchup.note(state, repository)
  catchup.note(state, repository)
end
assert(catchup.tell(state, mirrors) == nil and #calls == 4)
assert(#calls[2].ids == 500 and #calls[4].ids == 200 and calls[4].ids[200] == 1200)
assert(catchup.tell(state, mirrors) == nil and #calls == 4)

-- What could not be told is told later.
fails = true
catchup.note(state, 7)
assert(catchup.tell(state, mirrors).message == "away")
fails = false
assert(catchup.tell(state, mirrors) == nil and #calls == 5 and calls[5].ids[1] == 7 and calls[5].date == 20)
