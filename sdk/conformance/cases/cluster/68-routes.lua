-- case: 68
-- what: endpoints outside the plugin's own place, that the manifest does not name, or that take everything
-- expect: ok
-- permissions: {"routes": ["GET /mine"]}
local options = { permission = "ANYBODY" }
local function answer() return { status = 200 } end
for _, path in ipairs({
  "/other", "/../mine", "/mine/../../rest", "//mine", "/rest/api/1.0/projects", "mine", "", "/mine\0", "/mine?x=1",
  "/{a}/{a}", "/{" .. ("x"):rep(1000) .. "}", "http://example.com/mine", "/mine%2f..", "/*", "/**",
}) do
  assert(not pcall(perigee.routes.get, path, options, answer), path)
end
assert(not pcall(perigee.routes.post, "/mine", options, answer))
for _, wrong in ipairs({
  {}, { permission = "NONE" }, { permission = "ANYBODY", max_body = "1GiB" },
  { permission = "ANYBODY", max_body = "-1B" }, { permission = "ANYBODY", timeout = "1d" },
}) do
  assert(not pcall(perigee.routes.get, "/mine", wrong, answer))
end
perigee.routes.get("/mine", options, answer)
