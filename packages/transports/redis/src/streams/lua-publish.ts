/**
 * Adds entries to streams in the order given. KEYS: streams. ARGV: whether streams may be made, then of each entry its
 * stream, the number of fields, and the fields. Answers the index and the error of those refused.
 * Ids are the server's time to the microsecond and the place in the batch, so that they are in order over all streams; where
 * the clock went back, the server makes them.
 */
export const publish: string = `
local time = redis.call('TIME')
local second, micros = time[1], tonumber(time[2])
local ms = second .. string.format('%03d', math.floor(micros / 1000))
local refused, at, index = {}, 2, 0
local function add(key, id, first, last)
  if ARGV[1] == 'existing' then return redis.pcall('XADD', key, 'NOMKSTREAM', id, unpack(ARGV, first, last)) end
  return redis.pcall('XADD', key, id, unpack(ARGV, first, last))
end
while at <= #ARGV do
  local key, count = KEYS[tonumber(ARGV[at])], tonumber(ARGV[at + 1])
  local id = ms .. '-' .. string.format('%d', micros % 1000 * 1000 + index)
  local reply = add(key, id, at + 2, at + 1 + count)
  if type(reply) == 'table' and reply.err and string.find(reply.err, 'equal or smaller', 1, true) then
    reply = add(key, '*', at + 2, at + 1 + count)
  end
  if type(reply) == 'table' and reply.err then
    refused[#refused + 1] = index
    refused[#refused + 1] = reply.err
  elseif not reply then
    refused[#refused + 1] = index
    refused[#refused + 1] = 'MISSING'
  end
  at = at + 2 + count
  index = index + 1
end
return refused`;
