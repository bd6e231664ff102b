-- Reads single orders of a loaded table, one in a hundred unknown (arguments after `--`: how many orders there are). Their ids
-- follow from their numbers (tests/bench/world/loader.ts).

local threads = 0

function setup(thread)
  threads = threads + 1
  thread:set('number', threads)
end

function init(args)
  orders = tonumber(args[1])
  math.randomseed(number * 104729)
  tail = '-7000-8000-000000000000 HTTP/1.1\r\nHost: ' .. wrk.host .. '\r\n\r\n'
end

function request()
  local n = math.random(orders)
  -- Numbers past the last order name nobody's.
  if math.random(100) == 1 then n = n + 50000000 end
  return 'GET /orders/0190' .. 1000 + math.floor(n / 9000) .. '-' .. 1000 + n % 9000 .. tail
end

dofile(debug.getinfo(1, 'S').source:match('^@(.*/)') .. 'done.lua')
