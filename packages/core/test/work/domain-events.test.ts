import { domainFailureOf, domainHandlers, type MemoryTx } from "@postrider/core";
import { createRecorder, type DomainEvent, type RecordsEvents } from "@postrider/core/domain";
import { describe, expect, test } from "vitest";
import { failureOf } from "../support/failure.ts";
import { Ship, Ticked } from "../support/orders.ts";
import { accountOf, Billed, keeping, Ordered, Reserved, saveAccount } from "./support.ts";

const handlers = () => domainHandlers<MemoryTx>();
const data = (events: readonly { readonly payload: Uint8Array | undefined }[]) =>
  events.map(({ payload }) => (JSON.parse(Buffer.from(payload ?? []).toString()) as { n: number }).n);

describe("order", () => {
  test("events are handled in the order in which they were recorded, over aggregates and the unit, each once", async () => {
    const { messaging } = await keeping();
    const log: number[] = [];
    const note = ({ data: { n } }: DomainEvent<string, { n: number }>) => void log.push(n);
    const units = messaging.unitOfWork(handlers().on(Ordered, note).on(Reserved, note).on(Billed, note));
    await units.run(async ({ record, track }) => {
      const [a, b] = [accountOf("a"), accountOf("b")];
      a.change(0, Ordered({ n: 1 })); // before anybody tracks it
      b.change(0, Reserved({ n: 2 }));
      track(b);
      a.change(0, Ordered({ n: 3 }));
      track(a);
      record(Billed({ n: 4 }), Ordered({ n: 5 }));
      b.change(0, Billed({ n: 6 }), Ordered({ n: 7 }));
      a.change(0, Reserved({ n: 8 }));
    });
    expect(log).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
  });

  test("an aggregate that keeps no order of its own counts as having recorded when it is asked", async () => {
    const { messaging } = await keeping();
    const log: number[] = [];
    let own: DomainEvent[] = [Ordered({ n: 2 }), Ordered({ n: 3 })];
    const plain: RecordsEvents = { takeRecorded: () => own.splice(0) };
    const units = messaging.unitOfWork(handlers().on(Ordered, (event) => void log.push(event.data.n)));
    await units.run(async ({ record, track }) => {
      track(plain);
      record(Ordered({ n: 1 }));
    });
    own = [];
    expect(log).toEqual([1, 2, 3]);
  });

  test("handlers of one event run by their order, then as they were registered, one after another", async () => {
    const { messaging } = await keeping();
    const log: string[] = [];
    const slow = (name: string) => async () => {
      log.push(`${name} begins`);
      await Promise.resolve();
      log.push(`${name} ends`);
    };
    const units = messaging.unitOfWork(
      handlers()
        .on(Ordered, slow("second"))
        .on(Ordered, slow("last"), { order: 10 })
        .on(Ordered, slow("third"))
        .on(Ordered, slow("first"), { order: -1 }),
    );
    await units.run(async ({ record }) => record(Ordered({ n: 1 })));
    expect(log).toEqual(
      ["first", "second", "third", "last"].flatMap((name) => [`${name} begins`, `${name} ends`]),
    );
  });

  test("what handlers record joins the end of the line, one level deeper, with the event that caused it", async () => {
    const { messaging } = await keeping();
    const log: unknown[] = [];
    const units = messaging.unitOfWork(
      handlers()
        .on(Ordered, async ({ data: { n } }, { record, depth, causedBy }) => {
          log.push(["ordered", n, depth, causedBy]);
          await Promise.resolve();
          record(Reserved({ n }));
        })
        .on(Reserved, (event, { depth, causedBy, track }) => {
          log.push(["reserved", event.data.n, depth, causedBy?.type]);
          track(accountOf("x")).change(0, Billed({ n: event.data.n }));
        })
        .on(
          Billed,
          ({ data: { n } }, { depth, causedBy }) => void log.push(["billed", n, depth, causedBy?.type]),
        ),
    );
    await units.run(async ({ record }) => record(Ordered({ n: 1 }), Ordered({ n: 2 })));
    expect(log).toEqual([
      ["ordered", 1, 1, undefined],
      ["ordered", 2, 1, undefined],
      ["reserved", 1, 2, "ordered"],
      ["reserved", 2, 2, "ordered"],
      ["billed", 1, 3, "reserved"],
      ["billed", 2, 3, "reserved"],
    ]);
  });

  test("the work's own unit, used in a handler, knows which event is being handled", async () => {
    const { messaging } = await keeping();
    const seen: unknown[] = [];
    const units = messaging.unitOfWork(
      handlers()
        .on(Ordered, () => units.current()?.record(Reserved({ n: 1 })))
        .on(Reserved, (_event, { depth, causedBy }) => void seen.push(depth, causedBy?.type)),
    );
    await units.run(async ({ record }) => record(Ordered({ n: 1 })));
    expect(seen).toEqual([2, "ordered"]);
  });
});

