-- case: 45
-- what: no files, processes, environment or clock of the system
-- expect: ok
perigee.plugin.on_start(function()
  assert(os == nil and io == nil)
end)
