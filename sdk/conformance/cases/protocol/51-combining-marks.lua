-- case: 51
-- what: keys, names and options whose comparison, as Unicode has it, takes minutes
-- expect: ok
-- permissions: {"kv": "1MiB"}
-- limits: {"handler_cpu": "1s"}
perigee.plugin.on_start(function()
  local marks = "a" .. ("\u{301}"):rep(120000) .. ("\u{323}"):rep(120000)
  local function refused(call, ...)
    local fine, text = pcall(call, ...)
    assert(not fine and text:find("combining marks", 1, true), text)
  end
  refused(perigee.log.info, "x", { [marks] = 1 })
  refused(perigee.kv.put, marks, 1)
  refused(perigee.kv.put, "k", { { [marks] = 1 } })
  refused(perigee.kv.put, "k", 1, { [marks] = 1 })
  refused(perigee.json.encode, { [marks] = 1 })
  local value, err = perigee.json.decode('{"' .. marks .. '": 1}')
  assert(value == nil and err.message:find("combining marks", 1, true))
  assert(not pcall(function() return perigee.config[marks] end))
  -- What nobody compares may be anything.
  perigee.log.info(marks)
  assert(perigee.json.decode('["' .. marks .. '"]')[1] == marks)
end)