describe("one transaction", () => {
  test("all handlers get the transaction of the work, and it is the only one", async () => {
    const { messaging, transactions } = await keeping();
    const seen = new Set<unknown>();
    const units = messaging.unitOfWork(
      handlers()
        .on(Ordered, (_event, { tx, record }) => {
          seen.add(tx);
          record(Reserved({ n: 1 }));
        })
        .on(Reserved, (_event, { tx }) => void seen.add(tx)),
    );
    await units.run(async ({ tx, record }) => {
      seen.add(tx);
      record(Ordered({ n: 1 }));
    });
    expect([seen.size, transactions()]).toEqual([1, 1]);
  });

  test("integration events leave last, in one statement, in the order they were published, built ones from the latest state", async () => {
    const { messaging, appended, store } = await keeping();
    const units = messaging.unitOfWork(
      handlers()
        .map(Ordered, ({ data: { n } }) => [Ticked({ n: n * 10 }), Ticked({ n: n * 10 + 1 })])
        .map(Ordered, () => undefined)
        .on(Ordered, async (_event, { tx, publishLater, record }) => {
          publishLater(async () => Ticked({ n: Number(await tx.get("accounts", "a")) }));
          await tx.put("accounts", "a", 1);
          record(Reserved({ n: 1 }));
        })
        .on(Reserved, async (_event, { tx, publish }) => {
          expect(appended).toEqual([]);
          await tx.put("accounts", "a", 777);
          publish(Ticked({ n: 3 }));
        }),
    );
    await units.run(async ({ record, publish }) => {
      publish(Ticked({ n: 1 }));
      record(Ordered({ n: 2 }));
    });
    expect(appended.map(data)).toEqual([[1, 20, 21, 3, 777]]);
    expect(store.rows("accounts").get("a")).toBe(777);
  });

  test("any failure rolls everything back and rejects with the error itself, which tells event, handler and depth", async () => {
    const { messaging, store, appended } = await keeping();
    class OutOfStock extends Error {}
    const cause = new OutOfStock("none left");
    const hooks: string[] = [];
    const units = messaging.unitOfWork(
      handlers()
        .on(Ordered, async (_event, { tx, record, publish, afterCommit }) => {
          await tx.put("accounts", "handler", 1);
          publish(Ticked({ n: 1 }));
          afterCommit(() => void hooks.push("committed"));
          record(Reserved({ n: 2 }));
        })
        .on(
          Reserved,
          () => {
            throw cause;
          },
          { name: "take from the shelf" },
        )
        .on(Reserved, () => void hooks.push("the next handler")),
    );
    const error = await failureOf(
      units.run(async ({ tx, record }) => {
        await tx.put("accounts", "work", 1);
        record(Ordered({ n: 1 }));
      }),
    );
    expect(error).toBe(cause);
    expect(error).toBeInstanceOf(OutOfStock);
    expect(domainFailureOf(error)).toEqual({
      event: expect.objectContaining({ type: "reserved", data: { n: 2 } }),
      handler: "take from the shelf",
      depth: 2,
      chain: ["ordered", "reserved"],
    });
    expect(Object.keys(cause)).toEqual([]);
    expect([[...store.rows("accounts").keys()], appended, hooks]).toEqual([[], [], []]);
  });

  test("an error that nothing can be added to stays what it is, and the log tells where it came from", async () => {
    const { messaging, here } = await keeping();
    for (const thrown of ["text", undefined, Object.freeze(new Error("frozen"))]) {
      const fails = () => {
        // eslint-disable-next-line typescript/only-throw-error -- what this test is about
        throw thrown;
      };
      const units = messaging.unitOfWork(handlers().on(Ordered, fails));
      const outcome = await units
        .run(async ({ record }) => record(Ordered({ n: 1 })))
        .then(
          () => "no failure",
          (error: unknown) => error,
        );
      expect(outcome).toBe(thrown);
      expect(domainFailureOf(outcome)).toBeUndefined();
      expect(here.logger.lines.at(-1)).toMatchObject({
        level: "warn",
        context: { type: "ordered", handler: "fails", depth: 1 },
      });
    }
    expect(here.logger.lines).toHaveLength(3);
  });

  test("one error thrown by two units tells of the last time", async () => {
    const { messaging } = await keeping();
    const constant = new Error("always the same");
    const fail = () => Promise.reject(constant);
    const units = messaging.unitOfWork(handlers().on(Ordered, fail).on(Reserved, fail));
    for (const event of [Ordered({ n: 1 }), Reserved({ n: 2 })]) {
      await expect(units.run(async ({ record }) => record(event))).rejects.toBe(constant);
      expect(domainFailureOf(constant)?.event).toBe(event);
    }
  });
});

