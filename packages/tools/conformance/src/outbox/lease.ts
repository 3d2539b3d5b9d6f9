import { claim, claimEqual } from "../case/claim.ts";
import { sealedRun } from "../store/scope.ts";
import type { StoreCase } from "../store/scope.ts";

/** Short enough to run out while a case waits for that, long enough to take a renewal on a busy machine. */
const shortLeaseMs = 150;

export const leaseCases: readonly StoreCase[] = [
  {
    title:
      "one owner holds the lease; another gets it when it was released or has run out, with a higher epoch",
    body: async (scope) => {
      const [one, two] = [scope.store.relay, (await scope.open()).relay];
      const first = await scope.wait("acquire", one.acquire("one", 60_000));
      claim(first, "nobody holds the lease, and yet it was not given");
      claimEqual(first.owner, "one", "owner of the lease");
      claimEqual(
        await scope.wait("acquire", two.acquire("two", 60_000)),
        undefined,
        "a lease that another holds",
      );
      await scope.wait("release", one.release(first));
      const second = await scope.wait("acquire", two.acquire("two", shortLeaseMs));
      claim(second, "the lease was released, and yet it was not given");
      claim(second.epoch > first.epoch, "the epoch must grow at a take-over");
      let third: typeof second | undefined;
      await scope.until("the lease to run out", async () => {
        third = await one.acquire("one", 60_000);
        return third !== undefined;
      });
      claim(third && third.epoch > second.epoch, "the epoch must grow at a take-over");
      claimEqual((await scope.wait("status", one.status())).owner, "one", "owner in the status");
    },
  },
  {
    title: "100. renew keeps the lease past its time, and is false for an owner that lost it",
    body: async (scope) => {
      const [one, two] = [scope.store.relay, (await scope.open()).relay];
      const first = await scope.wait("acquire", one.acquire("one", shortLeaseMs));
      claim(first, "acquire");
      claimEqual(await scope.wait("renew", one.renew(first, 60_000)), true, "renew of a lease that is ours");
      const untilMs = performance.now() + 2 * shortLeaseMs;
      await scope.until("the first end of the lease to be past", async () => {
        claimEqual(await two.acquire("two", 60_000), undefined, "a renewed lease past its first end");
        return performance.now() >= untilMs;
      });
      await scope.wait("release", one.release(first));
      const second = await scope.wait("acquire", two.acquire("two", 60_000));
      claim(second, "acquire after release");
      claimEqual(
        await scope.wait("renew", one.renew(first, 60_000)),
        false,
        "renew of a lease that another took over",
      );
      await scope.wait("release of a lease that is lost", one.release(first));
      claimEqual(
        await scope.wait("renew", two.renew(second, 60_000)),
        true,
        "the new owner's lease after that",
      );
    },
  },
  {
    title: "100. of several that ask at the same time one gets the lease",
    body: async (scope) => {
      const { relay: store } = scope.store;
      const asked = Array.from({ length: 8 }, (_, index) => store.acquire(`owner-${index}`, 60_000));
      const given = (await scope.wait("eight that ask", Promise.all(asked))).filter(
        (one) => one !== undefined,
      );
      claimEqual(given.length, 1, "leases given");
    },
  },
  {
    title:
      "an owner that acquires its own lease anew gets a higher epoch, and the lease it had before is lost",
    body: async (scope) => {
      const { relay } = scope.store;
      const before = await scope.wait("acquire", relay.acquire("one", 60_000));
      const anew = await scope.wait("acquire", relay.acquire("one", 60_000));
      claim(before && anew, "an owner that holds the lease did not get it anew");
      claim(anew.epoch > before.epoch, "the epoch must grow at each acquire");
      claimEqual(await scope.wait("renew", relay.renew(before, 60_000)), false, "renew of the former lease");
      await scope.wait("release of the former lease", relay.release(before));
      claimEqual(
        await scope.wait("renew", relay.renew(anew, 60_000)),
        true,
        "renew of the lease acquired anew",
      );
    },
  },
  {
    title: "100. the events wait for the next owner while nobody holds the lease",
    body: async (scope) => {
      const lease = await scope.lease();
      await scope.wait("release", scope.store.relay.release(lease));
      const events = sealedRun(2);
      await scope.commit(events);
      const next = await scope.lease();
      claim(next.epoch > lease.epoch, "the epoch must grow at a take-over");
      claimEqual((await scope.read(next)).length, events.length, "events read by the next owner");
    },
  },
];
