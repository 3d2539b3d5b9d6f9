import { common } from "./lua-common.ts";

/* What members of a group without order do. */

/**
 * Takes over what its consumers hold no longer. KEYS: streams. ARGV: group, consumer, idle time, how many, how long a
 * consumer without entries is kept, cursors. Answers the entries, the cursors, and how many were gone.
 */
export const claim: string = `
local group, consumer, room = ARGV[1], ARGV[2], tonumber(ARGV[4])
local taken, cursors, gone = {}, {}, 0
for at, key in ipairs(KEYS) do
  local cursor = ARGV[5 + at]
  if room > 0 then
    local reply = redis.call('XAUTOCLAIM', key, group, consumer, ARGV[3], cursor, 'COUNT', room)
    cursor = reply[1]
    for _, entry in ipairs(reply[2]) do
      if entry then
        local pending = redis.call('XPENDING', key, group, entry[1], entry[1], 1)
        taken[#taken + 1] = {at, entry[1], entry[2], pending[1] and pending[1][4] or 1}
        room = room - 1
      end
    end
    gone = gone + (reply[3] and #reply[3] or 0)
  end
  cursors[at] = cursor
  for _, each in ipairs(redis.call('XINFO', 'CONSUMERS', key, group)) do
    local seen = {}
    for field = 1, #each, 2 do seen[each[field]] = each[field + 1] end
    if seen.pending == 0 and seen.idle > tonumber(ARGV[5]) and seen.name ~= consumer then
      redis.call('XGROUP', 'DELCONSUMER', key, group, seen.name)
    end
  end
end
return {taken, cursors, gone}`;

/** Says that entries are still worked on. KEYS: streams. ARGV: group, consumer, pairs of stream and id. Answers those lost. */
export const extend: string = `${common}
local lost = {}
for at = 3, #ARGV, 2 do
  local key, id = KEYS[tonumber(ARGV[at])], ARGV[at + 1]
  if isOurs(key, ARGV[1], ARGV[2], id) then
    redis.call('XCLAIM', key, ARGV[1], ARGV[2], 0, id, 'JUSTID')
  else
    lost[#lost + 1] = (at - 3) / 2
  end
end
return lost`;

/** What the server takes to be with this consumer. KEYS: streams. ARGV: group, consumer, how many. Answers stream, id, count. */
export const listOwn: string = `
local found = {}
for at, key in ipairs(KEYS) do
  for _, each in ipairs(redis.call('XPENDING', key, ARGV[1], '-', '+', ARGV[3], ARGV[2])) do
    found[#found + 1] = {at, each[1], each[4]}
  end
end
return found`;

/** Reads entries that are ours once more. KEYS: streams. ARGV: group, consumer, triples of stream, id and count. */
export const readOwn: string = `
local found = {}
for at = 3, #ARGV, 3 do
  local stream, id, count = tonumber(ARGV[at]), ARGV[at + 1], tonumber(ARGV[at + 2])
  local entry = redis.call('XCLAIM', KEYS[stream], ARGV[1], ARGV[2], 0, id, 'RETRYCOUNT', count)[1]
  if entry then found[#found + 1] = {stream, id, entry[2], count} end
end
return found`;

/** Reads what is new, at most so much in all. KEYS: streams. ARGV: group, consumer, how many. */
export const readNew: string = `
local found, room = {}, tonumber(ARGV[3])
for at, key in ipairs(KEYS) do
  if room > 0 then
    local reply = redis.call('XREADGROUP', 'GROUP', ARGV[1], ARGV[2], 'COUNT', room, 'STREAMS', key, '>')
    if reply then
      for _, entry in ipairs(reply[1][2]) do
        found[#found + 1] = {at, entry[1], entry[2], 1}
        room = room - 1
      end
    end
  end
end
return found`;
