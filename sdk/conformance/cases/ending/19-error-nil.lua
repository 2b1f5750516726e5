-- case: 19
-- what: nil as the error
-- expect: failed nil
perigee.plugin.on_start(function()
  error(nil)
end)
