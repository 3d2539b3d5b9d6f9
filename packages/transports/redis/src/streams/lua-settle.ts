import { common } from "./lua-common.ts";

/**
 * A copy for this group, now or later, and the original acknowledged. KEYS: source, retry stream, parked, due.
 * ARGV: group, consumer, id, delay, whether the source is the group's own, fields. Answers 0 for what is not ours.
 */
export const again: string = `${common}
local group, consumer, id, delay = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4])
if not isOurs(KEYS[1], group, consumer, id) then return 0 end
if delay == 0 then
  redis.call('XADD', KEYS[2], '*', unpack(ARGV, 6))
else
  local parked = redis.call('XADD', KEYS[3], '*', unpack(ARGV, 6))
  redis.call('ZADD', KEYS[4], nowMs() + 1 + delay, parked)
end
redis.call('XACK', KEYS[1], group, id)
if ARGV[5] == 'own' then redis.call('XDEL', KEYS[1], id) end
return 1`;

/** A dead letter, and the original acknowledged. KEYS: source, dead letters. ARGV: as above, without the delay. */
export const deadLetter: string = `${common}
local group, consumer, id = ARGV[1], ARGV[2], ARGV[3]
if not isOurs(KEYS[1], group, consumer, id) then return 0 end
redis.call('XADD', KEYS[2], '*', unpack(ARGV, 5))
redis.call('XACK', KEYS[1], group, id)
if ARGV[4] == 'own' then redis.call('XDEL', KEYS[1], id) end
return 1`;

/**
 * Moves what is due to the retry streams. KEYS: due, parked and retry of each stream. ARGV: how many of each.
 * Answers in how many milliseconds the next is due, or -1.
 */
export const moveDue: string = `${common}
local now, soonest = nowMs(), -1
for at = 1, #KEYS, 3 do
  local ids = redis.call('ZRANGEBYSCORE', KEYS[at], '-inf', now, 'LIMIT', 0, ARGV[1])
  for _, id in ipairs(ids) do
    local entry = redis.call('XRANGE', KEYS[at + 1], id, id)[1]
    if entry then redis.call('XADD', KEYS[at + 2], '*', unpack(entry[2])) end
    redis.call('XDEL', KEYS[at + 1], id)
    redis.call('ZREM', KEYS[at], id)
  end
  local first = redis.call('ZRANGE', KEYS[at], 0, 0, 'WITHSCORES')
  if first[2] then
    local wait = math.max(0, tonumber(first[2]) - now)
    if soonest < 0 or wait < soonest then soonest = wait end
  end
end
return soonest`;
