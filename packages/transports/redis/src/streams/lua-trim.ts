import { common } from "./lua-common.ts";

/**
 * Drops what every group has read and acknowledged, and is old enough. KEYS: stream, the right to trim. ARGV: how long
 * that right lasts, how long entries are kept, and what stands in the name of a group that ends with its member.
 * Answers how many were dropped, or -1.
 */
export const trim: string = `${common}
if not redis.call('SET', KEYS[2], '1', 'NX', 'PX', ARGV[1]) then return -1 end
if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
local function parts(id)
  local ms, seq = string.match(id, '(%d+)%-(%d+)')
  return tonumber(ms), tonumber(seq)
end
local function isBefore(a, b)
  local aMs, aSeq = parts(a)
  local bMs, bSeq = parts(b)
  return aMs < bMs or (aMs == bMs and aSeq < bSeq)
end
local limit = (nowMs() - tonumber(ARGV[2])) .. '-0'
local groups = 0
for _, each in ipairs(redis.call('XINFO', 'GROUPS', KEYS[1])) do
  local seen = {}
  for field = 1, #each, 2 do seen[each[field]] = each[field + 1] end
  local isLeft = string.find(seen.name, ARGV[3], 1, true)
    and redis.call('EXISTS', KEYS[1] .. ':alive:' .. seen.name) == 0
  if isLeft then
    redis.call('XGROUP', 'DESTROY', KEYS[1], seen.name)
    for _, kind in ipairs({':retry:', ':parked:', ':due:'}) do redis.call('DEL', KEYS[1] .. kind .. seen.name) end
  else
    groups = groups + 1
    local low = seen['last-delivered-id']
    if seen.pending > 0 then low = redis.call('XPENDING', KEYS[1], seen.name)[2] end
    if isBefore(low, limit) then limit = low end
  end
end
if groups == 0 then return 0 end
return redis.call('XTRIM', KEYS[1], 'MINID', '~', limit)`;