describe("aggregates", () => {
  test("what is dirty is saved before the next handler looks, once for each time it became so", async () => {
    const { messaging, store } = await keeping();
    const saves: (readonly [string, number])[] = [];
    const account = accountOf("a");
    const save = async (one: typeof account, tx: MemoryTx) => {
      saves.push([one.id, one.balance]);
      await saveAccount(one, tx);
    };
    const seen: unknown[] = [];
    const units = messaging.unitOfWork(
      handlers()
        .on(Ordered, async (_event, { tx }) => {
          seen.push(await tx.get("accounts", "a"));
          account.change(10, Reserved({ n: 1 }));
        })
        .on(Ordered, async (_event, { tx }) => void seen.push(await tx.get("accounts", "a")))
        .on(Reserved, async (_event, { tx, track }) => {
          seen.push(await tx.get("accounts", "a"));
          track(account).balance += 100; // changed, and nothing recorded
        }),
    );
    await units.run(async ({ track }) => {
      track(account, save).change(1, Ordered({ n: 1 }));
    });
    expect(seen).toEqual([1, 11, 11]);
    expect(saves).toEqual([
      ["a", 1],
      ["a", 11],
      ["a", 111],
    ]);
    expect(store.rows("accounts").get("a")).toBe(111);
  });

  test("one that records nothing is saved once, and one without a save never", async () => {
    const { messaging, store } = await keeping();
    await messaging.unitOfWork().run(async ({ track }) => {
      track(accountOf("silent", 5), saveAccount);
      track(accountOf("read only", 5)).change(1, Ordered({ n: 1 }));
    });
    expect([...store.rows("accounts").entries()]).toEqual([["silent", 5]]);
  });

  test("what a save records is handled, too; one that never comes to an end is stopped", async () => {
    const { messaging } = await keeping();
    const log: number[] = [];
    const units = messaging.unitOfWork(handlers().on(Reserved, ({ data: { n } }) => void log.push(n)));
    const account = accountOf("a");
    const first = [Reserved({ n: 1 })];
    await units.run(
      async ({ track }) => void track(account, async () => account.change(0, ...first.splice(0))),
    );
    expect(log).toEqual([1]);
    const endless = accountOf("b");
    const recording = units.run(async ({ track }) => {
      track(endless, async () => endless.change(0, Reserved({ n: 2 })));
    });
    await expect(recording).rejects.toMatchObject({ code: "HANDLER_CASCADE" });
    const tracking = units.run(async ({ track }) => {
      const other = accountOf("c");
      const save = async (): Promise<void> => void track(other, save);
      track(other, save);
    });
    await expect(tracking).rejects.toMatchObject({ code: "HANDLER_CASCADE", chain: [] });
  });

  test("the aggregates of a unit that failed go into no other unit; those of one that committed do", async () => {
    const { messaging, store } = await keeping();
    const units = messaging.unitOfWork();
    const [kept, lost, late] = [accountOf("kept"), accountOf("lost"), accountOf("late")];
    await units.run(async ({ track }) => void track(kept, saveAccount));
    await expect(
      units.run(async ({ track }) => {
        track(lost, saveAccount).change(1, Ordered({ n: 1 }));
        throw new Error("no");
      }),
    ).rejects.toThrow("no");
    await expect(
      units.run(async ({ track }) => {
        track(late, saveAccount);
        store.clear(); // the commit fails
      }),
    ).rejects.toMatchObject({ code: "STORE_FAILED" });
    await units.run(async ({ track }) => void track(kept, saveAccount).change(7));
    for (const stale of [lost, late]) {
      await expect(units.run(async ({ track }) => void track(stale))).rejects.toMatchObject({
        code: "USAGE_STALE_AGGREGATE",
      });
    }
    expect(store.rows("accounts").get("kept")).toBe(7);
  });

  test("what is no aggregate, and what gives no domain events, is refused", async () => {
    const { messaging } = await keeping();
    const units = messaging.unitOfWork();
    for (const wrong of [
      undefined,
      {},
      { takeRecorded: () => "events" },
      { takeRecorded: () => [{ kind: "event" }] },
    ])
      await expect(units.run(async ({ track }) => void track(wrong as never))).rejects.toMatchObject({
        code: "USAGE_WRONG_KIND",
      });
    for (const wrong of [null, Ordered, Ticked({ n: 1 })])
      await expect(units.run(async ({ record }) => record(wrong as never))).rejects.toMatchObject({
        code: "USAGE_WRONG_KIND",
      });
  });
});

