import type { TransportSubscription } from "@postrider/core";
import { expect, test } from "vitest";
import { createIntakeSwitch } from "../../src/consume/intake/intake-switch.ts";

/** Writes down what it is told. */
function recordingSubscription() {
  const told: string[] = [];
  const subscription: TransportSubscription = {
    pause: () => void told.push("pause"),
    resume: () => void told.push("resume"),
    setMaxInFlight: () => undefined,
    stop: () => Promise.resolve(),
    close: () => Promise.resolve(),
  };
  return { told, subscription };
}

test("the intake is on again only when nobody has a reason left for it to be off", () => {
  const { told, subscription } = recordingSubscription();
  const intake = createIntakeSwitch();
  intake.connect(subscription);
  intake.off("person");
  intake.off("outage");
  intake.on("outage");
  expect(told).toEqual(["pause", "pause"]);
  intake.on("person");
  expect(told).toEqual(["pause", "pause", "resume"]);
});

test("turning on what is on says nothing to the broker", () => {
  const { told, subscription } = recordingSubscription();
  const intake = createIntakeSwitch();
  intake.connect(subscription);
  intake.on("person");
  expect(told).toEqual([]);
});

test("a reason from before the subscription was there counts", () => {
  const { told, subscription } = recordingSubscription();
  const intake = createIntakeSwitch();
  intake.off("outage");
  intake.connect(subscription);
  expect(told).toEqual(["pause"]);
});

test("after the close nothing is said to a subscription that may be gone", () => {
  const { told, subscription } = recordingSubscription();
  const intake = createIntakeSwitch();
  intake.connect(subscription);
  intake.off("outage");
  intake.close();
  intake.on("outage");
  intake.off("person");
  expect(told).toEqual(["pause"]);
});
