/** Only the consumer that has an entry may say what becomes of it. Time is the server's. */
export const common: string = `
local function isOurs(key, group, consumer, id)
  local pending = redis.call('XPENDING', key, group, id, id, 1)
  return pending[1] and pending[1][2] == consumer
end
local function nowMs()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end`;
