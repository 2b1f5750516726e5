--- Branch protection: refuses a push that breaks a rule of its repository.
local rules = require "lib.rules"

perigee.events.before_push(function(push)
  local settings = perigee.config.repository(push.repository.id)
  if not settings or rules.is_exempt(push.user, settings.exempt_users) then return true end
  local problems = rules.problems(push, settings)
  if #problems == 0 then return true end
  perigee.log.info("push refused", {
    ["repository.id"] = push.repository.id,
    user = push.user and push.user.name or "the server",
    problems = #problems,
  })
  return false, rules.text(problems)
end)
