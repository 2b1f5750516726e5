-- case: 44
-- what: require finds files of the package, and nothing else
-- expect: ok
perigee.plugin.on_start(function()
  for _, name in ipairs({
    "os", "io", "debug", "package", "../other/main", "/etc/passwd", "lib/walker", "lib..walker", ".lib", "", "lib.",
    "lib.\0walker", "main.lua", "plugin.json", ("x"):rep(100000),
  }) do
    assert(not pcall(require, name), name)
  end
  assert(not pcall(require, {}) and not pcall(require))
  assert(debug == nil and package == nil)
end)
