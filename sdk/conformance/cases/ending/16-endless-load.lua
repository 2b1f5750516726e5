-- case: 16
-- what: a main chunk that never ends
-- phase: load
-- expect: killed timeout
while true do end
