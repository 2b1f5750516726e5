-- Run by `make test`, or here by `lua5.4 test/progress_test.lua`.
local progress = require "lib.progress"

--- A node that has everything.
local function synchronized()
  local state = progress.new()
  progress.found(state, state.round, {})
  assert(progress.news(state, "BOOTSTRAPPED", true) == "SYNCHRONIZED")
  return state
end

-- Nothing is said before a comparison has ended; then nothing twice.
local state = progress.new()
assert(progress.news(state, "BOOTSTRAPPED", true) == nil and not progress.is_idle(state))
local wanted = progress.found(state, state.round, { 1, 2 })
assert(#wanted == 2 and not progress.is_idle(state))
assert(progress.news(state, "BOOTSTRAPPED", true) == "METADATA_SYNCHRONIZED")
assert(progress.news(state, "METADATA_SYNCHRONIZED", true) == nil)
for _, repository in ipairs(wanted) do
  assert(progress.news(state, "METADATA_SYNCHRONIZED", true) == nil)
  progress.start(state, repository)
  progress.arrived(state, repository)
end
assert(progress.is_idle(state))
assert(progress.news(state, "METADATA_SYNCHRONIZED", true) == "SYNCHRONIZED")
assert(progress.news(state, "SYNCHRONIZED", true) == nil)

-- A node that is behind stays so while it lacks what the upstream could give.
state = synchronized()
progress.restart(state, "BEHIND")
assert(progress.news(state, "BEHIND", true) == nil)
progress.found(state, state.round, { 1 })
for _ = 1, 5 do
  progress.start(state, 1)
  progress.again(state, 1, "unavailable")
end
progress.start(state, 1)
progress.give_up(state, 1, "unavailable")
assert(progress.news(state, "BEHIND", true) == "METADATA_SYNCHRONIZED")
assert(progress.is_idle(state), "the others have come")
-- The next comparison gives it out again.
assert(#progress.found(state, state.round, { 1 }) == 1)
progress.start(state, 1)
progress.arrived(state, 1)
assert(progress.news(state, "METADATA_SYNCHRONIZED", true) == "SYNCHRONIZED")

-- What the upstream cannot give keeps nobody behind, whatever the last attempt ended with.
for _, last in ipairs({ "refused", "unavailable" }) do
  state = synchronized()
  progress.restart(state, "BEHIND")
  progress.found(state, state.round, { 1 })
  progress.start(state, 1)
  progress.again(state, 1, "refused")
  progress.start(state, 1)
  progress.give_up(state, 1, last)
  assert(progress.news(state, "BEHIND", true) == "SYNCHRONIZED")
end

-- A node that serves goes on while what just changed is on its way, and while nothing comes to anybody; not when
-- it alone fails.
state = synchronized()
progress.found(state, state.round, { 1 })
assert(progress.news(state, "SYNCHRONIZED", true) == nil)
progress.start(state, 1)
progress.give_up(state, 1, "unavailable")
assert(progress.news(state, "SYNCHRONIZED", false) == nil)
assert(progress.news(state, "SYNCHRONIZED", true) == "METADATA_SYNCHRONIZED")
-- Here after all, by other means.
progress.found(state, state.round, {})
assert(progress.news(state, "METADATA_SYNCHRONIZED", true) == "SYNCHRONIZED")

-- A comparison that was running when the link came back, or when the node was called behind, does not count.
state = synchronized()
local round = state.round
progress.restart(state, "BEHIND")
progress.found(state, round, {})
assert(progress.news(state, "BEHIND", true) == nil and not progress.is_idle(state))
progress.found(state, state.round, {})
assert(progress.news(state, "BEHIND", true) == "SYNCHRONIZED")

-- Nor does one from before the node was cut off and fell behind by itself.
state = synchronized()
progress.found(state, state.round, { 1 })
progress.start(state, 1)
progress.give_up(state, 1, "refused")
assert(progress.news(state, "BEHIND", false) == nil)
progress.restart(state, "BEHIND")
progress.found(state, state.round, {})
assert(progress.news(state, "BEHIND", true) == "SYNCHRONIZED")

-- A fetch that began before a comparison looked says nothing of what that found.
state = synchronized()
progress.found(state, state.round, { 1 })
progress.start(state, 1)
assert(#progress.found(state, state.round, { 1 }) == 1)
assert(#progress.found(state, state.round, { 1 }) == 0, "it waits already")
progress.arrived(state, 1)
progress.give_up(state, 1, "unavailable")
assert(state.count == 1 and not progress.is_idle(state))
progress.start(state, 1)
progress.arrived(state, 1)
assert(state.count == 0 and progress.is_idle(state))

-- What the queue has no room for is lacking.
state = progress.new()
progress.found(state, state.round, { 1 })
progress.untaken(state, 1)
assert(progress.news(state, "BOOTSTRAPPED", true) == "METADATA_SYNCHRONIZED")
assert(#progress.found(state, state.round, { 1 }) == 1)

-- Who brought a change has perhaps given up waiting while the node was away, behind, or lacked the repository.
state = synchronized()
assert(not progress.is_late(state, 1, "SYNCHRONIZED") and progress.is_late(state, 1, "BEHIND"))
progress.restart(state, "SYNCHRONIZED")
assert(progress.is_late(state, 1, "SYNCHRONIZED"))
progress.found(state, state.round, { 1 })
assert(progress.is_late(state, 1, "SYNCHRONIZED") and not progress.is_late(state, 2, "SYNCHRONIZED"))