describe("limits", () => {
  test("a circle ends with its chain, well under a second", async () => {
    const { messaging, appended } = await keeping();
    const units = messaging.unitOfWork(
      handlers()
        .on(Ordered, ({ data: { n } }, { record }) => record(Reserved({ n: n + 1 })))
        .on(Reserved, ({ data: { n } }, { record }) => record(Ordered({ n: n + 1 }))),
    );
    const startedMs = performance.now();
    const error = await failureOf(units.run(async ({ record }) => record(Ordered({ n: 1 }))));
    expect(performance.now() - startedMs).toBeLessThan(1_000);
    expect(error).toMatchObject({ code: "HANDLER_CASCADE", retryable: false });
    expect(String(error)).toContain("more than 16 levels deep: ordered → reserved → ordered → reserved");
    expect((error as { readonly chain: readonly string[] }).chain).toHaveLength(17);
    expect(appended).toEqual([]);
  });

  test("more events than allowed are refused, exactly as many are not, and both limits can be set", async () => {
    const { messaging } = await keeping();
    const units = messaging.unitOfWork(
      handlers().on(Ordered, ({ data: { n } }, { record }) =>
        n > 1 ? record(Ordered({ n: n - 1 })) : undefined,
      ),
      { maxDepth: 3, maxEvents: 5 },
    );
    await units.run(async ({ record }) => record(Ordered({ n: 3 }), Ordered({ n: 2 })));
    const wide = units.run(async ({ record }) => record(Ordered({ n: 3 }), Ordered({ n: 3 })));
    await expect(wide).rejects.toThrow("recorded more than 5 domain events");
    const deep = units.run(async ({ record }) => record(Ordered({ n: 4 })));
    await expect(deep).rejects.toThrow("more than 3 levels deep: ordered → ordered → ordered → ordered");
  });

  test("a domain event that nobody handles is ignored, or fails the unit where each must have a handler", async () => {
    const { messaging } = await keeping();
    await messaging.unitOfWork(handlers()).run(async ({ record }) => record(Ordered({ n: 1 })));
    const strict = messaging.unitOfWork(
      handlers().on(Reserved, () => {}),
      { unhandled: "throw" },
    );
    await strict.run(async ({ record }) => record(Reserved({ n: 1 })));
    const error = await failureOf(strict.run(async ({ record }) => record(Ordered({ n: 1 }))));
    expect(error).toMatchObject({
      code: "USAGE_DOMAIN_EVENT_UNHANDLED",
      context: { type: "ordered", depth: 1 },
    });
    expect(domainFailureOf(error)).toMatchObject({ handler: undefined, depth: 1 });
  });

  test("definitions without a handler are told before any unit runs", async () => {
    const { messaging } = await keeping();
    expect(() =>
      messaging.unitOfWork(
        handlers().on(Reserved, () => {}),
        {
          events: [Ordered, Reserved, Billed],
          maxDepth: 0,
          journal: "yes" as never,
        },
      ),
    ).toThrow(
      "unitOfWork: journal: must be true or false; maxDepth: must be a whole number from 1; events[0]: 'ordered' has no handler; events[2]: 'billed' has no handler",
    );
  });
});

