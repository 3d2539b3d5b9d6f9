import type { RecordedSpan } from "./span-recorder.ts";

/** One span of the tree: what stands before its name, and the span. */
interface Branch {
  readonly lead: string;
  readonly span: RecordedSpan;
}

/** One trace as lines: indented by who caused whom, with the service, when it began and how long it took. */
export function drawTrace(spans: readonly RecordedSpan[]): string[] {
  const known = new Set(spans.map((span) => span.spanId));
  const roots = spans.filter(({ parentSpanId }) => parentSpanId === undefined || !known.has(parentSpanId));
  const branches = inOrder(roots).flatMap((root) => branch(root, spans, "", ""));
  const startMs = Math.min(...spans.map((span) => span.startMs));
  const nameWidth = Math.max(0, ...branches.map(({ lead, span }) => lead.length + span.name.length));
  const ownerWidth = Math.max(0, ...spans.map(({ owner }) => owner.length));
  return branches.map(({ lead, span }) => {
    const name = `${lead}${span.name}`.padEnd(nameWidth);
    // Spans begin at whole milliseconds: those are what the clocks of several processes share.
    const times = `${`+${(span.startMs - startMs).toFixed(0)} ms`.padStart(9)}  ${`${span.durationMs.toFixed(1)} ms`.padStart(10)}`;
    const error = span.error === undefined ? "" : `  failed: ${span.error}`;
    return `${name}  ${span.owner.padEnd(ownerWidth)}  ${times}${error}`;
  });
}

function branch(span: RecordedSpan, all: readonly RecordedSpan[], lead: string, below: string): Branch[] {
  const children = inOrder(all.filter(({ parentSpanId }) => parentSpanId === span.spanId));
  const nested = children.flatMap((child, index) => {
    const last = index === children.length - 1;
    return branch(child, all, `${below}${last ? "└─ " : "├─ "}`, `${below}${last ? "   " : "│  "}`);
  });
  return [{ lead, span }, ...nested];
}

function inOrder(spans: readonly RecordedSpan[]): RecordedSpan[] {
  return [...spans].sort((a, b) => a.startMs - b.startMs);
}
