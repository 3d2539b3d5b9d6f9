import { describe, expect, test } from "vitest";
import { runChild, runNative } from "./support/child.ts";

describe("56. after the close", () => {
  test("no timer or socket is left: the process ends by itself", async () => {
    const ended = await runChild(`
      const consumer = defineConsumer("g", { inbox: "none", timeoutMs: 600_000, ordering: "key" })
        .on(Ticked, () => { throw new Error("retried in a minute"); });
      const { signal } = new AbortController();
      await messaging.consume(consumer, { signal });
      await messaging.consume(defineConsumer("batches", { inbox: "none" }).onBatch(Ticked, () => {}, { maxWaitMs: 600_000 }));
      await messaging.consumeDeadLetters("g", () => {});
      await messaging.publish(Ticked({ n: 1 }));
      await turns();
      await messaging.close();
      console.log("resources:", process.getActiveResourcesInfo().filter((one) => one !== "PipeWrap").join());
    `);
    expect(ended).toMatchObject({ code: 0, stdout: "resources: \n" });
  });

  test("a consumer at work does not keep the process alive by itself; run() does", async () => {
    const ended = await runChild(`
      await messaging.consume(defineConsumer("g", { inbox: "none" }).on(Ticked, () => {}));
      const controller = new AbortController();
      setTimeout(() => { console.log("stopping"); controller.abort(); }, 50).unref();
      await messaging.run({ signal: controller.signal });
      console.log("closed");
    `);
    expect(ended).toMatchObject({ code: 0, stdout: "stopping\nclosed\n" });
  });

  test("a close keeps the process alive until it has ended, also past a handler that never does", async () => {
    const ended = await runChild(`
      await messaging.consume(defineConsumer("g", { inbox: "none" }).on(Ticked, () => new Promise(() => {})));
      await messaging.publish(Ticked({ n: 1 }));
      await turns();
      await messaging.close({ drainMs: 200 });
      console.log("closed");
    `);
    expect(ended).toMatchObject({ code: 0, stdout: "closed\n" });
  });

  test("a messaging without consumers never had a listener on the process", async () => {
    const ended = await runChild(`
      await messaging.publish(Ticked({ n: 1 }));
      console.log("listeners:", process.listenerCount("unhandledRejection"));
    `);
    expect(ended).toMatchObject({ code: 0, stdout: "listeners: 0\n" });
  });
});