describe("after the handlers", () => {
  test("recording in publishLater is an error, since nobody would hear of it", async () => {
    const { messaging, store } = await keeping();
    for (const verb of ["record", "track"] as const) {
      const outcome = messaging.unitOfWork().run(async (unit) => {
        await unit.tx.put("accounts", "a", 1);
        unit.publishLater(
          () => void (verb === "record" ? unit.record(Ordered({ n: 1 })) : unit.track(accountOf("b"))),
        );
      });
      await expect(outcome).rejects.toMatchObject({ code: "USAGE_RECORDED_TOO_LATE" });
    }
    expect(store.rows("accounts").size).toBe(0);
  });

  test("whoever uses the unit, a handler's context or the transaction after the end is told so", async () => {
    const { messaging } = await keeping();
    const left: Promise<unknown>[] = [];
    let end = (): void => undefined;
    const ended = new Promise<void>((resolve) => (end = resolve));
    const units = messaging.unitOfWork(
      handlers().on(Ordered, (_event, { tx, record, publish, track, publishLater, afterCommit }) => {
        const later = <R>(use: () => R) => void left.push(ended.then(use));
        later(() => tx.put("accounts", "late", 1));
        later(() => record(Ordered({ n: 2 })));
        later(() => publish(Ticked({ n: 1 })));
        later(() => publishLater(() => Ticked({ n: 1 })));
        later(() => track(createRecorder()));
        later(() => afterCommit(() => {}));
      }),
    );
    await units.run(async ({ record }) => record(Ordered({ n: 1 })));
    end();
    const codes = (await Promise.allSettled(left)).map((one) =>
      one.status === "rejected" ? (one.reason as { readonly code: string }).code : one.status,
    );
    expect(codes).toEqual([
      "STORE_TRANSACTION_CLOSED",
      ...Array.from({ length: 5 }, () => "USAGE_UNIT_CLOSED"),
    ]);
  });

  test("a unit that failed takes nothing any more, either", async () => {
    const { messaging } = await keeping();
    let left: (() => void) | undefined;
    const outcome = messaging.unitOfWork().run(async ({ record }) => {
      left = () => record(Ordered({ n: 1 }));
      throw new Error("no");
    });
    await expect(outcome).rejects.toThrow("no");
    expect(() => left?.()).toThrow(expect.objectContaining({ code: "USAGE_UNIT_CLOSED" }));
  });

  test("a domain event or a command is not published, from the work, a handler or a mapping", async () => {
    const { messaging } = await keeping();
    const event = Ordered({ n: 1 });
    const units = messaging.unitOfWork(handlers().map(Ordered, () => event as never));
    await expect(units.run(async ({ publish }) => publish(event as never))).rejects.toMatchObject({
      code: "USAGE_DOMAIN_EVENT_NOT_PUBLISHABLE",
    });
    await expect(units.run(async ({ record }) => record(event))).rejects.toMatchObject({
      code: "USAGE_DOMAIN_EVENT_NOT_PUBLISHABLE",
    });
    await expect(
      units.run(async ({ publish }) => publish(Ship({ orderId: "1" }) as never)),
    ).rejects.toMatchObject({
      code: "USAGE_WRONG_KIND",
    });
  });
});
