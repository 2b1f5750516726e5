-- Integers in a table: primes by the sieve, again and again.
local function count(n)
  local composite, primes = {}, 0
  for i = 1, n do composite[i] = false end
  for i = 2, n do
    if not composite[i] then
      primes = primes + 1
      for j = i * i, n, i do composite[j] = true end
    end
  end
  return primes
end

for _ = 1, 150 do assert(count(60000) == 6057) end
