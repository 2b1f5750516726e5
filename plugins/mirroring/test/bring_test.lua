-- Run by `make test`, or here by `lua5.4 test/bring_test.lua`.
local bring = require "lib.bring"

--- What does as `perigee.mirrors` does, and notes what it is told.
local function upstream(answers)
  local told = {}
  return {
    fetch = function() return answers.fetched, answers.problem end,
    report = function(reports)
      told[#told + 1] = reports[1]
      return not answers.untold and true or nil, answers.untold
    end,
  }, told
end

local work = { repository = 3, kind = "refs", generation = 7, phase = "publish" }
local compared = { repository = 3, kind = "snapshot", phase = "publish" }
local prepare = { repository = 3, kind = "refs", generation = 8, phase = "prepare" }

-- The upstream hears of a change also when a comparison's item is behind it.
local mirrors, told = upstream({ fetched = { refs = 1 } })
local fetched, problem, untold = bring.fetch(mirrors, { work, compared })
assert(fetched.refs == 1 and not problem and not untold)
assert(#told == 1 and told[1].generation == 7 and told[1].phase == "publish" and told[1].repository == 3)

-- Nobody waits for what only comparisons found.
mirrors, told = upstream({ fetched = { refs = 1 } })
assert(bring.fetch(mirrors, { compared }) and #told == 0)

-- A failure is told without a phase; one to tell is known.
mirrors, told = upstream({ problem = { code = "unavailable", message = "m" } })
fetched, problem = bring.fetch(mirrors, { prepare })
assert(not fetched and problem.message == "m")
assert(told[1].generation == 8 and told[1].phase == nil and told[1].error == "m")
mirrors = upstream({ fetched = { refs = 0 }, untold = { code = "timeout", message = "u" } })
fetched, problem, untold = bring.fetch(mirrors, { work })
assert(fetched and not problem and untold.message == "u")

assert(bring.generation({ prepare, work, compared }) == 8 and bring.generation({ compared }) == nil)
assert(bring.is_compared({ work, compared }) and not bring.is_compared({ work, prepare }))

-- What goes equally far, one after the other, is one part; a missing phase is `publish`.
local parts = bring.parts({ work, { repository = 3 }, prepare, work })
assert(#parts == 3 and #parts[1] == 2 and #parts[2] == 1 and parts[3][1] == work)
