-- case: 50
-- what: keys with slashes, dots and NUL, or a million bytes
-- expect: ok
-- permissions: {"kv": "1MiB"}
-- limits: {"handler_cpu": "1s"}
perigee.plugin.on_start(function()
  local kv = perigee.kv
  for _, key in ipairs({ "", "a\0b", ("x"):rep(513), ("x"):rep(200000), "\255\254" }) do
    assert(not pcall(kv.put, key, 1), #key)
    assert(not pcall(kv.get, key), #key)
  end
  -- These are names like any other, in the plugin's own space.
  for _, key in ipairs({ "../plugin/other", "/etc", "plugin/com.example.other/x", "..", ("x"):rep(512) }) do
    assert(kv.put(key, key))
    assert(kv.get(key) == key)
    assert(kv.delete(key))
  end
end)
