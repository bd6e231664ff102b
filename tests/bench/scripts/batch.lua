-- Places orders in batches. Arguments after `--`: the file of the bodies, a prefix that makes the keys of this run new, and how many orders
-- a request has; `@` stands where the key of a keyed order goes. Ends with one line of JSON for tests/bench/measure/wrk.ts.

local threads = 0

function setup(thread)
  threads = threads + 1
  thread:set('number', threads)
end

local heads, tails, sent, at = {}, {}, 0, 0

function init(args)
  for line in io.lines(args[1]) do
    local head, tail = line:match('^(.-)@(.*)$')
    heads[#heads + 1] = head or line
    tails[#heads] = tail or false
  end
  prefix = args[2] .. '-' .. number .. '-'
  size = tonumber(args[3])
  at = number * 7919 % #heads
  start = 'POST /orders/batch HTTP/1.1\r\nHost: ' .. wrk.host .. '\r\nContent-Type: application/json\r\nContent-Length: '
end

function request()
  local orders = {}
  for i = 1, size do
    at = at % #heads + 1
    sent = sent + 1
    orders[i] = tails[at] and heads[at] .. prefix .. sent .. tails[at] or heads[at]
  end
  local body = '{"orders":[' .. table.concat(orders, ',') .. ']}'
  return start .. #body .. '\r\n\r\n' .. body
end

dofile(debug.getinfo(1, 'S').source:match('^@(.*/)') .. 'done.lua')
