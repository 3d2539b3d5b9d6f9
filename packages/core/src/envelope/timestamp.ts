const form = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)$/i;
const daysOfMonth: readonly number[] = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/** True for a `date-time` of RFC 3339 that exists: calendar, ranges and leap seconds (sections 5.6 and 5.7). */
export function isTimestamp(text: string): boolean {
  // Every message has one: the fields are read where the form has them, without cutting the text to pieces.
  if (!form.test(text)) return false;
  const year = twoDigits(text, 0) * 100 + twoDigits(text, 2);
  const month = twoDigits(text, 5);
  const day = twoDigits(text, 8);
  const hour = twoDigits(text, 11);
  const minute = twoDigits(text, 14);
  const second = twoDigits(text, 17);
  if (day < 1 || day > lastDayOf(year, month) || hour > 23 || minute > 59 || second > 60) return false;
  const offset = offsetMinutesOf(text);
  if (offset === undefined) return false;
  return second < 60 || endsMonth(Date.UTC(year, month - 1, day, hour, minute - offset));
}

/** Minutes east of UTC; undefined when out of range. */
function offsetMinutesOf(text: string): number | undefined {
  const sign = text.at(-6);
  if (sign !== "+" && sign !== "-") return 0;
  const hours = twoDigits(text, text.length - 5);
  const minutes = twoDigits(text, text.length - 2);
  if (hours > 23 || minutes > 59) return undefined;
  return (sign === "-" ? -1 : 1) * (hours * 60 + minutes);
}

function twoDigits(text: string, at: number): number {
  return (text.charCodeAt(at) - 48) * 10 + text.charCodeAt(at + 1) - 48;
}

function lastDayOf(year: number, month: number): number {
  const leap = month === 2 && year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
  return (daysOfMonth[month - 1] ?? 0) + (leap ? 1 : 0);
}

/** Leap seconds stand at the end of the last minute of a month, UTC. */
function endsMonth(minuteMs: number): boolean {
  const next = new Date(minuteMs + 60_000);
  return next.getUTCDate() === 1 && next.getUTCHours() === 0 && next.getUTCMinutes() === 0;
}
