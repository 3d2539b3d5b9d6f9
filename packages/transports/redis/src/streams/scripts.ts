import { createHash } from "node:crypto";

/*
 * What must happen at once happens in a script: Redis runs it alone, and either all of it or nothing. The clock is the
 * server's. Loaded when a connection is made, so that they can be called by their digest from the first message on.
 */

/** Names of the scripts. */
export type ScriptName =
  | "publish"
  | "again"
  | "deadLetter"
  | "moveDue"
  | "claim"
  | "extend"
  | "listOwn"
  | "readOwn"
  | "readNew"
  | "readOwned"
  | "acquire"
  | "attend"
  | "giveUp"
  | "trim";

/**
 * Adds entries to streams in the order given. KEYS: streams. ARGV: whether streams may be made, then of each entry its
 * stream, the number of fields, and the fields. Answers the index and the error of those refused.
 * Ids are the server's time to the microsecond and the place in the batch, so that they are in order over all streams; where
 * the clock went back, the server makes them.
 */
const publish = `
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

/** Only the consumer that has an entry may say what becomes of it. Time is the server's. */
const common = `
local function isOurs(key, group, consumer, id)
  local pending = redis.call('XPENDING', key, group, id, id, 1)
  return pending[1] and pending[1][2] == consumer
end
local function nowMs()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end`;

/**
 * A copy for this group, now or later, and the original acknowledged. KEYS: source, retry stream, parked, due.
 * ARGV: group, consumer, id, delay, whether the source is the group's own, fields. Answers 0 for what is not ours.
 */
const again = `${common}
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
const deadLetter = `${common}
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
const moveDue = `${common}
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

/**
 * Takes over what its consumers hold no longer. KEYS: streams. ARGV: group, consumer, idle time, how many, how long a
 * consumer without entries is kept, cursors. Answers the entries, the cursors, and how many were gone.
 */
const claim = `
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
const extend = `${common}
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
const listOwn = `
local found = {}
for at, key in ipairs(KEYS) do
  for _, each in ipairs(redis.call('XPENDING', key, ARGV[1], '-', '+', ARGV[3], ARGV[2])) do
    found[#found + 1] = {at, each[1], each[4]}
  end
end
return found`;

/** Reads entries that are ours once more. KEYS: streams. ARGV: group, consumer, triples of stream, id and count. */
const readOwn = `
local found = {}
for at = 3, #ARGV, 3 do
  local stream, id, count = tonumber(ARGV[at]), ARGV[at + 1], tonumber(ARGV[at + 2])
  local entry = redis.call('XCLAIM', KEYS[stream], ARGV[1], ARGV[2], 0, id, 'RETRYCOUNT', count)[1]
  if entry then found[#found + 1] = {stream, id, entry[2], count} end
end
return found`;

/** Reads what is new, at most so much in all. KEYS: streams. ARGV: group, consumer, how many. */
const readNew = `
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

/**
 * Reads streams as long as they are ours. KEYS: lease, stream and retry stream of each. ARGV: group, member, how many, and
 * for each stream from where: an id for what was given out before, '>' for what is new.
 * Answers the leases that are lost, the entries, and how many were gone.
 */
const readOwned = `
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
const acquire = `
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
const attend = `${common}
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
const giveUp = `
if redis.call('GET', KEYS[1]) ~= ARGV[2] then return 0 end
for at = 3, #ARGV, 3 do
  redis.call('XCLAIM', KEYS[1 + tonumber(ARGV[at])], ARGV[1], 'owner', 0, ARGV[at + 1],
    'RETRYCOUNT', math.max(0, tonumber(ARGV[at + 2]) - 1), 'JUSTID')
end
redis.call('DEL', KEYS[1])
return 1`;

/**
 * Drops what every group has read and acknowledged, and is old enough. KEYS: stream, the right to trim. ARGV: how long
 * that right lasts, how long entries are kept, and what stands in the name of a group that ends with its member.
 * Answers how many were dropped, or -1.
 */
const trim = `${common}
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

const texts: Readonly<Record<ScriptName, string>> = {
  publish,
  again,
  deadLetter,
  moveDue,
  claim,
  extend,
  listOwn,
  readOwn,
  readNew,
  readOwned,
  acquire,
  attend,
  giveUp,
  trim,
};

/** The text of each script with the digest it is called by. */
export interface Script {
  readonly text: string;
  readonly digest: string;
}

export const scripts: Readonly<Record<ScriptName, Script>> = Object.freeze(
  Object.fromEntries(
    Object.entries(texts).map(([name, text]) => [
      name,
      { text, digest: createHash("sha1").update(text).digest("hex") },
    ]),
  ) as Record<ScriptName, Script>,
);
