-- case: 12
-- what: coroutine.close of such a coroutine
-- expect: killed timeout
perigee.plugin.on_start(function()
  local co = coroutine.create(function()
    local guard <close> = setmetatable({}, {
      __close = function()
        while true do pcall(function() while true do end end) end
      end,
    })
    coroutine.yield(guard)
  end)
  coroutine.resume(co)
  while true do pcall(coroutine.close, co) end
end)
