import { common } from "./lua-common.ts";

/* What members of an ordered group do. */

/**
 * Reads streams as long as they are ours. KEYS: lease, stream and retry stream of each. ARGV: group, member, how many, and
 * for each stream from where: an id for what was given out before, '>' for what is new.
 * Answers the leases that are lost, the entries, and how many were gone.
 */
export const readOwned: string = `
local group, room = ARGV[1], tonumber(ARGV[3])
local lost, found, gone = {}, {}, 0
local function read(at, from)
  if room <= 0 then return end
  local key = KEYS[at]
  local reply = redis.call('XREADGROUP', 'GROUP', group, 'owner', 'COUNT', room, 'STREAMS', key, from)
  if not reply then return end
  for _, entry in ipairs(reply[1][2]) do
    if entry[2] then
      local count = 1
      if from ~= '>' then count = redis.call('XPENDING', key, group, entry[1], entry[1], 1)[1][4] end
      found[#found + 1] = {at, entry[1], entry[2], count}
      room = room - 1
    else
      redis.call('XACK', key, group, entry[1])
      gone = gone + 1
    end
  end
end
for share = 0, #KEYS / 3 - 1 do
  local at = share * 3 + 1
  if redis.call('GET', KEYS[at]) ~= ARGV[2] then
    lost[#lost + 1] = share
  else
    read(at + 1, ARGV[4 + share * 2])
    read(at + 2, ARGV[5 + share * 2])
  end
end
return {lost, found, gone}`;

/** Takes a lease that is free. KEYS: lease, stream, retry stream. ARGV: group, member, lease. Answers what was read last. */
export const acquire: string = `
local held = redis.call('GET', KEYS[1])
if held and held ~= ARGV[2] then return false end
local last = {}
for at = 2, 3 do
  for _, each in ipairs(redis.call('XINFO', 'GROUPS', KEYS[at])) do
    local seen = {}
    for field = 1, #each, 2 do seen[each[field]] = each[field + 1] end
    if seen.name == ARGV[1] then last[at - 1] = seen['last-delivered-id'] end
  end
  if not last[at - 1] then return redis.error_reply('NOGROUP no group ' .. ARGV[1] .. ' of ' .. KEYS[at]) end
end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
return last`;

/**
 * A sign of life. KEYS: members, leases. ARGV: member, how long a lease lasts, how long a member is remembered.
 * Answers all members, and of each lease whether it is ours, another's or free; ours are renewed.
 */
export const attend: string = `${common}
local now = nowMs()
redis.call('ZADD', KEYS[1], now, ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - tonumber(ARGV[3]))
redis.call('PEXPIRE', KEYS[1], ARGV[3] * 2)
local leases = {}
for at = 2, #KEYS do
  local held = redis.call('GET', KEYS[at])
  if not held then leases[at - 1] = 'free'
  elseif held == ARGV[1] then
    redis.call('PEXPIRE', KEYS[at], ARGV[2])
    leases[at - 1] = 'ours'
  else leases[at - 1] = 'taken' end
end
return {redis.call('ZRANGE', KEYS[1], 0, -1), leases}`;

/**
 * Gives a lease back, with what was given out and not settled: uncounted. KEYS: lease, stream, retry stream. ARGV: group,
 * member, triples of stream, id and count.
 */
export const giveUp: string = `
if redis.call('GET', KEYS[1]) ~= ARGV[2] then return 0 end
for at = 3, #ARGV, 3 do
  redis.call('XCLAIM', KEYS[1 + tonumber(ARGV[at])], ARGV[1], 'owner', 0, ARGV[at + 1],
    'RETRYCOUNT', math.max(0, tonumber(ARGV[at + 2]) - 1), 'JUSTID')
end
redis.call('DEL', KEYS[1])
return 1`;
