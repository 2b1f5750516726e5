-- Objects: methods, inheritance and closures.
local Account = {}
Account.__index = Account
function Account.new(balance) return setmetatable({ balance = balance, log = 0 }, Account) end
function Account:deposit(amount) self.balance = self.balance + amount end
function Account:withdraw(amount)
  if amount > self.balance then return false end
  self.balance = self.balance - amount
  return true
end

local Limited = setmetatable({}, { __index = Account })
Limited.__index = Limited
function Limited.new(balance) return setmetatable(Account.new(balance), Limited) end
function Limited:withdraw(amount)
  self.log = self.log + 1
  return Account.withdraw(self, amount)
end

local function counter()
  local n = 0
  return function() n = n + 1 return n end
end

local account, refused, tick = Limited.new(1000), 0, counter()
for i = 1, 4000000 do
  account:deposit(i % 7)
  if not account:withdraw(i % 11) then refused = refused + 1 end
  tick()
end
assert(tick() == 4000001 and account.log == 4000000)
