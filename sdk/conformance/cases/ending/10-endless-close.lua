-- case: 10
-- what: a __close that never returns, while its run is ended
-- expect: killed timeout
perigee.plugin.on_start(function()
  local guard <close> = setmetatable({}, { __close = function() while true do end end })
  while guard do end
end)
