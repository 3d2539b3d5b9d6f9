import { createMessaging, memory } from "@postrider/core";
import { nameOf, given, openDatabase, Placed, type Place, silent, type Step } from "./wiring.ts";

/* A service that changes its data once and tells of it, by its outbox. The relay is another process. */

export interface ShopPlace extends Place {
  readonly order: Step;
}

const place = given<ShopPlace>();
const { pool, store } = openDatabase(place);
const messaging = await createMessaging({
  source: "/suite/shop",
  broker: memory(), // nothing of it leaves by this
  store,
  relay: false,
  logger: silent,
});
await messaging.unitOfWork().run(async ({ tx, publish }) => {
  await tx.query("INSERT INTO placed (name) VALUES ($1)", [nameOf(place.order)]);
  publish(Placed(place.order));
});
process.send?.({ state: "committed" });
await messaging.close();
await store.close();
await pool.end();
process.disconnect();
