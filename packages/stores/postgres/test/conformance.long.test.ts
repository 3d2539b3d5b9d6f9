import { serversBetween } from "./support/servers-between.ts";
import { storeSuites } from "./support/suites.ts";

for (const server of serversBetween) storeSuites(server);
