/**
 * Text of an error, cut to what a log line, a span or a letter can carry: whoever threw it may have put a whole document
 * into its message. `mostChars` in UTF-16 units, the mark of the cut not counted; no character is cut in two.
 */
export function shortText(text: string, mostChars: number = 1_024): string {
  if (text.length <= mostChars) return text;
  const last = text.charCodeAt(mostChars - 1);
  const halved = last >= 0xd800 && last <= 0xdbff;
  return `${text.slice(0, halved ? mostChars - 1 : mostChars)}…`;
}
