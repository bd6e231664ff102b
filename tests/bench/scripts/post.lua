-- Places orders. The bodies come from a file (arguments after `--`: the file, a prefix that makes the keys of this run new, and
-- perhaps a token);
-- `@` stands where the key of a keyed order goes. Ends with one line of JSON for tests/bench/measure/wrk.ts.

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
  at = number * 7919 % #heads
  local token = args[3] and 'Authorization: Bearer ' .. args[3] .. '\r\n' or ''
  start = 'POST /orders HTTP/1.1\r\nHost: ' .. wrk.host .. '\r\n' .. token .. 'Content-Type: application/json\r\nContent-Length: '
end

function request()
  at = at % #heads + 1
  sent = sent + 1
  local body = heads[at]
  if tails[at] then body = body .. prefix .. sent .. tails[at] end
  return start .. #body .. '\r\n\r\n' .. body
end

dofile(debug.getinfo(1, 'S').source:match('^@(.*/)') .. 'done.lua')
