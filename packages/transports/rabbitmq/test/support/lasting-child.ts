// A process that consumes and does nothing else: `lasting-child.ts <url>`. It writes a line for each state.
import { rabbitmq } from "../../src/index.ts";
import { subscribe } from "./subscribe.ts";

const transport = rabbitmq({ url: process.argv[2], maxReconnectDelayMs: 200 });
await transport.connect();
await subscribe(transport, { group: "lasting", channels: ["lasting"] });
transport.onState((state) => void process.stdout.write(`${state}\n`));
process.stdout.write("consuming\n");
process.once("SIGTERM", () => void transport.close());
