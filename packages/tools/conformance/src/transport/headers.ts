import { claimRoundTrip } from "./deliver.ts";
import { outgoing } from "./message.ts";
import type { TransportCase } from "./scope.ts";

const cloudEvent = {
  specversion: "1.0",
  id: "e-1",
  source: "/conformance",
  type: "com.example.conformance.sent.v1",
};

export const headerCases: readonly TransportCase[] = [
  {
    title: "3. Unicode, empty and 8 KB header values arrive unchanged",
    body: async (scope) => {
      const headers = {
        "x-unicode": "Grüße, Žluťoučký, 日本語, 🐎\u200d🐎",
        "x-empty": "",
        "x-large": "0123456789abcdef".repeat(512),
        "x-signs": `%41 "quoted" a=b; c,d \\ /`,
        traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        tracestate: "a=1,b=2",
      };
      await claimRoundTrip(scope, [outgoing(await scope.channel(), { headers })]);
    },
  },
  {
    title: "3. header names that differ only by case stay two headers",
    body: async (scope) => {
      const headers = { "x-name": "lower", "X-Name": "upper", "X-NAME": "loud" };
      await claimRoundTrip(scope, [outgoing(await scope.channel(), { headers })]);
    },
  },
  {
    title:
      "58. all attributes of a CloudEvent arrive unchanged in binary mode, extensions and Unicode values too",
    body: async (scope) => {
      const attributes = {
        ...cloudEvent,
        id: 'e-1/ä 100% "x"',
        time: "2026-01-02T03:04:05.678901Z",
        subject: "orders/7 🐎 %20",
        dataschema: "https://schemas.example.com/order?v=1#top",
        correlationid: "c-1",
        causationid: "c-0",
        partitionkey: "order-7",
        sequence: "2147483647",
        sampled: "true",
        comexampleextension1: "kept",
      };
      await claimRoundTrip(scope, [outgoing(await scope.channel(), { attributes })]);
    },
  },
  {
    title: "58. a message in structured mode arrives as it was sent: its body whole, no attributes made up",
    body: async (scope) => {
      const channel = await scope.channel();
      const transport = await scope.connect();
      const intake = await scope.subscribe(transport, { group: scope.group(), channels: [channel] });
      const body = Buffer.from(JSON.stringify({ ...cloudEvent, data: { text: "Grüße" } }));
      const sent = outgoing(channel, {
        attributes: {},
        contentType: "application/cloudevents+json; charset=UTF-8",
        body,
        headers: { "x-note": "kept" },
      });
      await scope.confirm(transport, [sent]);
      scope.claimSame(await intake.next(), sent);
    },
  },
  {
    title: "67. traceparent and tracestate arrive as headers and as attributes, each as it was sent",
    body: async (scope) => {
      const trace = {
        traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        tracestate: "vendor=1",
      };
      const attributes = { ...cloudEvent, ...trace };
      await claimRoundTrip(scope, [outgoing(await scope.channel(), { attributes, headers: trace })]);
    },
  },
];