describe("a promise that a handler leaves behind and that rejects", () => {
  const leaving = (stray: string, rest = "") => `
    await messaging.consume(defineConsumer("g", { inbox: "none" }).on(Ticked, () => { ${stray} }));
    await messaging.publish(Ticked({ n: 1 }));
    await turns();
    ${rest}
    await turns();
    console.log("alive");
    await messaging.close();
  `;

  test("is reported and ends nothing: rejected at once, in an async function, or long after the handler has ended", async () => {
    const ended = await runChild(
      leaving(`
        void Promise.reject(new Error("stray 1"));
        void (async () => { await null; throw new Error("stray 2"); })();
        new Promise((_, reject) => setImmediate(() => reject(new Error("stray 3"))));
      `),
    );
    const reported = "error: A handler left a promise behind that nobody awaits, and it was rejected stray";
    expect(ended).toMatchObject({
      code: 0,
      stdout: `${reported} 1\n${reported} 2\n${reported} 3\nalive\n`,
      stderr: "",
    });
  });

  test("of a handler of dead letters is contained, too", async () => {
    const ended = await runChild(`
      await messaging.consume(defineConsumer("g", { inbox: "none", retry: { attempts: 1, delayMs: () => 0 } }).on(Ticked, () => { throw new Error("no"); }));
      await messaging.consumeDeadLetters("g", () => { void Promise.reject(new Error("stray")); });
      await messaging.publish(Ticked({ n: 1 }));
      await turns();
      console.log("alive");
      await messaging.close();
    `);
    expect(ended).toMatchObject({ code: 0, stderr: "" });
    expect(ended.stdout).toContain(
      "A handler of dead letters left a promise behind that nobody awaits, and it was rejected stray\nalive",
    );
  });

  const others = `void Promise.reject(new Error("of other code"));`;

  test("of other code in the process ends it, as it would without us", async () => {
    const ended = await runChild(leaving("", others));
    expect(ended.code).toBe(1);
    expect(ended.stdout).toBe("");
    expect(ended.stderr).toContain("Error: of other code");
  });

  test("of other code that is no error is said to be none", async () => {
    const ended = await runChild(leaving("", `void Promise.reject("just text");`));
    expect(ended.code).toBe(1);
    expect(ended.stderr).toContain("ERR_UNHANDLED_REJECTION");
    expect(ended.stderr).toContain("just text");
  });

  test.each([
    ["--unhandled-rejections=warn", 0, "UnhandledPromiseRejectionWarning: Error: of other code"],
    ["--unhandled-rejections=none", 0, ""],
    ["--unhandled-rejections=warn-with-error-code", 1, "Error: of other code"],
    ["--unhandled-rejections=none --unhandled-rejections=throw", 1, "Error: of other code"],
  ])("of other code is left to Node's mode: %s", async (nodeOptions, code, said) => {
    const ended = await runChild(leaving("", others), { nodeOptions });
    const native = await runNative(`${others} await turns(); console.log("alive");`, { nodeOptions });
    expect([ended.code, native.code]).toEqual([code, code]);
    expect(ended.stdout).toBe(native.stdout);
    expect(ended.stderr).toContain(said);
    // Said once, not once by Node and once by us.
    expect(ended.stderr.split("Error: of other code").length).toBe(
      native.stderr.split("Error: of other code").length,
    );
  });

  test("of other code is left to a listener of the application", async () => {
    const ended = await runChild(
      leaving(
        "",
        `process.on("unhandledRejection", (error) => console.log("theirs:", error.message)); ${others}`,
      ),
    );
    expect(ended).toMatchObject({ code: 0, stdout: "theirs: of other code\nalive\n" });
  });

  test("is contained whichever of several messagings runs the handler, by one listener", async () => {
    const ended = await runChild(`
      const other = await createMessaging({ source: "/other", broker: memory(), logger });
      const stray = () => { void Promise.reject(new Error("stray")); };
      await messaging.consume(defineConsumer("g", { inbox: "none" }).on(Ticked, stray));
      await other.consume(defineConsumer("g", { inbox: "none" }).on(Ticked, stray));
      await messaging.publish(Ticked({ n: 1 }));
      await turns();
      await messaging.close();
      await other.publish(Ticked({ n: 1 }));
      await turns();
      await other.close();
      console.log("listeners:", process.listenerCount("unhandledRejection"));
    `);
    expect(ended.code).toBe(0);
    expect(ended.stdout.match(/rejected stray|listeners: \d/g)).toEqual([
      "rejected stray",
      "rejected stray",
      "listeners: 1",
    ]);
  });

  test("is contained when it rejects only after the last close", async () => {
    const ended = await runChild(`
      let reject = () => {};
      const stray = () => { void new Promise((_, no) => { reject = no; }).then(() => {}); };
      await messaging.consume(defineConsumer("g", { inbox: "none" }).on(Ticked, stray));
      await messaging.publish(Ticked({ n: 1 }));
      await turns();
      await messaging.close();
      reject(new Error("stray"));
      await turns();
      console.log("alive");
    `);
    expect(ended).toMatchObject({ code: 0, stderr: "" });
    expect(ended.stdout).toContain("rejected stray\nalive");
  });

  test("of other code ends the process after the last close, too", async () => {
    const ended = await runChild(`
      await messaging.consume(defineConsumer("g", { inbox: "none" }).on(Ticked, () => {}));
      await messaging.close();
      ${others}
      await turns();
      console.log("alive");
    `);
    expect(ended.code).toBe(1);
    expect(ended.stdout).toBe("");
    expect(ended.stderr).toContain("Error: of other code");
  });
});
